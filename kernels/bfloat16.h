// bf16: the upper half of an f32. Conversions round to nearest, ties to even, and keep NaN a NaN.
// ISA files do not include this (rule: islands); they have the same arithmetic as instructions.
#pragma once

#include <bit>
#include <cstdint>

namespace batchtune::kernels {

struct Bfloat16 {
  std::uint16_t bits = 0;
  friend bool operator==(Bfloat16,
                         Bfloat16) = default;  // of bits: a NaN equals itself, -0 is not 0
};

inline float to_float(Bfloat16 value) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(value.bits) << 16);
}

inline Bfloat16 to_bfloat16(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  if ((bits & 0x7fffffffu) > 0x7f800000u) {  // NaN: rounding could carry it into infinity
    return {static_cast<std::uint16_t>((bits >> 16) | 0x0040u)};
  }
  const std::uint32_t half = 0x7fffu + ((bits >> 16) & 1u);
  return {static_cast<std::uint16_t>((bits + half) >> 16)};
}

}  // namespace batchtune::kernels
