// Writes what an exported model is held against:   write_outputs MODEL SEED BATCH FOLDER
// into FOLDER the model as ONNX, the seeded inputs of a batch, and the cpu backend's output for
// them, as raw f32 (token ids: i32) in the model's own layout. manifest.json names them and says
// how ONNX's dimensions relate to the model's. MODEL is as on the command line, or "random:N" for a
// random graph of seed N.
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "tests/support/random_graph.h"
#include "tuner/backend/cpu/cpu_backend.h"
#include "tuner/workload/model_file.h"
#include "tuner/workload/onnx/export.h"
#include "tuner/workload/weights.h"

using namespace batchtune;
using Json = nlohmann::json;

namespace {

struct Request {
  std::string model, folder;
  std::uint64_t seed;
  std::int64_t batch;
};

[[noreturn]] void fail(const std::string& text) {
  std::cerr << "write_outputs: " << text << '\n';
  std::exit(1);
}

template <typename T>
T value_or_fail(Result<T> result) {
  if (!result) fail(to_string(result.error()));
  return std::move(*result);
}

template <typename T>
T value_or_fail(Outcome<T> outcome) {
  if (!outcome) fail(outcome.error().reason + " " + outcome.error().evidence);
  return std::move(*outcome);
}

template <typename T>
void write_values(const std::string& path, const std::vector<T>& values) {
  std::ofstream file(path, std::ios::binary);
  file.write(reinterpret_cast<const char*>(values.data()),
             static_cast<std::streamsize>(values.size() * sizeof(T)));
  if (!file.flush()) fail("cannot write " + path);
}

const Op& op_of(const Model& model, const OnnxTensor& tensor) {
  return model.ops[static_cast<std::size_t>(find_op(model, tensor.op))];
}

Json describe(const Model& model, const OnnxTensor& tensor, const std::string& file) {
  const Op& op = op_of(model, tensor);
  return {{"name", tensor.name},
          {"file", file},
          {"token_ids", op.kind == OpKind::input && op.input_kind == InputKind::token_ids},
          {"shape", op.output},
          {"permutation", tensor.permutation}};
}

void write_input(const Request& request, const Op& op, const std::string& path) {
  const auto sample = static_cast<std::size_t>(elements(op.output));
  const auto count = sample * static_cast<std::size_t>(request.batch);
  if (op.input_kind == InputKind::token_ids) {
    std::vector<std::int32_t> ids(count);
    for (std::int64_t i = 0; i < request.batch; ++i)
      fill_token_ids(request.seed, op, i,
                     std::span(ids).subspan(static_cast<std::size_t>(i) * sample, sample));
    return write_values(path, ids);
  }
  std::vector<float> values(count);
  for (std::int64_t i = 0; i < request.batch; ++i)
    fill_input(request.seed, op, i,
               std::span(values).subspan(static_cast<std::size_t>(i) * sample, sample));
  write_values(path, values);
}

std::vector<float> output_of(const Request& request, const Model& model) {
  cpu::CpuBackend backend;
  LoadOptions options;
  options.group = {.backend = "cpu", .dtype = DType::f32, .threads = 2, .dims = model.dims};
  options.seed = request.seed;
  LoadReport report;
  const auto loaded = value_or_fail(backend.load(model, options, report));
  const auto program = value_or_fail(loaded->prepare({options.group, request.batch}));
  program->set_input(request.seed);
  value_or_fail(program->run(1));
  return value_or_fail(program->read_output(request.batch));
}

Model model_of(const std::string& name) {
  const std::string random = "random:";
  if (name.rfind(random, 0) == 0)
    return test::random_graph(static_cast<unsigned>(std::stoul(name.substr(random.size()))));
  return value_or_fail(load_model(name));
}

void write_all(const Request& request) {
  const Model model = model_of(request.model);
  const auto made = value_or_fail(write_onnx(model, request.seed, request.folder + "/model.onnx"));
  Json manifest = {{"model", model.name}, {"batch", request.batch}, {"inputs", Json::array()}};
  for (const OnnxTensor& input : made.inputs) {
    const std::string file = "input" + std::to_string(manifest["inputs"].size()) + ".bin";
    write_input(request, op_of(model, input), request.folder + "/" + file);
    manifest["inputs"].push_back(describe(model, input, file));
  }
  write_values(request.folder + "/output.bin", output_of(request, model));
  manifest["output"] = describe(model, made.outputs[0], "output.bin");
  std::ofstream file(request.folder + "/manifest.json");
  if (!(file << manifest.dump(2) << '\n').flush()) fail("cannot write the manifest");
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) fail("write_outputs MODEL SEED BATCH FOLDER");
  write_all({.model = argv[1],
             .folder = argv[4],
             .seed = std::stoull(argv[2]),
             .batch = std::stoll(argv[3])});
}
