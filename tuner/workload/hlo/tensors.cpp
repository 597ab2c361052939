// What a program's tensors are and hold. Needs no protobuf.
#include <algorithm>

#include "tuner/workload/hlo/hlo.h"

namespace batchtune {
namespace {

// A part of a row of the filters at a time: output channels of one group lie together in both
// layouts.
void fill_grouped_filters(std::uint64_t seed, const Model& model, const Op& op, const Shape& shape,
                          std::span<float> values, std::int64_t first) {
  const std::int64_t height = shape[0], width = shape[1], inputs = shape[2], outputs = shape[3];
  const std::int64_t of_group = outputs / op.groups;
  while (!values.empty()) {
    const std::int64_t output = first % outputs, input = first / outputs % inputs;
    const std::int64_t column = first / (outputs * inputs) % width,
                       row = first / (outputs * inputs * width);
    const std::int64_t group = output / of_group, within = output % of_group;
    const auto length = std::min(static_cast<std::size_t>(of_group - within), values.size());
    const std::int64_t from =
        (((group * height + row) * width + column) * inputs + input) * of_group + within;
    fill_weight(seed, model, op, WeightRole::matrix, values.first(length), from);
    values = values.subspan(length);
    first += static_cast<std::int64_t>(length);
  }
}

// Position p has row p modulo rows of further table `table`, which lies behind those before it.
void fill_spread_table(std::uint64_t seed, const Model& model, const Op& op, int table,
                       std::span<float> values, std::int64_t first) {
  const auto which = static_cast<std::size_t>(table) - 1;
  std::int64_t begin = op.vocabulary;
  for (std::size_t i = 0; i < which; ++i) begin += op.tables[i];
  while (!values.empty()) {
    const std::int64_t position = first / op.columns, column = first % op.columns;
    const auto length = std::min(static_cast<std::size_t>(op.columns - column), values.size());
    const std::int64_t row = begin + position % op.tables[which];
    fill_weight(seed, model, op, WeightRole::table, values.first(length),
                row * op.columns + column);
    values = values.subspan(length);
    first += static_cast<std::int64_t>(length);
  }
}

}  // namespace

std::string_view name_of(HloElement element) {
  switch (element) {
    case HloElement::f32:
      return "f32";
    case HloElement::bf16:
      return "bf16";
    case HloElement::s32:
      return "s32";
    case HloElement::f16:
      return "f16";
    case HloElement::f64:
      return "f64";
    case HloElement::s8:
      return "s8";
    case HloElement::u8:
      return "u8";
    case HloElement::s16:
      return "s16";
    case HloElement::u16:
      return "u16";
    case HloElement::u32:
      return "u32";
    case HloElement::pred:
      return "pred";
  }
  return "?";
}

std::size_t size_of(HloElement element) {
  switch (element) {
    case HloElement::s8:
    case HloElement::u8:
    case HloElement::pred:
      return 1;
    case HloElement::bf16:
    case HloElement::f16:
    case HloElement::s16:
    case HloElement::u16:
      return 2;
    case HloElement::f64:
      return 8;
    default:
      return 4;
  }
}

Bytes bytes_of(const HloTensor& tensor) {
  return elements(tensor.shape) * static_cast<Bytes>(size_of(tensor.element));
}

bool is_weight(const HloTensor& tensor) {
  return tensor.role.has_value() || tensor.constant >= 0;
}

void fill_hlo_weight(std::uint64_t seed, const Model& model, const HloTensor& weight,
                     std::span<float> values, std::int64_t first) {
  const Op& op = model.ops[static_cast<std::size_t>(weight.op)];
  const WeightRole role = weight.role.value_or(WeightRole::matrix);
  if (role == WeightRole::matrix && op.kind == OpKind::conv2d && op.groups > 1)
    return fill_grouped_filters(seed, model, op, weight.shape, values, first);
  if (role == WeightRole::table && weight.table > 0)
    return fill_spread_table(seed, model, op, weight.table, values, first);
  fill_weight(seed, model, op, role, values, first);
}

}  // namespace batchtune
