#include "tuner/backend/neuron/values.h"

#include <algorithm>
#include <cstddef>
#include <span>

#include "tuner/backend/runtime/endings.h"
#include "tuner/backend/runtime/tensor_layout.h"
#include "tuner/workload/weights.h"

namespace batchtune::neuron {
namespace {

using runtime::Element;

constexpr std::size_t kPart = 1 << 18;  // elements made and written at a time: 1 MiB of f32

bool is_float(Element element) {
  return element == Element::f32 || element == Element::f16 || element == Element::bf16 ||
         element == Element::f64;
}

template <typename T>
Outcome<void> write_as(std::span<Tensor> to, Element element, std::span<const T> values, std::size_t first) {
  const std::size_t size = runtime::size_of(element);
  std::vector<std::byte> bytes(values.size() * size);
  for (std::size_t i = 0; i < values.size(); ++i)
    runtime::store(element, bytes.data(), static_cast<std::int64_t>(i),
                   static_cast<double>(values[i]));
  for (Tensor& tensor : to) BT_TRY_VOID(tensor.write(bytes.data(), first * size, bytes.size()));
  return {};
}

// Elements from `first` on, made by make(values, index of the first of them).
template <typename Make>
Outcome<void> write_parts(std::span<Tensor> to, Element element, std::size_t first, std::size_t count,
                          Make make) {
  std::vector<float> part(std::min(kPart, count));
  for (std::size_t done = 0; done < count; done += part.size()) {
    const std::span<float> values(part.data(), std::min(part.size(), count - done));
    make(values, static_cast<std::int64_t>(done));
    BT_TRY_VOID(write_as<float>(to, element, values, first + done));
  }
  return {};
}

}  // namespace

Element element_of(HloElement element) {
  switch (element) {
    case HloElement::f32:
      return Element::f32;
    case HloElement::bf16:
      return Element::bf16;
    case HloElement::s32:
      return Element::i32;
    case HloElement::f16:
      return Element::f16;
    case HloElement::f64:
      return Element::f64;
    case HloElement::s8:
      return Element::i8;
    case HloElement::u8:
      return Element::u8;
    case HloElement::s16:
      return Element::i16;
    case HloElement::u16:
      return Element::u16;
    case HloElement::u32:
      return Element::u32;
    case HloElement::pred:
      return Element::boolean;
  }
  return Element::f32;
}

std::optional<Element> element_of(ElementType type) {
  switch (type) {
    case ElementType::u64:
      return Element::u64;
    case ElementType::i8:
      return Element::i8;
    case ElementType::u8:
      return Element::u8;
    case ElementType::i16:
      return Element::i16;
    case ElementType::u16:
      return Element::u16;
    case ElementType::bf16:
      return Element::bf16;
    case ElementType::f16:
      return Element::f16;
    case ElementType::i32:
      return Element::i32;
    case ElementType::u32:
      return Element::u32;
    case ElementType::f32:
    case ElementType::f32r:
      return Element::f32;
    case ElementType::i64:
      return Element::i64;
    case ElementType::unknown:
      break;
  }
  return std::nullopt;
}

Outcome<void> write_weight(std::span<Tensor> to, const HloSource& source, const HloTensor& weight) {
  const std::size_t size = size_of(weight.element);
  const auto all = static_cast<std::size_t>(bytes_of(weight));
  std::vector<std::byte> part(std::min(kPart * size, all));
  for (std::size_t at = 0; at < all; at += part.size()) {
    const std::span<std::byte> bytes(part.data(), std::min(part.size(), all - at));
    source.fill(weight, bytes, static_cast<std::int64_t>(at / size));
    for (Tensor& copy : to) BT_TRY_VOID(copy.write(bytes.data(), at, bytes.size()));
  }
  return {};
}

namespace {

// An input of an imported file, in its order of dimensions.
Outcome<void> write_file_input(Tensor& to, const Op& op, const HloTensor& input,
                               std::uint64_t seed) {
  const OnnxTensor place{input.name, op.name, input.batch_axis, {}};
  const auto axis = static_cast<std::size_t>(std::max(input.batch_axis, 0));
  const std::int64_t batch = axis < input.shape.size() ? input.shape[axis] : 1;
  const auto layout = runtime::layout_of(op, place, batch, input.shape.size());
  if (!layout) return tl::unexpected(runtime::unsupported(input.name + ": " + layout.error()));
  std::vector<std::byte> bytes(static_cast<std::size_t>(bytes_of(input)));
  InputSource seeded;
  const Status filled = runtime::fill_samples(*layout, element_of(input.element), bytes.data(), op,
                                              seeded, seed);
  if (!filled) return tl::unexpected(runtime::unsupported(to_string(filled.error())));
  return to.write(bytes.data(), 0, bytes.size());
}

}  // namespace

Outcome<void> write_input(Tensor& to, const Model& model, const HloTensor& input,
                          std::uint64_t seed) {
  const Op& op = model.ops[static_cast<std::size_t>(input.op)];
  if (model.file) return write_file_input(to, op, input, seed);
  const auto count = static_cast<std::size_t>(elements(op.output));
  std::vector<std::int32_t> ids(input.element == HloElement::s32 ? count : 0);
  for (std::int64_t sample = 0; sample < input.shape[0]; ++sample) {
    const std::size_t first = static_cast<std::size_t>(sample) * count;
    if (!ids.empty()) {
      fill_token_ids(seed, op, sample, ids);
      BT_TRY_VOID(write_as<std::int32_t>({&to, 1}, Element::i32, ids, first));
      continue;
    }
    BT_TRY_VOID(write_parts({&to, 1}, element_of(input.element), first, count,
                            [&](std::span<float> values, std::int64_t from) {
                              fill_input(seed, op, sample, values, from);
                            }));
  }
  return {};
}

Outcome<void> write_unknown(Tensor& to, const NeffTensor& input, std::int64_t batch,
                            std::uint64_t seed) {
  const Element element = element_of(input.type).value_or(Element::u8);
  const std::size_t all = input.bytes / runtime::size_of(element);
  const bool has_batch = !input.shape.empty() && input.shape[0] == batch;
  const std::size_t samples = has_batch ? static_cast<std::size_t>(batch) : 1;
  Op op;
  op.name = input.name;
  for (std::size_t sample = 0; sample < samples; ++sample)
    BT_TRY_VOID(write_parts({&to, 1}, element, sample * (all / samples), all / samples,
                            [&](std::span<float> values, std::int64_t from) {
                              if (is_float(element))
                                fill_input(seed, op, static_cast<std::int64_t>(sample), values,
                                           from);
                              else
                                std::fill(values.begin(), values.end(), 1.0F);
                            }));
  return {};
}

Outcome<std::vector<float>> read_samples(const Tensor& from, Element element, std::int64_t batch,
                                         std::int64_t samples) {
  const std::size_t size = runtime::size_of(element);
  const std::size_t of_sample = from.bytes() / size / static_cast<std::size_t>(batch);
  std::vector<std::byte> bytes(of_sample * size *
                               static_cast<std::size_t>(std::min(samples, batch)));
  BT_TRY_VOID(from.read(bytes.data(), 0, bytes.size()));
  std::vector<float> values(bytes.size() / size);
  for (std::size_t i = 0; i < values.size(); ++i)
    values[i] =
        static_cast<float>(runtime::load(element, bytes.data(), static_cast<std::int64_t>(i)));
  return values;
}

}  // namespace batchtune::neuron
