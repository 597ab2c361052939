// f16 (IEEE binary16). Conversions round to nearest, ties to even, and keep NaN a NaN.
#pragma once

#include <bit>
#include <cstdint>

namespace batchtune::kernels::tensor {

struct Half {
  std::uint16_t bits = 0;
};

inline float to_float(Half value) {
  const std::uint32_t sign = static_cast<std::uint32_t>(value.bits & 0x8000u) << 16;
  const std::uint32_t rest = value.bits & 0x7fffu;
  if (rest >= 0x7c00u) return std::bit_cast<float>(sign | 0x7f800000u | (rest & 0x3ffu) << 13);
  if (rest >= 0x400u) return std::bit_cast<float>(sign | ((rest << 13) + (112u << 23)));
  const float denormal = static_cast<float>(rest) * 0x1p-24f;
  return sign != 0 ? -denormal : denormal;
}

inline Half to_half(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  const auto sign = static_cast<std::uint16_t>(bits >> 16 & 0x8000u);
  const std::uint32_t rest = bits & 0x7fffffffu;
  const auto signed_bits = [sign](std::uint32_t magnitude) {
    return Half{static_cast<std::uint16_t>(sign | magnitude)};
  };
  if (rest > 0x7f800000u) return signed_bits(0x7e00u);
  if (rest >= 0x477ff000u) return signed_bits(0x7c00u);  // 65520 and more round to infinity
  if (rest < 0x38800000u) {  // below 2^-14: adding a half of that scale rounds to its last place
    const float shifted = std::bit_cast<float>(rest) + 0.5f;
    return signed_bits(std::bit_cast<std::uint32_t>(shifted) - std::bit_cast<std::uint32_t>(0.5f));
  }
  const std::uint32_t rounded = rest + 0xfffu + (rest >> 13 & 1u);
  return signed_bits((rounded - (112u << 23)) >> 13);
}

}  // namespace batchtune::kernels::tensor
