// ONNX models made piece by piece, as files or bytes, for tests of what reads them.
#pragma once

#include <unistd.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "tuner/workload/model.h"
#include "tuner/workload/onnx/messages.h"

namespace batchtune::test {

using OnnxSize =
    std::variant<std::int64_t, std::string>;  // fixed, or symbolic ("" : without a name)
using OnnxSizes = std::vector<OnnxSize>;

inline OnnxSizes fixed_sizes(const Shape& shape) {
  return {shape.begin(), shape.end()};
}

// Attributes of a node.
inline ::onnx::AttributeProto& attribute(::onnx::NodeProto& node, const std::string& name) {
  auto& attribute = *node.add_attribute();
  attribute.set_name(name);
  return attribute;
}
inline void set_int(::onnx::NodeProto& node, const std::string& name, std::int64_t value) {
  auto& one = attribute(node, name);
  one.set_type(::onnx::AttributeProto::INT);
  one.set_i(value);
}
inline void set_ints(::onnx::NodeProto& node, const std::string& name, const Shape& values) {
  auto& one = attribute(node, name);
  one.set_type(::onnx::AttributeProto::INTS);
  for (const std::int64_t value : values) one.add_ints(value);
}
inline void set_text(::onnx::NodeProto& node, const std::string& name, const std::string& value) {
  auto& one = attribute(node, name);
  one.set_type(::onnx::AttributeProto::STRING);
  one.set_s(value);
}

// A folder of this process, removed at its end.
inline const std::filesystem::path& onnx_folder() {
  struct Folder {
    std::filesystem::path path =
        std::filesystem::temp_directory_path() / ("batchtune_onnx." + std::to_string(getpid()));
    Folder() { std::filesystem::create_directories(path); }
    ~Folder() { std::filesystem::remove_all(path); }
  };
  static const Folder folder;
  return folder.path;
}

class OnnxGraph {
 public:
  static constexpr int kFloat = ::onnx::TensorProto::FLOAT;
  static constexpr int kInt64 = ::onnx::TensorProto::INT64;

  explicit OnnxGraph(int opset = 17) {
    model.set_ir_version(8);
    auto& import = *model.add_opset_import();
    import.set_version(opset);
    model.mutable_graph()->set_name("test");
  }

  ::onnx::GraphProto& graph() { return *model.mutable_graph(); }

  void input(const std::string& name, const OnnxSizes& sizes, int type = kFloat) {
    describe(*graph().add_input(), name, sizes, type);
  }
  void output(const std::string& name) {
    auto& info = *graph().add_output();
    info.set_name(name);
    info.mutable_type()->mutable_tensor_type()->set_elem_type(kFloat);
  }
  void output(const std::string& name, const OnnxSizes& sizes) {
    describe(*graph().add_output(), name, sizes, kFloat);
  }
  void value(const std::string& name, const OnnxSizes& sizes) {
    describe(*graph().add_value_info(), name, sizes, kFloat);
  }

  // f32, all 0.5, as raw bytes.
  ::onnx::TensorProto& weights(const std::string& name, const Shape& shape) {
    auto& tensor = *graph().add_initializer();
    tensor.set_name(name);
    tensor.set_data_type(kFloat);
    for (const std::int64_t size : shape) tensor.add_dims(size);
    const std::vector<float> values(static_cast<std::size_t>(elements(shape)), 0.5F);
    tensor.set_raw_data(values.data(), values.size() * sizeof(float));
    return tensor;
  }
  ::onnx::TensorProto& integers(const std::string& name, const std::vector<std::int64_t>& values) {
    auto& tensor = *graph().add_initializer();
    tensor.set_name(name);
    tensor.set_data_type(kInt64);
    tensor.add_dims(static_cast<std::int64_t>(values.size()));
    for (const std::int64_t value : values) tensor.add_int64_data(value);
    return tensor;
  }

  ::onnx::NodeProto& node(const std::string& op, const std::vector<std::string>& inputs,
                          const std::vector<std::string>& outputs) {
    auto& node = *graph().add_node();
    node.set_op_type(op);
    node.set_name("node of " + outputs.front());
    for (const std::string& name : inputs) node.add_input(name);
    for (const std::string& name : outputs) node.add_output(name);
    return node;
  }

  std::string bytes() const { return model.SerializeAsString(); }

  // Into onnx_folder(); gives the path.
  std::string write(const std::string& name = "model.onnx") const {
    const std::string path = onnx_folder() / name;
    std::ofstream(path, std::ios::binary) << bytes();
    return path;
  }

  ::onnx::ModelProto model;

 private:
  static void describe(::onnx::ValueInfoProto& info, const std::string& name,
                       const OnnxSizes& sizes, int type) {
    info.set_name(name);
    auto& tensor = *info.mutable_type()->mutable_tensor_type();
    tensor.set_elem_type(type);
    tensor.mutable_shape();
    for (const OnnxSize& size : sizes) {
      auto& dimension = *tensor.mutable_shape()->add_dim();
      if (const auto* fixed = std::get_if<std::int64_t>(&size))
        dimension.set_dim_value(*fixed);
      else if (!std::get<std::string>(size).empty())
        dimension.set_dim_param(std::get<std::string>(size));
    }
  }
};

}  // namespace batchtune::test
