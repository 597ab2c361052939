// Operations over the last dimension or over elements.
#include "tuner/workload/onnx/export_op.h"

namespace batchtune::onnx_export {
namespace {

constexpr std::int64_t kLast = -1;

}  // namespace

void OpExport::softmax() {
  std::string x = in().value;
  const Order order = in().order;
  if (op_.scale != 1) x = add("Mul", {x, graph_.scalar(static_cast<float>(op_.scale))});
  const auto last = static_cast<std::int64_t>(op_.output.size()) - 1;
  add("Softmax", {x}, {{"axis", is_plain(order) ? kLast : axis_in(order, last)}});
  place(order);
}

void OpExport::layer_norm() {
  const std::string gain =
      graph_.weight("weight", {op_.output.back()}, weight_values(WeightRole::gain));
  add("LayerNormalization", {plain(), gain, bias()},
      {{"axis", kLast}, {"epsilon", static_cast<float>(op_.epsilon)}});
  place_plain();
}

// No operation of opset 17: x / sqrt(mean(x^2) + epsilon) * gain, as exporters write it.
void OpExport::rms_norm() {
  const std::string x = plain();
  const std::string square = add("Pow", {x, graph_.scalar(2)});
  const std::string mean =
      add("ReduceMean", {square}, {{"axes", Order{kLast}}, {"keepdims", std::int64_t{1}}});
  const std::string level = add("Add", {mean, graph_.scalar(static_cast<float>(op_.epsilon))});
  const std::string normal = add("Div", {x, add("Sqrt", {level})});
  add("Mul",
      {normal, graph_.weight("weight", {op_.output.back()}, weight_values(WeightRole::gain))});
  place_plain();
}

void OpExport::activation() {
  activated(in().value, op_.activation);
  place(Order(in().order));
}

void OpExport::elementwise(const char* type) {
  const Order order = in().order;
  add(type, {in().value, as(reads_[1], order)});
  place(order);
}

}  // namespace batchtune::onnx_export
