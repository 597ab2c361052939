// Writes what an exported model is held against:   write_outputs MODEL SEED BATCH FOLDER
// into FOLDER the model as ONNX, the seeded inputs of a batch, and the cpu backend's output for
// them, as raw f32 (token ids: i32) in the model's own layout. manifest.json names them and says
// how ONNX's dimensions relate to the model's. MODEL is as on the command line, or "random:N" for a
// random graph of seed N.
#include <fstream>
#include <nlohmann/json.hpp>

#include "tests/support/cpu_outputs.h"
#include "tuner/workload/onnx/export.h"

using namespace batchtune;
using namespace batchtune::test;
using Json = nlohmann::json;

namespace {

struct Request {
  std::string model, folder;
  std::uint64_t seed;
  std::int64_t batch;
};

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
  if (op.input_kind == InputKind::token_ids)
    write_values(path, ids_of(request.seed, op, request.batch));
  else
    write_values(path, values_of(request.seed, op, request.batch));
}

void write_all(const Request& request) {
  const Model model = model_named(request.model);
  const auto made = value_or_fail(write_onnx(model, request.seed, request.folder + "/model.onnx"));
  Json manifest = {{"model", model.name}, {"batch", request.batch}, {"inputs", Json::array()}};
  for (const OnnxTensor& input : made.inputs) {
    const std::string file = "input" + std::to_string(manifest["inputs"].size()) + ".bin";
    write_input(request, op_of(model, input), request.folder + "/" + file);
    manifest["inputs"].push_back(describe(model, input, file));
  }
  write_values(request.folder + "/output.bin", cpu_output(model, request.seed, request.batch));
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
