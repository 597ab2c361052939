// A model's export, read back with ONNX's own messages.
#pragma once

#include <cstring>
#include <string>
#include <vector>

#include "tests/support/catch.h"
#include "tuner/workload/onnx/export.h"
#include "tuner/workload/onnx/messages.h"
#include "tuner/workload/weights.h"
#include "tuner/workload/zoo.h"
#include "tuner/workload/zoo/builder.h"

namespace batchtune::test {

inline Model finished(ModelBuilder& builder) {
  Model model = builder.finish();
  const Status status = infer_shapes(model);
  INFO((status ? "" : to_string(status.error())));
  REQUIRE(status);
  return model;
}

// An exported graph, with look-ups.
class Graph {
 public:
  explicit Graph(const Model& model) {
    auto made = export_onnx(model, 1);
    INFO((made ? "" : to_string(made.error())));
    REQUIRE(made);
    interface = *made;
    REQUIRE(file_.ParseFromString(made->bytes));
  }

  const ::onnx::ModelProto& file() const { return file_; }
  const ::onnx::GraphProto& graph() const { return file_.graph(); }

  std::vector<std::string> types() const {
    std::vector<std::string> types;
    for (const auto& node : graph().node()) types.push_back(node.op_type());
    return types;
  }

  const ::onnx::NodeProto& node(const std::string& name) const {
    for (const auto& node : graph().node())
      if (node.name() == name) return node;
    FAIL("no node " << name);
    return graph().node(0);
  }

  std::vector<std::int64_t> integers(const std::string& name, const char* attribute) const {
    for (const auto& each : node(name).attribute())
      if (each.name() == attribute)
        return each.type() == ::onnx::AttributeProto::INT
                   ? std::vector<std::int64_t>{each.i()}
                   : std::vector<std::int64_t>(each.ints().begin(), each.ints().end());
    return {};
  }

  float number(const std::string& name, const char* attribute) const {
    for (const auto& each : node(name).attribute())
      if (each.name() == attribute) return each.f();
    return -1;
  }

  const ::onnx::TensorProto& tensor(const std::string& name) const {
    for (const auto& tensor : graph().initializer())
      if (tensor.name() == name) return tensor;
    FAIL("no initializer " << name);
    return graph().initializer(0);
  }

  Shape dims(const std::string& name) const {
    return {tensor(name).dims().begin(), tensor(name).dims().end()};
  }

  template <typename T>
  std::vector<T> values(const std::string& name) const {
    const std::string& raw = tensor(name).raw_data();
    std::vector<T> values(raw.size() / sizeof(T));
    std::memcpy(values.data(), raw.data(), raw.size());
    return values;
  }

  OnnxForRuntime interface;

 private:
  ::onnx::ModelProto file_;
};

// The embedding and the first layer: the rest is like it.
inline Model small_bert() {
  Model model = build_zoo_model("bert-base@seq=5").value();
  model.ops.resize(static_cast<std::size_t>(find_op(model, "layer0.output_norm")) + 1);
  model.output = model.ops.back().name;
  return model;
}

using Types = std::vector<std::string>;

inline std::string shape_of(const ::onnx::ValueInfoProto& info) {
  std::string text;
  for (const auto& dim : info.type().tensor_type().shape().dim())
    text += (text.empty() ? "" : ",") +
            (dim.dim_param().empty() ? std::to_string(dim.dim_value()) : dim.dim_param());
  return text;
}

inline std::vector<float> weight(const Model& model, const std::string& op, WeightRole role,
                                 std::size_t count) {
  std::vector<float> values(count);
  fill_weight(1, model, model.ops[static_cast<std::size_t>(find_op(model, op))], role, values);
  return values;
}

}  // namespace batchtune::test
