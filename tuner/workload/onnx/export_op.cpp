// What all operations share: reading in an order, results, epilogues.
#include "tuner/workload/onnx/export_op.h"

namespace batchtune::onnx_export {

OpExport::OpExport(Export& all, OpIndex index)
    : all_(all),
      model_(all.model),
      graph_(all.graph),
      index_(index),
      op_(all.model.ops[static_cast<std::size_t>(index)]),
      reads_(reads_of(all.model, op_)) {}

void OpExport::write() {
  graph_.begin(op_);
  switch (op_.kind) {
    case OpKind::input:
      return input();
    case OpKind::embedding:
      return embedding();
    case OpKind::matmul:
      return matmul();
    case OpKind::batched_matmul:
      return batched_matmul();
    case OpKind::conv2d:
      return conv2d();
    case OpKind::max_pool:
    case OpKind::average_pool:
      return pool();
    case OpKind::global_average_pool:
      return global_pool();
    case OpKind::softmax:
      return softmax();
    case OpKind::layer_norm:
      return layer_norm();
    case OpKind::rms_norm:
      return rms_norm();
    case OpKind::activation:
      return activation();
    case OpKind::add:
      return elementwise("Add");
    case OpKind::multiply:
      return elementwise("Mul");
    case OpKind::concat:
      return concat();
    case OpKind::slice:
      return slice();
    case OpKind::transpose:
      return transpose();
    case OpKind::reshape:
      return reshape();
    case OpKind::foreign:
      break;  // refused before (export.cpp)
  }
}

const Shape& OpExport::in_shape(std::size_t i) const {
  return model_.ops[static_cast<std::size_t>(reads_[i])].output;
}

std::string OpExport::as(OpIndex op, const Order& order) {
  Placed& from = placed(op);
  if (from.order == order) return from.value;
  std::string& turned = from.turned[order];
  if (turned.empty())
    turned = add("Transpose", {from.value}, {{"perm", permutation_between(from.order, order)}});
  return turned;
}

// `from` and `to` are per sample, as the file has them.
std::string OpExport::reshaped(const std::string& value, const Shape& from, const Shape& to) {
  if (from == to) return value;
  if (to.size() == 1) return add("Flatten", {value}, {{"axis", std::int64_t{1}}});
  Shape with_batch = {0};  // as it is
  with_batch.insert(with_batch.end(), to.begin(), to.end());
  return add("Reshape", {value, graph_.integers(with_batch)});
}

// In the form that GPT-2 made known, which runtimes look for:
// 0.5 x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))).
std::string OpExport::gelu(const std::string& value) {
  const std::string cube = add("Pow", {value, graph_.scalar(3)});
  const std::string term = add("Mul", {cube, graph_.scalar(0.044715F)});
  const std::string sum = add("Add", {value, term});
  const std::string inner = add("Mul", {sum, graph_.scalar(0.7978845608F)});
  const std::string outer = add("Add", {add("Tanh", {inner}), graph_.scalar(1)});
  return add("Mul", {add("Mul", {value, graph_.scalar(0.5F)}), outer});
}

std::string OpExport::activated(const std::string& value, Activation activation) {
  switch (activation) {
    case Activation::none:
      return value;
    case Activation::relu:
      return add("Relu", {value});
    case Activation::relu6:
      return add("Clip", {value, graph_.scalar(0), graph_.scalar(6)});
    case Activation::gelu:
      return gelu(value);
    case Activation::gelu_erf: {  // as PyTorch's exporter has it: x (1 + erf(x / sqrt 2)) / 2
      const std::string erf = add("Erf", {add("Div", {value, graph_.scalar(1.41421356F)})});
      const std::string outer = add("Mul", {value, add("Add", {erf, graph_.scalar(1)})});
      return add("Mul", {outer, graph_.scalar(0.5F)});
    }
    case Activation::silu:
      return add("Mul", {value, add("Sigmoid", {value})});
  }
  return value;
}

std::string OpExport::finished(std::string value, const Order& order) {
  const Epilogue& e = op_.epilogue;
  const auto add_residual = [&] {
    if (!e.residual.empty()) value = add("Add", {value, as(reads_.back(), order)});
  };
  if (!e.residual_after_activation) add_residual();
  value = activated(value, e.activation);
  if (e.residual_after_activation) add_residual();
  return value;
}

void OpExport::place(const Order& order) {
  graph_.rename_last(op_.name);
  place_at(op_.name, order);
}

void OpExport::place_at(const std::string& value, const Order& order) {
  placed(index_) = {.value = value, .order = order, .flattened = {}, .turned = {}};
}

}  // namespace batchtune::onnx_export
