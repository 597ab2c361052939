#include "tuner/backend/runtime/element.h"

#include <bit>
#include <cmath>
#include <limits>

namespace batchtune::runtime {
namespace {

constexpr int kF32Bias = 127, kHalfBias = 15, kHalfBits = 10, kF32Bits = 23;
constexpr int kDropped = kF32Bits - kHalfBits;
constexpr std::uint32_t kHalfInfinity = 0x7c00, kQuietHalf = 0x7e00;

// `bits` without its `count` lowest ones, rounded to nearest, ties to even.
constexpr std::uint32_t rounded(std::uint32_t bits, int count) {
  const std::uint32_t half = 1U << (count - 1);
  const std::uint32_t odd = (bits >> count) & 1U;
  return (bits + half - 1 + odd) >> count;
}

std::uint16_t to_bfloat16(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  if (std::isnan(value)) return static_cast<std::uint16_t>((bits >> 16) | 0x40U);
  return static_cast<std::uint16_t>(rounded(bits, 16));
}

template <typename T>
void put(void* tensor, std::int64_t index, T value) {
  static_cast<T*>(tensor)[index] = value;
}
template <typename T>
double get(const void* tensor, std::int64_t index) {
  return static_cast<double>(static_cast<const T*>(tensor)[index]);
}

}  // namespace

std::string_view name_of(Element element) {
  switch (element) {
    case Element::f32:
      return "float";
    case Element::f64:
      return "double";
    case Element::f16:
      return "float16";
    case Element::bf16:
      return "bfloat16";
    case Element::i8:
      return "int8";
    case Element::u8:
      return "uint8";
    case Element::i16:
      return "int16";
    case Element::u16:
      return "uint16";
    case Element::i32:
      return "int32";
    case Element::u32:
      return "uint32";
    case Element::i64:
      return "int64";
    case Element::u64:
      return "uint64";
    case Element::boolean:
      return "bool";
  }
  return "?";
}

std::size_t size_of(Element element) {
  switch (element) {
    case Element::i8:
    case Element::u8:
    case Element::boolean:
      return 1;
    case Element::f16:
    case Element::bf16:
    case Element::i16:
    case Element::u16:
      return 2;
    case Element::f32:
    case Element::i32:
    case Element::u32:
      return 4;
    case Element::f64:
    case Element::i64:
    case Element::u64:
      return 8;
  }
  return 0;
}

std::uint16_t to_half(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  const std::uint32_t sign = (bits >> 16) & 0x8000U;
  const std::uint32_t magnitude = bits & 0x7fffffffU;
  const int exponent = static_cast<int>(magnitude >> kF32Bits) - kF32Bias + kHalfBias;
  std::uint32_t half = 0;
  if (std::isnan(value)) {
    half = kQuietHalf;
  } else if (exponent >= 31) {
    half = kHalfInfinity;
  } else if (exponent > 0) {
    const std::uint32_t rebased =
        magnitude - (static_cast<std::uint32_t>(kF32Bias - kHalfBias) << kF32Bits);
    half = rounded(rebased, kDropped);  // a carry goes into the exponent, up to infinity
  } else if (exponent >= -kHalfBits) {  // subnormal: the leading 1 is written out
    const std::uint32_t mantissa = (magnitude & 0x7fffffU) | 0x800000U;
    half = rounded(mantissa, kDropped + 1 - exponent);
  }
  return static_cast<std::uint16_t>(sign | half);
}

float from_half(std::uint16_t bits) {
  const int exponent = (bits >> kHalfBits) & 31;
  const int mantissa = bits & 0x3ff;
  float magnitude = std::ldexp(static_cast<float>(mantissa), 1 - kHalfBias - kHalfBits);
  if (exponent == 31)
    magnitude = mantissa == 0 ? std::numeric_limits<float>::infinity()
                              : std::numeric_limits<float>::quiet_NaN();
  else if (exponent > 0)
    magnitude = std::ldexp(static_cast<float>(mantissa | 0x400), exponent - kHalfBias - kHalfBits);
  return (bits & 0x8000) != 0 ? -magnitude : magnitude;
}

void store(Element element, void* tensor, std::int64_t index, double value) {
  switch (element) {
    case Element::f32:
      return put(tensor, index, static_cast<float>(value));
    case Element::f64:
      return put(tensor, index, value);
    case Element::f16:
      return put(tensor, index, to_half(static_cast<float>(value)));
    case Element::bf16:
      return put(tensor, index, to_bfloat16(static_cast<float>(value)));
    case Element::i8:
      return put(tensor, index, static_cast<std::int8_t>(value));
    case Element::u8:
      return put(tensor, index, static_cast<std::uint8_t>(value));
    case Element::i16:
      return put(tensor, index, static_cast<std::int16_t>(value));
    case Element::u16:
      return put(tensor, index, static_cast<std::uint16_t>(value));
    case Element::i32:
      return put(tensor, index, static_cast<std::int32_t>(value));
    case Element::u32:
      return put(tensor, index, static_cast<std::uint32_t>(value));
    case Element::i64:
      return put(tensor, index, static_cast<std::int64_t>(value));
    case Element::u64:
      return put(tensor, index, static_cast<std::uint64_t>(value));
    case Element::boolean:
      return put(tensor, index, static_cast<std::uint8_t>(value != 0));
  }
}

double load(Element element, const void* tensor, std::int64_t index) {
  switch (element) {
    case Element::f32:
      return get<float>(tensor, index);
    case Element::f64:
      return get<double>(tensor, index);
    case Element::f16:
      return from_half(static_cast<const std::uint16_t*>(tensor)[index]);
    case Element::bf16:
      return std::bit_cast<float>(
          static_cast<std::uint32_t>(static_cast<const std::uint16_t*>(tensor)[index]) << 16);
    case Element::i8:
      return get<std::int8_t>(tensor, index);
    case Element::u8:
    case Element::boolean:
      return get<std::uint8_t>(tensor, index);
    case Element::i16:
      return get<std::int16_t>(tensor, index);
    case Element::u16:
      return get<std::uint16_t>(tensor, index);
    case Element::i32:
      return get<std::int32_t>(tensor, index);
    case Element::u32:
      return get<std::uint32_t>(tensor, index);
    case Element::i64:
      return get<std::int64_t>(tensor, index);
    case Element::u64:
      return get<std::uint64_t>(tensor, index);
  }
  return 0;
}

}  // namespace batchtune::runtime
