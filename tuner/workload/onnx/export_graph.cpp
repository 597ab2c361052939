#include "tuner/workload/onnx/export_graph.h"

#include <cstdio>

namespace batchtune::onnx_export {
namespace {

void set_attribute(::onnx::NodeProto& node, const Attribute& from) {
  ::onnx::AttributeProto& attribute = *node.add_attribute();
  attribute.set_name(from.name);
  if (const auto* integer = std::get_if<std::int64_t>(&from.value)) {
    attribute.set_type(::onnx::AttributeProto::INT);
    attribute.set_i(*integer);
  } else if (const auto* number = std::get_if<float>(&from.value)) {
    attribute.set_type(::onnx::AttributeProto::FLOAT);
    attribute.set_f(*number);
  } else {
    attribute.set_type(::onnx::AttributeProto::INTS);
    for (const std::int64_t each : std::get<std::vector<std::int64_t>>(from.value))
      attribute.add_ints(each);
  }
}

void describe(::onnx::ValueInfoProto& info, const std::string& name, int type, const Shape& shape) {
  info.set_name(name);
  ::onnx::TypeProto::Tensor& tensor = *info.mutable_type()->mutable_tensor_type();
  tensor.set_elem_type(type);
  tensor.mutable_shape()->add_dim()->set_dim_param("batch");
  for (const std::int64_t dimension : shape)
    tensor.mutable_shape()->add_dim()->set_dim_value(dimension);
}

// "0.5", "1e-12": short, and the same on every machine.
std::string digits_of(float value) {
  char text[32];
  std::snprintf(text, sizeof(text), "%.9g", static_cast<double>(value));
  return text;
}

}  // namespace

GraphWriter::GraphWriter(const Model& model, ::onnx::GraphProto& graph, WeightStore& weights)
    : graph_(graph), weights_(weights) {
  for (const Op& op : model.ops) used_.insert(op.name);
}

std::string GraphWriter::unused(const std::string& name) {
  std::string candidate = name;
  for (int number = 1; !used_.insert(candidate).second; ++number)
    candidate = name + "_" + std::to_string(number);
  return candidate;
}

std::string GraphWriter::add(const char* type, const std::vector<std::string>& inputs,
                             const std::vector<Attribute>& attributes) {
  const std::string name = unused(prefix_ + "/" + type);
  add_named(type, inputs, {name}, attributes);
  graph_.mutable_node()->rbegin()->set_name(name);
  return name;
}

void GraphWriter::add_named(const char* type, const std::vector<std::string>& inputs,
                            const std::vector<std::string>& outputs,
                            const std::vector<Attribute>& attributes) {
  ::onnx::NodeProto& node = *graph_.add_node();
  node.set_name(prefix_ + "/" + type);
  node.set_op_type(type);
  for (const std::string& input : inputs) node.add_input(input);
  for (const std::string& output : outputs) node.add_output(output);
  for (const Attribute& attribute : attributes) set_attribute(node, attribute);
}

void GraphWriter::rename_last(const std::string& name) {
  graph_.mutable_node()->rbegin()->set_output(0, name);
}

std::string GraphWriter::weight(const std::string& suffix, const Shape& shape,
                                const Values& values) {
  ::onnx::TensorProto& tensor = *graph_.add_initializer();
  tensor.set_name(unused(prefix_ + "." + suffix));
  tensor.set_data_type(::onnx::TensorProto::FLOAT);
  for (const std::int64_t dimension : shape) tensor.add_dims(dimension);
  weights_.put(tensor, values);
  return tensor.name();
}

std::string GraphWriter::scalar(float value) {
  std::string& name = constants_[digits_of(value)];
  if (!name.empty()) return name;
  name = unused("scalar_" + digits_of(value));
  ::onnx::TensorProto& tensor = *graph_.add_initializer();
  tensor.set_name(name);
  tensor.set_data_type(::onnx::TensorProto::FLOAT);
  tensor.set_raw_data(&value, sizeof(value));
  return name;
}

std::string GraphWriter::integers(const std::vector<std::int64_t>& values) {
  std::string text;
  for (const std::int64_t value : values) text += "_" + std::to_string(value);
  std::string& name = constants_[text];
  if (!name.empty()) return name;
  name = unused("integers" + text);
  ::onnx::TensorProto& tensor = *graph_.add_initializer();
  tensor.set_name(name);
  tensor.set_data_type(::onnx::TensorProto::INT64);
  tensor.add_dims(static_cast<std::int64_t>(values.size()));
  tensor.set_raw_data(values.data(), values.size() * sizeof(std::int64_t));
  return name;
}

void GraphWriter::add_input(const std::string& name, bool token_ids, const Shape& shape) {
  describe(*graph_.add_input(), name,
           token_ids ? ::onnx::TensorProto::INT64 : ::onnx::TensorProto::FLOAT, shape);
}

void GraphWriter::add_output(const std::string& name, const Shape& shape) {
  describe(*graph_.add_output(), name, ::onnx::TensorProto::FLOAT, shape);
}

}  // namespace batchtune::onnx_export
