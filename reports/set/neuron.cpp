// torch-neuronx, torch-neuron and neuronx-cc.
#include <fmt/format.h>

#include <algorithm>

#include "reports/set/parts.h"
#include "reports/set/words.h"
#include "reports/text/words.h"
#include "tuner/core/inferentia.h"

namespace batchtune::set {
namespace {

// "" for what PyTorch computes in by itself.
std::string torch_dtype(DType dtype) {
  switch (dtype) {
    case DType::bf16:
      return "torch.bfloat16";
    case DType::f16:
      return "torch.float16";
    case DType::f32:
    case DType::tf32:
    case DType::fp8:
    case DType::int8:
      return "";
  }
  return "";
}

std::string torch_example(const DeployedInput& input, std::int64_t batch, const std::string& dtype) {
  const std::string shape = shape_of(input, batch);
  if (input.ids)
    return fmt::format("torch.randint(0, {}, {})", std::max<std::int64_t>(1, input.vocabulary), shape);
  return fmt::format("torch.rand({}{})", shape, dtype.empty() ? "" : ", dtype=" + dtype);
}

std::string torch_examples(const HowToSet& what, std::int64_t batch, const std::string& dtype) {
  if (what.inputs.empty()) return "...  # inputs of this batch";
  std::vector<std::string> each;
  for (const DeployedInput& input : what.inputs) each.push_back(torch_example(input, batch, dtype));
  return each.size() == 1 ? each.front() : "(" + text::joined(each, ", ") + ")";
}

std::string python_list(const std::string& words) {
  std::string list;
  std::size_t begin = 0;
  while (begin < words.size()) {
    const std::size_t end = std::min(words.find(' ', begin), words.size());
    if (end > begin) list += (list.empty() ? "" : ", ") + quoted(words.substr(begin, end - begin));
    begin = end + 1;
  }
  return "[" + list + "]";
}

}  // namespace

SettingLines neuron_compile(const HowToSet& what) {
  const std::int64_t batch = compiled_batch(what);
  const std::string dtype = torch_dtype(what.candidate.group.dtype);
  const std::string arguments =
      what.compiler_arguments.empty() ? "--auto-cast none" : what.compiler_arguments;
  SettingLines out{"PyTorch on Neuron: compile (torch-neuronx)", "python", {}, {}};
  out.lines = {"import torch",
               "import torch_neuronx",
               "",
               fmt::format("model = ...  # {}, a torch.nn.Module with its weights", what.model)};
  out.lines.push_back("model = model.eval()" + (dtype.empty() ? "" : ".to(" + dtype + ")"));
  out.lines.push_back(fmt::format("example = {}", torch_examples(what, batch, dtype)));
  out.lines.push_back(fmt::format("neuron = torch_neuronx.trace(model, example, compiler_args={})",
                                  python_list(arguments)));
  out.lines.push_back(fmt::format(
      "neuron = torch_neuronx.dynamic_batch(neuron)  # any other batch runs as several of {}", batch));
  out.lines.push_back(fmt::format("torch.jit.save(neuron, {})", quoted(saved_name(what, "pt"))));
  if (const std::string users = users_words(what); !users.empty())
    out.notes.push_back(
        fmt::format("{} are split into runs of {} along the first dimension, the last one padded", users, batch));
  else
    out.notes.push_back("without dynamic_batch the model takes this batch alone");
  return out;
}

SettingLines neuron_serve(const HowToSet& what) {
  const CandidateGroup& group = what.candidate.group;
  const int per_core = std::max(1, group.instances / std::max(1, group.cores));
  SettingLines out{"PyTorch on Neuron: serve", "python", {}, {}};
  std::string ids;
  for (int i = 0; i < group.cores; ++i) ids += (i == 0 ? "" : ", ") + fmt::to_string(i);
  out.lines = {"import torch",
               "import torch_neuronx",
               "",
               fmt::format("neuron = torch.jit.load({})", quoted(saved_name(what, "pt"))),
               fmt::format("neuron = torch_neuronx.DataParallel(neuron, device_ids=[{}])", ids),
               fmt::format("neuron.num_workers = {}  # {} in flight on each of {} core{}",
                           group.cores * per_core, per_core, group.cores, group.cores == 1 ? "" : "s"),
               fmt::format("neuron.split_size = {}", compiled_batch(what))};
  out.notes.push_back(fmt::format("start it with NEURON_RT_NUM_CORES={}", group.cores));
  out.notes.push_back(fmt::format(
      "DataParallel cuts what it is called with into parts of {} for the cores; call it with {} or more samples to "
      "keep all busy",
      compiled_batch(what), compiled_batch(what) * group.cores * per_core));
  return out;
}

SettingLines neuron_without_torch(const HowToSet& what) {
  SettingLines out{"Neuron without PyTorch: a NEFF", "shell", {}, {}};
  const std::string program = saved_name(what, "hlo.pb");
  const std::string target = what.target.empty() ? "$TARGET" : what.target;
  if (what.target.empty()) out.lines.push_back("TARGET=trn1  # inf2, trn1, trn1n, trn2 or trn3");
  out.lines.push_back(fmt::format("batchtune export {} -o {} --batch {} --dtype {}",
                                  shell_word(what.file.empty() ? what.model : what.file),
                                  shell_word(program), compiled_batch(what),
                                  name_of(what.candidate.group.dtype)));
  out.lines.push_back(fmt::format(
      "neuronx-cc compile {} --framework XLA --target {}{} --output {}", shell_word(program), target,
      what.compiler_arguments.empty() ? "" : " " + what.compiler_arguments,
      shell_word(saved_name(what, "neff"))));
  out.notes.push_back("a NEFF is of one batch: nothing splits or pads but who calls it");
  return out;
}

SettingLines inferentia_compile(const HowToSet& what) {
  const std::int64_t batch = compiled_batch(what);
  SettingLines out{"PyTorch on Inf1: compile (torch-neuron)", "python", {}, {}};
  out.lines = {"import torch",
               "import torch_neuron",
               "",
               fmt::format("model = ...  # {}, a torch.nn.Module with its weights", what.model),
               "model = model.eval()",
               fmt::format("example = {}", torch_examples(what, batch, "")),
               "neuron = torch.neuron.trace(model, example, dynamic_batch_size=True)",
               fmt::format("torch.jit.save(neuron, {})", quoted(saved_name(what, "pt")))};
  out.notes.emplace_back(text::kInferentiaIs);
  return out;
}

SettingLines inferentia_pipeline(const HowToSet& what) {
  const int cores = pipeline_cores(what.dense_parameters);
  SettingLines out{"PyTorch on Inf1 where latency is strict: NeuronCore Pipeline", "python", {}, {}};
  out.lines = {fmt::format("example = {}", torch_examples(what, 1, "")),
               fmt::format("pipeline = [\"--neuroncore-pipeline-cores\", \"{}\"]",
                           std::min(cores, kMostPipelineCores)),
               "neuron = torch.neuron.trace(model, example, compiler_args=pipeline)"};
  out.notes.push_back(text::pipeline_words(what.dense_parameters));
  return out;
}

}  // namespace batchtune::set
