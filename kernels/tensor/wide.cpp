#include "kernels/tensor/wide.h"

#include <cmath>
#include <cstring>
#include <limits>
#include <type_traits>

#include "kernels/bfloat16.h"
#include "kernels/tensor/half.h"

namespace batchtune::kernels::tensor {
namespace {

struct Boolean {
  std::uint8_t value = 0;
};

template <typename F>
void with_stored(ElementType type, F&& f) {
  switch (type) {
    case ElementType::f32:
      return f(float{});
    case ElementType::f64:
      return f(double{});
    case ElementType::f16:
      return f(Half{});
    case ElementType::bf16:
      return f(Bfloat16{});
    case ElementType::i8:
      return f(std::int8_t{});
    case ElementType::u8:
      return f(std::uint8_t{});
    case ElementType::i16:
      return f(std::int16_t{});
    case ElementType::u16:
      return f(std::uint16_t{});
    case ElementType::i32:
      return f(std::int32_t{});
    case ElementType::u32:
      return f(std::uint32_t{});
    case ElementType::i64:
      return f(std::int64_t{});
    case ElementType::u64:
      return f(std::uint64_t{});
    case ElementType::boolean:
      return f(Boolean{});
  }
}

// What fits; the rest is clamped, NaN becomes 0.
template <typename To, typename From>
To whole(From value) {
  if (std::isnan(value)) return 0;
  // The type's ends are powers of two (less one), so that comparing with the power is exact.
  const From end = std::ldexp(From{1}, std::numeric_limits<To>::digits);
  if (value >= end) return std::numeric_limits<To>::max();
  if (value < (std::is_signed_v<To> ? -end : From{0})) {
    return value > From{-1} ? To{0} : std::numeric_limits<To>::min();
  }
  return static_cast<To>(value);
}

// A double that f32 cannot hold goes to the neighbour with an odd last bit, so that rounding that
// to fewer bits gives what rounding the double would.
float to_odd(double value) {
  const float near = static_cast<float>(value);
  if (!std::isfinite(near) || static_cast<double>(near) == value) return near;
  if ((std::bit_cast<std::uint32_t>(near) & 1u) != 0) return near;
  const float way = static_cast<double>(near) < value ? std::numeric_limits<float>::infinity()
                                                      : -std::numeric_limits<float>::infinity();
  return std::nextafter(near, way);
}

template <typename W>
float single(W value) {
  if constexpr (std::is_same_v<W, double>) {
    return to_odd(value);
  } else {
    return static_cast<float>(value);
  }
}

template <typename W, typename T>
W loaded(T stored) {
  if constexpr (std::is_same_v<T, Boolean>) {
    return static_cast<W>(stored.value != 0);
  } else if constexpr (std::is_same_v<T, Half> || std::is_same_v<T, Bfloat16>) {
    return loaded<W>(to_float(stored));
  } else if constexpr (std::is_floating_point_v<T> && std::is_integral_v<W>) {
    return whole<W>(stored);
  } else {
    return static_cast<W>(stored);
  }
}

template <typename T, typename W>
T stored(W value) {
  if constexpr (std::is_same_v<T, Boolean>) {
    return {static_cast<std::uint8_t>(value != W{0})};
  } else if constexpr (std::is_same_v<T, Half>) {
    return to_half(single(value));
  } else if constexpr (std::is_same_v<T, Bfloat16>) {
    return to_bfloat16(single(value));
  } else if constexpr (std::is_floating_point_v<W> && std::is_integral_v<T>) {
    return whole<T>(value);
  } else {
    return static_cast<T>(value);
  }
}

}  // namespace

template <typename W>
void load(ElementType type, const void* base, std::int64_t first, std::int64_t n, W* out) {
  with_stored(type, [&](auto tag) {
    using T = decltype(tag);
    const T* from = static_cast<const T*>(base) + first;
    if constexpr (std::is_same_v<T, W>) {
      std::memcpy(out, from, static_cast<std::size_t>(n) * sizeof(T));
    } else {
      for (std::int64_t i = 0; i < n; ++i) out[i] = loaded<W>(from[i]);
    }
  });
}

template <typename W>
void store(ElementType type, const W* in, std::int64_t n, void* base, std::int64_t first) {
  with_stored(type, [&](auto tag) {
    using T = decltype(tag);
    T* to = static_cast<T*>(base) + first;
    if constexpr (std::is_same_v<T, W>) {
      std::memcpy(to, in, static_cast<std::size_t>(n) * sizeof(T));
    } else {
      for (std::int64_t i = 0; i < n; ++i) to[i] = stored<T>(in[i]);
    }
  });
}

#define BT_INSTANTIATE(W)                                                          \
  template void load<W>(ElementType, const void*, std::int64_t, std::int64_t, W*); \
  template void store<W>(ElementType, const W*, std::int64_t, void*, std::int64_t);
BT_INSTANTIATE(float)
BT_INSTANTIATE(double)
BT_INSTANTIATE(std::int64_t)
BT_INSTANTIATE(std::uint64_t)
#undef BT_INSTANTIATE

}  // namespace batchtune::kernels::tensor
