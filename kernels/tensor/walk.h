// Walks over a dense output beside inputs that lie otherwise: broadcast, transposed, sliced. Axes
// of size 1 are dropped and axes that walk together are merged, so that the innermost one is as
// long as can be. Internal to this folder.
#pragma once

#include <array>
#include <cstdint>

#include "kernels/split.h"
#include "kernels/tensor/tensor.h"

namespace batchtune::kernels::tensor {

// N inputs; strides in elements, 0 along broadcast axes, negative along reversed ones.
template <std::size_t N>
struct Walk {
  using Offsets = std::array<std::int64_t, N>;
  std::array<std::int64_t, kMaxRank> size{};
  std::array<Offsets, kMaxRank> stride{};  // of each axis
  std::size_t axes = 0;
  std::int64_t elements = 1;
  Offsets base{};  // where the first element lies

  // The next axis inwards.
  void append(std::int64_t count, const Offsets& distance) {
    elements *= count;
    if (count == 1) return;
    if (axes > 0 && together(count, distance)) {
      size[axes - 1] *= count;
      stride[axes - 1] = distance;
      return;
    }
    size[axes] = count;
    stride[axes] = distance;
    ++axes;
  }
  // After the last append: there is one axis at least.
  void close() {
    if (axes > 0) return;
    size[0] = 1;
    stride[0].fill(1);
    axes = 1;
  }

  std::int64_t inner() const { return size[axes - 1]; }
  const Offsets& inner_stride() const { return stride[axes - 1]; }

 private:
  bool together(std::int64_t count, const Offsets& distance) const {
    for (std::size_t k = 0; k < N; ++k) {
      if (stride[axes - 1][k] != count * distance[k]) return false;
    }
    return true;
  }
};

// Calls f(i, offsets, n) for runs along the innermost axis that cover the output's elements
// [begin, end): n elements from output element i on, each input's first one at its offset.
template <std::size_t N, typename F>
void for_runs(const Walk<N>& walk, std::int64_t begin, std::int64_t end, F&& f) {
  if (begin >= end) return;
  std::array<std::int64_t, kMaxRank> place{};
  auto offsets = walk.base;
  std::int64_t rest = begin;
  for (std::size_t axis = walk.axes; axis-- > 0;) {
    place[axis] = rest % walk.size[axis];
    rest /= walk.size[axis];
    for (std::size_t k = 0; k < N; ++k) offsets[k] += place[axis] * walk.stride[axis][k];
  }
  const std::size_t last = walk.axes - 1;
  for (std::int64_t i = begin;;) {
    const std::int64_t n = std::min(walk.size[last] - place[last], end - i);
    f(i, offsets, n);
    i += n;
    if (i >= end) return;
    // To the start of the next run.
    for (std::size_t k = 0; k < N; ++k) offsets[k] -= place[last] * walk.stride[last][k];
    place[last] = 0;
    for (std::size_t axis = last; axis-- > 0;) {
      ++place[axis];
      for (std::size_t k = 0; k < N; ++k) offsets[k] += walk.stride[axis][k];
      if (place[axis] < walk.size[axis]) break;
      for (std::size_t k = 0; k < N; ++k) offsets[k] -= walk.size[axis] * walk.stride[axis][k];
      place[axis] = 0;
    }
  }
}

// Elements from one to the next along each axis of a dense tensor.
inline Shape dense_strides(const Shape& shape) {
  Shape strides = shape;
  std::int64_t elements = 1;
  for (std::size_t axis = shape.size(); axis-- > 0;) {
    strides[axis] = elements;
    elements *= shape[axis];
  }
  return strides;
}

// Of inputs that broadcast to `out`; false where one does not.
template <std::size_t N>
bool broadcast_walk(const Shape& out, const std::array<const Shape*, N>& inputs, Walk<N>& walk) {
  std::array<Shape, N> strides;
  for (std::size_t k = 0; k < N; ++k) {
    if (inputs[k]->size() > out.size()) return false;
    strides[k] = dense_strides(*inputs[k]);
  }
  for (std::size_t axis = 0; axis < out.size(); ++axis) {
    typename Walk<N>::Offsets distance{};
    for (std::size_t k = 0; k < N; ++k) {
      const std::size_t missing = out.size() - inputs[k]->size();
      if (axis < missing) continue;
      const std::int64_t own = (*inputs[k])[axis - missing];
      if (own != out[axis] && own != 1) return false;
      distance[k] = own == 1 ? 0 : strides[k][axis - missing];
    }
    walk.append(out[axis], distance);
  }
  walk.close();
  return true;
}

}  // namespace batchtune::kernels::tensor
