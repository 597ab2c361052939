// Tensors for the tests of kernels/tensor, and walks that know nothing of strides: places are
// counted up axis by axis.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "kernels/aligned_buffer.h"
#include "kernels/tensor/tensor.h"
#include "kernels/workspace.h"
#include "tests/support/catch.h"

namespace batchtune::kernels::tensor {

template <typename T>
inline constexpr ElementType kTypeOf = ElementType::boolean;
template <>
inline constexpr ElementType kTypeOf<float> = ElementType::f32;
template <>
inline constexpr ElementType kTypeOf<double> = ElementType::f64;
template <>
inline constexpr ElementType kTypeOf<std::int8_t> = ElementType::i8;
template <>
inline constexpr ElementType kTypeOf<std::uint8_t> = ElementType::u8;
template <>
inline constexpr ElementType kTypeOf<std::int16_t> = ElementType::i16;
template <>
inline constexpr ElementType kTypeOf<std::uint16_t> = ElementType::u16;
template <>
inline constexpr ElementType kTypeOf<std::int32_t> = ElementType::i32;
template <>
inline constexpr ElementType kTypeOf<std::uint32_t> = ElementType::u32;
template <>
inline constexpr ElementType kTypeOf<std::int64_t> = ElementType::i64;
template <>
inline constexpr ElementType kTypeOf<std::uint64_t> = ElementType::u64;

// A tensor with its data; `type` may be another one with elements of the same storage (boolean as
// std::uint8_t, f16 as std::uint16_t).
template <typename T>
struct Values {
  Shape shape;
  std::vector<T> data;
  ElementType type = kTypeOf<T>;

  Values(Shape of, std::vector<T> values, ElementType as = kTypeOf<T>)
      : shape(of), data(std::move(values)), type(as) {
    REQUIRE(static_cast<std::int64_t>(data.size()) == elements_of(shape));
  }
  // For outputs: a mark that no test expects.
  explicit Values(Shape of, ElementType as = kTypeOf<T>)
      : shape(of), data(static_cast<std::size_t>(elements_of(of)), static_cast<T>(77)), type(as) {}

  ConstTensor in() const { return {type, shape, data.data()}; }
  Tensor out() { return {type, shape, data.data()}; }
  std::int64_t index(const Shape& place) const {
    std::int64_t index = 0;
    for (std::size_t axis = 0; axis < shape.size(); ++axis)
      index = index * shape[axis] + place[axis];
    return index;
  }
  T at(const Shape& place) const { return data[static_cast<std::size_t>(index(place))]; }
  T& at(const Shape& place) { return data[static_cast<std::size_t>(index(place))]; }
};

inline Values<std::uint8_t> booleans(Shape shape, std::vector<std::uint8_t> values) {
  return {shape, std::move(values), ElementType::boolean};
}
inline Values<std::uint8_t> boolean_out(Shape shape) {
  return Values<std::uint8_t>(shape, ElementType::boolean);
}

// Small whole numbers, so that sums and products of them are exact in every type.
template <typename T>
Values<T> whole_numbers(Shape shape, std::uint32_t seed, int low = -9, int high = 9) {
  std::mt19937 random(seed);
  std::vector<T> values(static_cast<std::size_t>(elements_of(shape)));
  const int lowest = std::is_unsigned_v<T> ? std::max(low, 0) : low;
  for (T& value : values) {
    value = static_cast<T>(lowest +
                           static_cast<int>(random() % static_cast<unsigned>(high - lowest + 1)));
  }
  return {shape, std::move(values)};
}

// Numbers in [-scale, scale).
inline Values<float> numbers(Shape shape, std::uint32_t seed, float scale = 2) {
  std::mt19937 random(seed);
  std::vector<float> values(static_cast<std::size_t>(elements_of(shape)));
  for (float& value : values) value = (static_cast<float>(random() >> 8) * 0x1p-23f - 1) * scale;
  return {shape, std::move(values)};
}

// f(place) for every place of a shape, the last axis fastest.
template <typename F>
void for_places(const Shape& shape, F f) {
  if (elements_of(shape) == 0) return;
  Shape place = Shape::filled(shape.size(), 0);
  for (;;) {
    f(place);
    std::size_t axis = shape.size();
    while (axis > 0 && ++place[axis - 1] == shape[axis - 1]) place[--axis] = 0;
    if (axis == 0) return;
  }
}

// The place in a tensor that broadcasts to where `place` is.
inline Shape broadcast_place(const Shape& place, const Shape& shape) {
  Shape own;
  for (std::size_t axis = 0; axis < shape.size(); ++axis) {
    own.push_back(shape[axis] == 1 ? 0 : place[axis + place.size() - shape.size()]);
  }
  return own;
}

// f(context) on one lane and on three, with the kernels of every instruction set that this machine
// has.
template <typename F>
void on_all(F f) {
  for (const Isa isa : {Isa::reference, Isa::avx2, Isa::avx512}) {
    if (!supported(isa)) continue;
    for (const int lanes : {1, 3}) {
      CAPTURE(name_of(isa), lanes);
      Arena arena(lanes, Pin::no);
      arena.run([&](Team& team) { f(Context(team, select_kernels(up_to(isa)))); });
    }
  }
}

// A workspace of `bytes` for each lane.
struct Scratch {
  std::size_t lane = 0;
  AlignedBuffer buffer;
  Scratch(const Context& context, std::size_t bytes)
      : lane(AlignedBuffer::footprint(bytes)),
        buffer(AlignedBuffer::allocate(lane * static_cast<std::size_t>(context.team.lanes()))) {}
  Workspace workspace() const { return {buffer.as<std::byte>(), lane}; }
};

inline bool near(double seen, double right, double tolerance = 1e-5) {
  if (std::isnan(right)) return std::isnan(seen);
  if (std::isinf(right)) return seen == right;
  return std::abs(seen - right) <= tolerance * (1 + std::abs(right));
}

template <typename T>
void check_near(const Values<T>& seen, const Values<T>& right, double tolerance = 1e-5) {
  REQUIRE(seen.data.size() == right.data.size());
  for (std::size_t i = 0; i < seen.data.size(); ++i) {
    CAPTURE(i, seen.data[i], right.data[i]);
    if (near(static_cast<double>(seen.data[i]), static_cast<double>(right.data[i]), tolerance)) {
      continue;
    }
    CHECK(false);
    return;
  }
}

}  // namespace batchtune::kernels::tensor
