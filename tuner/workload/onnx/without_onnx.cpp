// The same doors in a build without the packages that ONNX files need.
#include "tuner/workload/onnx/embed.h"
#include "tuner/workload/onnx/export.h"
#include "tuner/workload/onnx/graph.h"

namespace batchtune {
namespace {

tl::unexpected<Error> absent(const std::string& where) {
  return environment_error(
      "a build that knows ONNX files", "one built without ONNX", where,
      "Install libonnx-dev, libprotobuf-dev and protobuf-compiler, and build again");
}

}  // namespace

Result<Model> read_onnx(const std::string& path, const OnnxOptions&) {
  return absent(path);
}

Result<OnnxForRuntime> onnx_for_runtime(const Model& model, std::uint64_t) {
  return absent(model.name);
}

Result<OnnxForRuntime> export_onnx(const Model& model, std::uint64_t) {
  return absent(model.name);
}

Result<OnnxForRuntime> write_onnx(const Model& model, std::uint64_t, const std::string&, Bytes) {
  return absent(model.name);
}

Result<FileGraph> read_onnx_graph(const Model& model) {
  return absent(model.name);
}

Result<FileGraph> read_onnx_graph_as_declared(const std::string& path) {
  return absent(path);
}

Result<std::string> embed_external_data(const std::string&, const std::string& folder) {
  return absent(folder);
}

std::vector<OnnxOperation> onnx_operations() {
  return {};
}

}  // namespace batchtune
