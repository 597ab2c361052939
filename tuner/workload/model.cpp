// Look-ups in the model graph. Shape inference is in shapes.cpp, names are in model_fields.cpp.
#include "tuner/workload/model.h"

#include <limits>

namespace batchtune {

std::int64_t elements(const Shape& shape) {
  std::int64_t product = 1;
  for (const std::int64_t dimension : shape)
    if (__builtin_mul_overflow(product, dimension, &product))
      return std::numeric_limits<std::int64_t>::max();
  return product;
}

OpIndex find_op(const Model& model, std::string_view name) {
  for (std::size_t i = 0; i < model.ops.size(); ++i)
    if (model.ops[i].name == name) return static_cast<OpIndex>(i);
  return -1;
}

std::vector<OpIndex> reads_of(const Model& model, const Op& op) {
  std::vector<OpIndex> reads;
  for (const std::string& input : op.inputs) reads.push_back(find_op(model, input));
  if (!op.epilogue.residual.empty()) reads.push_back(find_op(model, op.epilogue.residual));
  return reads;
}

}  // namespace batchtune
