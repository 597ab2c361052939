// Twelve types times fifty operations would be six hundred loops. So only f32 has loops of its own;
// all else is loaded in blocks as one of four wide types that hold it exactly, computed there, and
// stored. Internal to this folder.
#pragma once

#include <cstdint>

#include "kernels/tensor/tensor.h"

namespace batchtune::kernels::tensor {

inline constexpr std::int64_t kBlock = 256;  // elements of a block: at most 2 KiB each operand

// Elements [first, first + n) of `base`, converted. Whole numbers to narrower ones keep the low
// bits; floats to whole numbers are cut towards zero and clamped, NaN becomes 0.
// W: float, double, std::int64_t, std::uint64_t.
template <typename W>
void load(ElementType type, const void* base, std::int64_t first, std::int64_t n, W* out);
template <typename W>
void store(ElementType type, const W* in, std::int64_t n, void* base, std::int64_t first);

template <typename W>
W load_one(const ConstTensor& tensor, std::int64_t index = 0) {
  W value{};
  load(tensor.type, tensor.data, index, 1, &value);
  return value;
}

// f(W{}) with the wide type that holds `type` exactly: float for f32, f16 and bf16; double; the
// unsigned one for u64; the signed one for all other whole numbers and boolean.
template <typename F>
decltype(auto) with_wide(ElementType type, F&& f) {
  switch (type) {
    case ElementType::f32:
    case ElementType::f16:
    case ElementType::bf16:
      return f(float{});
    case ElementType::f64:
      return f(double{});
    case ElementType::u64:
      return f(std::uint64_t{});
    default:
      return f(std::int64_t{});
  }
}

// f(T{}) with an unsigned type of that many bytes: 1, 2, 4 or 8.
template <typename F>
decltype(auto) with_size(std::size_t bytes, F&& f) {
  switch (bytes) {
    case 1:
      return f(std::uint8_t{});
    case 2:
      return f(std::uint16_t{});
    case 4:
      return f(std::uint32_t{});
    default:
      return f(std::uint64_t{});
  }
}

inline std::byte* at(void* base, ElementType type, std::int64_t element) {
  return static_cast<std::byte*>(base) + element * static_cast<std::int64_t>(bytes_of(type));
}
inline const std::byte* at(const void* base, ElementType type, std::int64_t element) {
  return static_cast<const std::byte*>(base) + element * static_cast<std::int64_t>(bytes_of(type));
}

}  // namespace batchtune::kernels::tensor
