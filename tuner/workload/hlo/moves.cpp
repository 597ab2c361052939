// Inputs, and operations that only move elements.
#include "tuner/workload/hlo/op_writer.h"

namespace batchtune::hlo {

Value OpWriter::input() {
  const bool ids = op_.input_kind == InputKind::token_ids;
  return parameter("", ids ? HloElement::s32 : state_.element, shape(), std::nullopt);
}

Value OpWriter::concat() {
  std::vector<Value> parts;
  for (std::size_t i = 0; i < reads_.size(); ++i) parts.push_back(in(i));
  return w_.concatenated(parts, op_.axis + 1);
}

Value OpWriter::transpose() {
  const Value view = op_.split.empty() ? in() : w_.reshaped(in(), with_batch(op_.split));
  Dims permutation = {0};
  for (const std::int64_t from : op_.permutation) permutation.push_back(from + 1);
  return w_.transposed(view, permutation);
}

}  // namespace batchtune::hlo
