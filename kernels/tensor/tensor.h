// What every operation of this folder works on: dense row-major tensors of any rank and of the
// element types that ONNX graphs compute with; and how a call says what it refused.
// Outputs are allocated by the caller, in the shape that the operation gives; they must not overlap
// inputs unless the function says so.
#pragma once

#include <algorithm>
#include <array>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string_view>

#include "kernels/arena.h"
#include "kernels/isa.h"

namespace batchtune::kernels {
struct GemmKernel;
}

namespace batchtune::kernels::tensor {

enum class ElementType : std::uint8_t {
  f32,
  f64,
  f16,
  bf16,
  i8,
  u8,
  i16,
  u16,
  i32,
  u32,
  i64,
  u64,
  boolean,  // a byte, 0 or 1
};

std::size_t bytes_of(ElementType type);
const char* name_of(ElementType type);  // "f32", "boolean"
bool is_float(ElementType type);        // f32, f64, f16, bf16
bool is_integer(ElementType type);      // signed and unsigned; not boolean

inline constexpr std::size_t kMaxRank = 12;

// Sizes of the axes, outermost first; rank 0 is a scalar. A vector of at most kMaxRank numbers that
// allocates nothing.
class Shape {
 public:
  using value_type = std::int64_t;
  Shape() = default;
  Shape(std::initializer_list<std::int64_t> sizes) : Shape(std::span(sizes.begin(), sizes.end())) {}
  Shape(std::span<const std::int64_t> sizes) : rank_(sizes.size()) {  // also from std::vector
    assert(sizes.size() <= kMaxRank);
    std::copy(sizes.begin(), sizes.end(), sizes_.begin());
  }
  static Shape filled(std::size_t rank, std::int64_t value) {
    Shape shape;
    for (std::size_t i = 0; i < rank; ++i) shape.push_back(value);
    return shape;
  }

  std::size_t size() const { return rank_; }  // the rank
  bool empty() const { return rank_ == 0; }
  std::int64_t& operator[](std::size_t axis) { return sizes_[axis]; }
  std::int64_t operator[](std::size_t axis) const { return sizes_[axis]; }
  std::int64_t* begin() { return sizes_.data(); }
  std::int64_t* end() { return sizes_.data() + rank_; }
  const std::int64_t* begin() const { return sizes_.data(); }
  const std::int64_t* end() const { return sizes_.data() + rank_; }
  std::int64_t back() const { return sizes_[rank_ - 1]; }
  void push_back(std::int64_t size) {
    assert(rank_ < kMaxRank);
    sizes_[rank_++] = size;
  }
  std::span<const std::int64_t> span() const { return {sizes_.data(), rank_}; }
  friend bool operator==(const Shape& a, const Shape& b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end());
  }

 private:
  std::array<std::int64_t, kMaxRank> sizes_{};
  std::size_t rank_ = 0;
};

// Elements of the axes [first, last); 1 for none.
inline std::int64_t product(const Shape& shape, std::size_t first, std::size_t last) {
  std::int64_t elements = 1;
  for (std::size_t axis = first; axis < last; ++axis) elements *= shape[axis];
  return elements;
}
inline std::int64_t elements_of(const Shape& shape) {
  return product(shape, 0, shape.size());
}

struct ConstTensor {
  ElementType type = ElementType::f32;
  Shape shape;
  const void* data = nullptr;

  std::int64_t elements() const { return elements_of(shape); }
  std::size_t bytes() const { return static_cast<std::size_t>(elements()) * bytes_of(type); }
};

struct Tensor {
  ElementType type = ElementType::f32;
  Shape shape;
  void* data = nullptr;

  std::int64_t elements() const { return elements_of(shape); }
  std::size_t bytes() const { return static_cast<std::size_t>(elements()) * bytes_of(type); }
  operator ConstTensor() const { return {type, shape, data}; }
};

// How a call ended: done, or refused with a reason that is a constant text ("the shapes do not
// broadcast"). All is checked before anything is written, but for indices in data: of those that
// are out of range nothing is read and the rest of the output is written.
struct [[nodiscard]] Outcome {
  const char* why = nullptr;
  explicit operator bool() const { return why == nullptr; }
};
inline constexpr Outcome kDone{};

// ---- where and with what a call runs ----

struct VectorKernel;  // f32 loops of one instruction set; kernels/tensor/vector.h has the fields

struct Kernels {
  const VectorKernel* vector = nullptr;
  const GemmKernel* gemm = nullptr;  // f32
};
// The best ones among `allowed`, leaving out kernels by name (those that failed their proof).
Kernels select_kernels(IsaMask allowed, std::span<const std::string_view> left_out = {});

// Every function takes one; a Team alone becomes one with the machine's best kernels.
struct Context {
  Context(Team& lanes);  // NOLINT: on purpose
  Context(Team& lanes, const Kernels& with) : team(lanes), kernels(with) {}
  Team& team;
  Kernels kernels;
};

// The shape that numpy's rule gives; false where the shapes do not go together. `out` may be one of
// them.
bool broadcast(const Shape& a, const Shape& b, Shape& out);

}  // namespace batchtune::kernels::tensor
