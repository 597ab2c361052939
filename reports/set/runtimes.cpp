// ONNX Runtime and OpenVINO, set as their backends set them when they measure.
#include <fmt/format.h>

#include <algorithm>

#include "reports/set/parts.h"
#include "reports/set/words.h"
#include "reports/text/words.h"

namespace batchtune::set {
namespace {

std::string numpy_zeros(const DeployedInput& input, std::int64_t batch) {
  return fmt::format("{}: numpy.zeros({}, numpy.{})", quoted(input.name), shape_of(input, batch),
                     input.ids ? "int64" : "float32");
}

// ONNX Runtime fixes a dimension by its name; "" where that is not known.
std::string batch_dim_of(const HowToSet& what) {
  return what.file.empty() ? "batch" : what.batch_dim;
}

// Runtimes on CPUs have no dynamic batching of their own.
void add_split_note(SettingLines& out, const HowToSet& what) {
  const std::string users = users_words(what);
  if (users.empty()) return;
  out.notes.push_back(fmt::format("{} are for your program to split into runs of {}, the last one padded", users,
                                  compiled_batch(what)));
}

}  // namespace

SettingLines export_lines(const HowToSet& what) {
  SettingLines out{"The model as a file", "shell", {}, {}};
  out.lines.push_back(fmt::format("batchtune export {} -o {}", shell_word(what.model),
                                  shell_word(file_of(what))));
  out.notes.push_back("with weights of a seed: put your own file of the same model in its place");
  return out;
}

SettingLines onnxruntime_python(const HowToSet& what) {
  const CandidateGroup& group = what.candidate.group;
  SettingLines out{"ONNX Runtime", "python", {}, {}};
  out.lines = {"import numpy", "import onnxruntime", "", "options = onnxruntime.SessionOptions()",
               fmt::format("options.intra_op_num_threads = {}", group.threads),
               "options.inter_op_num_threads = 1",
               "options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL"};
  const std::string batch_dim = batch_dim_of(what);
  if (!batch_dim.empty())
    out.lines.push_back(fmt::format("options.add_free_dimension_override_by_name({}, {})",
                                    quoted(batch_dim), compiled_batch(what)));
  out.lines.push_back(fmt::format("model = {}", quoted(file_of(what))));
  out.lines.emplace_back("providers = [\"CPUExecutionProvider\"]");
  const std::string session = "onnxruntime.InferenceSession(model, options, providers=providers)";
  out.lines.push_back(group.instances == 1
                          ? "session = " + session
                          : fmt::format("sessions = [{} for _ in range({})]", session, group.instances));
  std::vector<std::string> feeds;
  for (const DeployedInput& input : what.inputs) feeds.push_back(numpy_zeros(input, compiled_batch(what)));
  if (!feeds.empty())
    out.lines.push_back(fmt::format("outputs = {}.run(None, {{{}}})",
                                    group.instances == 1 ? "session" : "sessions[0]", text::joined(feeds, ", ")));
  if (group.instances > 1)
    out.notes.push_back(fmt::format("{} sessions, each called from a thread of its own, on {} CPUs of their own each",
                                    group.instances, group.threads));
  add_split_note(out, what);
  if (batch_dim.empty())
    out.notes.push_back(
        "where the file names its batch dimension, options.add_free_dimension_override_by_name(NAME, batch) fixes it; "
        "a file whose batch is fixed at another size is exported anew with a free one");
  else
    out.notes.push_back(
        "the override fixes the batch; it was measured with the dimension free, which takes other batches too");
  return out;
}

SettingLines onnxruntime_c(const HowToSet& what) {
  const CandidateGroup& group = what.candidate.group;
  SettingLines out{"ONNX Runtime, from C", "c", {}, {}};
  out.lines = {fmt::format("api->SetIntraOpNumThreads(options, {});", group.threads),
               "api->SetInterOpNumThreads(options, 1);",
               "api->SetSessionExecutionMode(options, ORT_SEQUENTIAL);"};
  const std::string batch_dim = batch_dim_of(what);
  if (!batch_dim.empty())
    out.lines.push_back(fmt::format("api->AddFreeDimensionOverrideByName(options, {}, {});",
                                    quoted(batch_dim), compiled_batch(what)));
  out.notes.push_back("of const OrtApi* api and OrtSessionOptions* options; each returns an OrtStatus* to look at");
  return out;
}

SettingLines openvino_python(const HowToSet& what) {
  const CandidateGroup& group = what.candidate.group;
  SettingLines out{"OpenVINO", "python", {}, {}};
  out.lines = {"import openvino", "", "core = openvino.Core()",
               fmt::format("model = core.read_model({})", quoted(file_of(what)))};
  std::vector<std::string> shapes;
  for (const DeployedInput& input : what.inputs)
    shapes.push_back(fmt::format("{}: {}", quoted(input.name), shape_of(input, compiled_batch(what))));
  if (!shapes.empty()) out.lines.push_back(fmt::format("model.reshape({{{}}})", text::joined(shapes, ", ")));
  out.lines.push_back(fmt::format(
      "settings = {{\"INFERENCE_PRECISION_HINT\": \"{}\", \"NUM_STREAMS\": \"{}\", \"INFERENCE_NUM_THREADS\": \"{}\"}}",
      name_of(group.dtype), group.instances, group.threads * group.instances));
  out.lines.emplace_back("compiled = core.compile_model(model, \"CPU\", settings)");
  out.lines.push_back(fmt::format("queue = openvino.AsyncInferQueue(compiled, {})", group.instances));
  add_split_note(out, what);
  out.notes.push_back("a performance hint (PERFORMANCE_HINT: LATENCY, THROUGHPUT) would choose streams and threads by "
                      "itself; the settings above count over it");
  return out;
}

SettingLines openvino_benchmark(const HowToSet& what) {
  const CandidateGroup& group = what.candidate.group;
  SettingLines out{"OpenVINO, the same with its benchmark_app", "shell", {}, {}};
  std::string shapes;
  for (const DeployedInput& input : what.inputs) {
    std::string shape = shape_of(input, compiled_batch(what));
    shape.erase(std::remove(shape.begin(), shape.end(), ' '), shape.end());
    shapes += (shapes.empty() ? "" : ",") + input.name + shape;
  }
  out.lines.push_back(fmt::format(
      "benchmark_app -m {} -d CPU{} -hint none -nstreams {} -nthreads {} -nireq {} -api async -infer_precision {}",
      shell_word(file_of(what)), shapes.empty() ? "" : " -shape " + shell_word(shapes), group.instances,
      group.threads * group.instances, group.instances, name_of(group.dtype)));
  return out;
}

}  // namespace batchtune::set
