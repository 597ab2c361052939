#include "tuner/workload/hlo/imported/file_weights.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

namespace batchtune::hlo {
namespace {

constexpr std::int64_t kMostMade = std::int64_t{1} << 31;  // bytes of one tensor of equal values

template <typename T>
T at(const char* bytes, std::int64_t index) {
  T value;
  std::memcpy(&value, bytes + index * static_cast<std::int64_t>(sizeof(T)), sizeof(T));
  return value;
}

template <typename To, typename From>
void cut(const char* from, std::int64_t first, std::span<std::byte> bytes) {
  for (std::size_t i = 0; i < bytes.size() / sizeof(To); ++i) {
    const From wide = at<From>(from, first + static_cast<std::int64_t>(i));
    const auto value = static_cast<To>(
        std::clamp<From>(wide, std::numeric_limits<To>::min(), std::numeric_limits<To>::max()));
    std::memcpy(bytes.data() + i * sizeof(To), &value, sizeof(To));
  }
}

// The bits of `value` that bfloat16 keeps, to nearest even.
std::uint16_t upper_half(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  if (std::isnan(value)) return static_cast<std::uint16_t>((bits >> 16) | 0x40U);
  return static_cast<std::uint16_t>((bits + 0x7fffU + ((bits >> 16) & 1U)) >> 16);
}

bool is_own(const GraphNode& node, const char* op_type) {
  return node.domain.empty() && node.op_type == op_type;
}

// The value of a Constant; without bytes where it is a list or a number, which the tensor knows.
RawTensor constant_of(const GraphNode& node) {
  const auto found = node.attributes.find("value");
  const auto* const value =
      found == node.attributes.end() ? nullptr : std::get_if<RawTensor>(&found->second);
  return value != nullptr ? *value : RawTensor{};
}

// Of floats of more than one element, whose shape follows no batch.
RawTensor filled_with(const GraphNode& node, const GraphTensor& tensor) {
  if (!tensor.is_constant || !tensor.shape || tensor.shape->batch_axis >= 0) return {};
  const std::int64_t count = elements(tensor.shape->sizes);
  const int size = bytes_of(tensor.type);
  const bool is_weight = tensor.type == ElementType::f32 || tensor.type == ElementType::f16 ||
                         tensor.type == ElementType::bf16;
  if (!is_weight || count <= 1 || count > kMostMade / size) return {};
  const RawTensor one = constant_of(node);
  std::string bytes(static_cast<std::size_t>(count * size), '\0');
  if (one.bytes && std::ssize(*one.bytes) == size)
    for (std::int64_t i = 0; i < count; ++i)
      std::memcpy(bytes.data() + i * size, one.bytes->data(), static_cast<std::size_t>(size));
  return {tensor.type, tensor.shape->sizes, std::make_shared<const std::string>(std::move(bytes))};
}

}  // namespace

std::optional<HloElement> element_of(ElementType type, HloElement floats) {
  switch (type) {
    case ElementType::f32:
      return floats;
    case ElementType::f64:
      return HloElement::f64;
    case ElementType::f16:
      return HloElement::f16;
    case ElementType::bf16:
      return HloElement::bf16;
    case ElementType::i8:
      return HloElement::s8;
    case ElementType::u8:
      return HloElement::u8;
    case ElementType::i16:
      return HloElement::s16;
    case ElementType::u16:
      return HloElement::u16;
    case ElementType::i32:
    case ElementType::i64:
      return HloElement::s32;
    case ElementType::u32:
    case ElementType::u64:
      return HloElement::u32;
    case ElementType::boolean:
      return HloElement::pred;
    default:
      return std::nullopt;
  }
}

void find_weights(FileGraph& graph) {
  for (const GraphNode& node : graph.nodes) {
    const bool constant = is_own(node, "Constant"), filled = is_own(node, "ConstantOfShape");
    if ((!constant && !filled) || node.outputs.empty() || node.outputs[0] == kLeftOut) continue;
    GraphTensor& tensor = graph.tensors[static_cast<std::size_t>(node.outputs[0])];
    RawTensor value = constant ? constant_of(node) : filled_with(node, tensor);
    if (value.bytes) tensor.value = std::move(value);
  }
}

std::optional<double> first_number(const RawTensor& value) {
  const char* const bytes = value.bytes->data();
  switch (value.type) {
    case ElementType::f32:
      return at<float>(bytes, 0);
    case ElementType::f64:
      return at<double>(bytes, 0);
    case ElementType::i64:
      return static_cast<double>(at<std::int64_t>(bytes, 0));
    case ElementType::i32:
      return at<std::int32_t>(bytes, 0);
    case ElementType::i8:
      return at<std::int8_t>(bytes, 0);
    case ElementType::u8:
    case ElementType::boolean:
      return at<std::uint8_t>(bytes, 0);
    default:
      return std::nullopt;
  }
}

bool has_wide_integers(const RawTensor& value) {
  for (std::int64_t i = 0; i < elements(value.shape); ++i) {
    if (value.type == ElementType::i64) {
      const auto one = at<std::int64_t>(value.bytes->data(), i);
      if (one != static_cast<std::int32_t>(one)) return true;
    } else if (value.type == ElementType::u64) {
      const auto one = at<std::uint64_t>(value.bytes->data(), i);
      if (one != static_cast<std::uint32_t>(one)) return true;
    }
  }
  return false;
}

void fill_from_file(const FileGraph& graph, const HloTensor& weight, std::span<std::byte> bytes,
                    std::int64_t first) {
  const RawTensor& value = *graph.tensors[static_cast<std::size_t>(weight.constant)].value;
  const char* const from = value.bytes->data();
  const auto size = static_cast<std::int64_t>(size_of(weight.element));
  if (value.type == ElementType::i64) return cut<std::int32_t, std::int64_t>(from, first, bytes);
  if (value.type == ElementType::u64) return cut<std::uint32_t, std::uint64_t>(from, first, bytes);
  if (value.type != ElementType::f32 || weight.element == HloElement::f32) {
    std::memcpy(bytes.data(), from + first * size, bytes.size());
    return;
  }
  std::vector<float> values(bytes.size() / static_cast<std::size_t>(size));
  std::memcpy(values.data(), from + first * std::int64_t{sizeof(float)},
              values.size() * sizeof(float));
  to_bfloat16(values, bytes);
}

void to_bfloat16(std::span<const float> values, std::span<std::byte> bytes) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    const std::uint16_t half = upper_half(values[i]);
    std::memcpy(bytes.data() + i * sizeof(half), &half, sizeof(half));
  }
}

}  // namespace batchtune::hlo
