// What all operations share: parameters, shapes, epilogues; and those of a line.
#include "tuner/workload/hlo/op_writer.h"

#include <utility>

#include "tuner/workload/hlo/formula.h"

namespace batchtune::hlo {

OpWriter::OpWriter(ProgramState& state, OpIndex index)
    : state_(state),
      w_(state.writer),
      index_(index),
      op_(state.model.ops[static_cast<std::size_t>(index)]),
      reads_(reads_of(state.model, op_)) {}

Value OpWriter::write() {
  w_.begin(op_.name);
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
      return max_pool();
    case OpKind::average_pool:
      return average_pool();
    case OpKind::global_average_pool:
      return global_pool();
    case OpKind::softmax:
      return softmax();
    case OpKind::layer_norm:
      return layer_norm();
    case OpKind::rms_norm:
      return rms_norm();
    case OpKind::activation:
      return activated(in(), op_.activation);
    case OpKind::add:
      return w_.binary("add", in(0), in(1));
    case OpKind::multiply:
      return w_.binary("multiply", in(0), in(1));
    case OpKind::concat:
      return concat();
    case OpKind::slice:
      return w_.sliced(in(), op_.axis + 1, op_.begin, op_.end);
    case OpKind::transpose:
      return transpose();
    case OpKind::reshape:
      return w_.reshaped(in(), shape());
    case OpKind::foreign:
      break;  // refused before (module.cpp)
  }
  return {};
}

Shape OpWriter::with_batch(const Shape& sample) const {
  Shape whole = {state_.batch};
  whole.insert(whole.end(), sample.begin(), sample.end());
  return whole;
}

// The number makes the name unique whatever cleaning did to the operation's.
Value OpWriter::parameter(const std::string& suffix, HloElement element, Shape shape,
                          std::optional<WeightRole> role, int table) {
  const std::string number = std::to_string(state_.parameters.size());
  state_.parameters.push_back({.name = clean_name(op_.name + suffix) + "." + number,
                               .element = element,
                               .shape = std::move(shape),
                               .op = index_,
                               .role = role,
                               .table = table});
  return w_.parameter(state_.parameters.back());
}

Value OpWriter::weight(const std::string& suffix, Shape shape, WeightRole role, int table) {
  return parameter("." + suffix, state_.element, std::move(shape), role, table);
}

Value OpWriter::along_rows(const Value& row, const Shape& shape) {
  return w_.broadcast(row, shape, {static_cast<std::int64_t>(shape.size()) - 1});
}

Value OpWriter::along_columns(const Value& column, const Shape& shape) {
  Dims to(shape.size() - 1);
  for (std::size_t i = 0; i < to.size(); ++i) to[i] = static_cast<std::int64_t>(i);
  return w_.broadcast(column, shape, to);
}

Value OpWriter::activated(const Value& x, Activation activation) {
  switch (activation) {
    case Activation::none:
      return x;
    case Activation::relu:
      return w_.binary("maximum", x, 0);
    case Activation::relu6:
      return w_.binary("minimum", w_.binary("maximum", x, 0), 6);
    case Activation::gelu:
      return narrow(gelu_tanh(Formula(w_, wide(x))).value());
    case Activation::gelu_erf:
      return narrow(gelu_erf(Formula(w_, wide(x))).value());
    case Activation::silu: {
      const Value exact = wide(x);
      return narrow(w_.binary("multiply", exact, w_.unary("logistic", exact)));
    }
  }
  return x;
}

Value OpWriter::finished(Value product) {
  const Epilogue& e = op_.epilogue;
  const auto add_residual = [&] {
    if (!e.residual.empty()) product = w_.binary("add", product, in(reads_.size() - 1));
  };
  if (e.bias) product = w_.binary("add", product, bias());
  if (!e.residual_after_activation) add_residual();
  product = activated(product, e.activation);
  if (e.residual_after_activation) add_residual();
  return product;
}

}  // namespace batchtune::hlo
