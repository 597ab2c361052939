#include "tuner/workload/onnx/external.h"

#include <filesystem>
#include <fstream>
#include <string>

#include "tuner/workload/model.h"
#include "tuner/workload/onnx/embed.h"
#include "tuner/workload/onnx/graph.h"

namespace batchtune {
namespace onnx_file {

std::optional<std::string> external_bytes(const ::onnx::TensorProto& tensor,
                                          const std::string& folder) {
  const Shape shape(tensor.dims().begin(), tensor.dims().end());
  std::string location;
  std::uint64_t offset = 0;
  auto length =
      static_cast<std::uint64_t>(elements(shape)) *
      static_cast<std::uint64_t>(bytes_of(static_cast<ElementType>(tensor.data_type())));
  for (const auto& entry : tensor.external_data()) {
    if (entry.key() == "location") location = entry.value();
    if (entry.key() == "offset") offset = std::stoull(entry.value());
    if (entry.key() == "length") length = std::stoull(entry.value());
  }
  std::string bytes(length, '\0');
  std::ifstream file(std::filesystem::path(folder) / location, std::ios::binary);
  file.seekg(static_cast<std::streamoff>(offset));
  file.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  if (!file) return std::nullopt;
  return bytes;
}

}  // namespace onnx_file

Result<std::string> embed_external_data(const std::string& bytes, const std::string& folder) {
  ::onnx::ModelProto model;
  if (!model.ParseFromString(bytes)) return bad_input("an ONNX model", "other bytes", folder);
  for (::onnx::TensorProto& tensor : *model.mutable_graph()->mutable_initializer()) {
    if (tensor.data_location() != ::onnx::TensorProto::EXTERNAL) continue;
    auto data = onnx_file::external_bytes(tensor, folder);
    if (!data)
      return bad_input("the bytes of tensor \"" + tensor.name() + "\"", "a file that ends before them",
                       folder);
    tensor.set_raw_data(std::move(*data));
    tensor.clear_external_data();
    tensor.clear_data_location();
  }
  std::string whole;
  if (!model.SerializeToString(&whole))
    return bad_input("a model of less than 2 GiB with its weights", "more", folder);
  return whole;
}

}  // namespace batchtune
