// Instructions that move elements, and those that number and sort them.
#include <algorithm>

#include "tuner/workload/hlo/program_writer.h"

namespace batchtune::hlo {

Value ProgramWriter::reshaped(const Value& x, const Shape& shape) {
  if (x.shape == shape) return x;
  const Value result = next(x.element, shape);
  add("reshape", result, {x});
  return result;
}

Value ProgramWriter::transposed(const Value& x, const Dims& permutation) {
  if (std::is_sorted(permutation.begin(), permutation.end())) return x;
  Shape shape;
  for (const std::int64_t from : permutation)
    shape.push_back(x.shape[static_cast<std::size_t>(from)]);
  const Value result = next(x.element, std::move(shape));
  Instruction& instruction = add("transpose", result, {x});
  instruction.mutable_dimensions()->Add(permutation.begin(), permutation.end());
  return result;
}

Value ProgramWriter::sliced(const Value& x, std::int64_t dimension, std::int64_t begin,
                            std::int64_t end, std::int64_t stride) {
  Value result = next(x.element, x.shape);
  result.shape[static_cast<std::size_t>(dimension)] = (end - begin + stride - 1) / stride;
  Instruction& instruction = add("slice", result, {x});
  for (std::size_t i = 0; i < x.shape.size(); ++i) {
    const bool cut = static_cast<std::int64_t>(i) == dimension;
    auto& each = *instruction.add_slice_dimensions();
    each.set_start(cut ? begin : 0);
    each.set_limit(cut ? end : x.shape[i]);
    each.set_stride(cut ? stride : 1);
  }
  return result;
}

Value ProgramWriter::concatenated(const std::vector<Value>& parts, std::int64_t dimension) {
  if (parts.size() == 1) return parts[0];
  const auto axis = static_cast<std::size_t>(dimension);
  Value result = next(parts[0].element, parts[0].shape);
  for (std::size_t i = 1; i < parts.size(); ++i) result.shape[axis] += parts[i].shape[axis];
  add("concatenate", result, parts).add_dimensions(dimension);
  return result;
}

Value ProgramWriter::reversed(const Value& x, const Dims& dimensions) {
  if (dimensions.empty()) return x;
  const Value result = next(x.element, x.shape);
  add("reverse", result, {x}).mutable_dimensions()->Add(dimensions.begin(), dimensions.end());
  return result;
}

Value ProgramWriter::padded(const Value& x, const Value& with, const Dims& low, const Dims& high) {
  Value result = next(x.element, x.shape);
  for (std::size_t i = 0; i < low.size(); ++i) result.shape[i] += low[i] + high[i];
  xla::PaddingConfig& config = *add("pad", result, {x, with}).mutable_padding_config();
  for (std::size_t i = 0; i < low.size(); ++i) {
    auto& dimension = *config.add_dimensions();
    dimension.set_edge_padding_low(low[i]);
    dimension.set_edge_padding_high(high[i]);
  }
  return result;
}

Value ProgramWriter::numbered(const Shape& shape, std::int64_t dimension) {
  const Value result = next(HloElement::s32, shape);
  add("iota", result, {}).add_dimensions(dimension);
  return result;
}

Value ProgramWriter::gathered(const Value& x, const Value& indices, const GatherDims& dims,
                              const Shape& slice, const Shape& shape) {
  const Value result = next(x.element, shape);
  Instruction& instruction = add("gather", result, {x, indices});
  xla::GatherDimensionNumbers& numbers = *instruction.mutable_gather_dimension_numbers();
  numbers.mutable_offset_dims()->Add(dims.offsets.begin(), dims.offsets.end());
  numbers.mutable_collapsed_slice_dims()->Add(dims.collapsed.begin(), dims.collapsed.end());
  numbers.mutable_start_index_map()->Add(dims.indexed.begin(), dims.indexed.end());
  numbers.set_index_vector_dim(dims.index_dimension);
  instruction.mutable_gather_slice_sizes()->Add(slice.begin(), slice.end());
  return result;
}

Value ProgramWriter::rows(const Value& table, const Value& indices) {
  Shape shape = indices.shape;
  shape.push_back(table.shape[1]);
  const auto last = static_cast<std::int64_t>(indices.shape.size());
  return gathered(table, indices,
                  {.offsets = {last}, .collapsed = {0}, .indexed = {0}, .index_dimension = last},
                  {1, table.shape[1]}, shape);
}

Value ProgramWriter::scattered(Fold fold, const Value& x, const Value& indices,
                               const Value& updates, std::int64_t first_window) {
  const std::int64_t computation = computation_of(fold, x.element);
  const Value result = next(x.element, x.shape);
  Instruction& instruction = add("scatter", result, {x, indices, updates});
  xla::ScatterDimensionNumbers& numbers = *instruction.mutable_scatter_dimension_numbers();
  for (std::int64_t i = first_window; i < static_cast<std::int64_t>(updates.shape.size()); ++i)
    numbers.add_update_window_dims(i);
  for (std::int64_t i = 0; i < indices.shape.back(); ++i) {
    numbers.add_inserted_window_dims(i);
    numbers.add_scatter_dims_to_operand_dims(i);
  }
  numbers.set_index_vector_dim(static_cast<std::int64_t>(indices.shape.size()) - 1);
  instruction.add_called_computation_ids(computation);
  return result;
}

std::pair<Value, Value> ProgramWriter::sorted(const Value& x, std::int64_t dimension,
                                              bool largest_first) {
  const std::int64_t order = order_of(x.element, largest_first);
  const Value places = numbered(x.shape, dimension);
  const Value both = next(x.element, {});
  Instruction& instruction = add("sort", both, {x, places});
  instruction.clear_shape();
  instruction.mutable_shape()->set_element_type(xla::TUPLE);
  for (const Value& each : {x, places})
    set_shape(*instruction.mutable_shape()->add_tuple_shapes(), each.element, each.shape);
  instruction.add_dimensions(dimension);
  instruction.set_is_stable(true);
  instruction.add_called_computation_ids(order);
  const auto part = [&](std::int64_t index, HloElement element) {
    const Value result = next(element, x.shape);
    add("get-tuple-element", result, {both}).set_tuple_index(index);
    return result;
  };
  const Value values = part(0, x.element);
  return {values, part(1, HloElement::s32)};
}

}  // namespace batchtune::hlo
