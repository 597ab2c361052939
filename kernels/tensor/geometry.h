// Windows over images of 1 to 3 spatial axes, as three: axes in front have one element. Internal to
// this folder.
#pragma once

#include <array>

#include "kernels/split.h"
#include "kernels/tensor/images.h"

namespace batchtune::kernels::tensor {

struct Geometry {
  std::int64_t batch = 0, in_channels = 0, out_channels = 0;
  PerAxis in{1, 1, 1}, out{1, 1, 1}, kernel{1, 1, 1};
  PerAxis stride{1, 1, 1}, dilation{1, 1, 1}, pad{0, 0, 0}, pad_end{0, 0, 0};

  static std::int64_t volume(const PerAxis& sizes) { return sizes[0] * sizes[1] * sizes[2]; }
  std::int64_t in_plane() const { return volume(in); }
  std::int64_t out_plane() const { return volume(out); }
  std::int64_t taps() const { return volume(kernel); }

  // Where tap `tap` of window `at` lies along an axis of the input.
  std::int64_t place(std::size_t axis, std::int64_t at, std::int64_t tap) const {
    return at * stride[axis] - pad[axis] + tap * dilation[axis];
  }
};

struct Span {
  std::int64_t begin = 0, end = 0;  // empty where end <= begin
};

// Of [0, count): those i whose a + i b lies in [0, size). b > 0.
inline Span inside(std::int64_t a, std::int64_t b, std::int64_t size, std::int64_t count) {
  const std::int64_t begin = a >= 0 ? 0 : (-a + b - 1) / b;
  const std::int64_t end = a >= size ? 0 : (size - a + b - 1) / b;
  return {std::min(begin, count), std::min(std::max(end, begin), count)};
}

// The taps of window `at` that lie inside the image.
inline Span taps_inside(const Geometry& g, std::size_t axis, std::int64_t at) {
  return inside(g.place(axis, at, 0), g.dilation[axis], g.in[axis], g.kernel[axis]);
}
// The windows whose tap `tap` lies inside the image.
inline Span windows_inside(const Geometry& g, std::size_t axis, std::int64_t tap) {
  return inside(g.place(axis, 0, tap), g.stride[axis], g.in[axis], g.out[axis]);
}

// From tensors [batch][channels][spatial...]; says what does not fit.
inline Outcome make_geometry(const Shape& in, const Shape& out, const Window& window, Geometry& g) {
  if (in.size() < 3 || in.size() > 2 + kMaxSpatial) return {"not of 1 to 3 spatial axes"};
  if (out.size() != in.size() || in[0] != out[0]) return {"input and output do not fit"};
  g.batch = in[0];
  g.in_channels = in[1];
  g.out_channels = out[1];
  const std::size_t spatial = in.size() - 2, first = kMaxSpatial - spatial;
  for (std::size_t i = 0; i < spatial; ++i) {
    const std::size_t axis = first + i;
    g.in[axis] = in[2 + i];
    g.out[axis] = out[2 + i];
    g.kernel[axis] = window.kernel[i];
    g.stride[axis] = window.stride[i];
    g.dilation[axis] = window.dilation[i];
    g.pad[axis] = window.pad_begin[i];
    g.pad_end[axis] = window.pad_end[i];
    if (window.kernel[i] < 1 || window.stride[i] < 1 || window.dilation[i] < 1) {
      return {"a kernel, stride or dilation below 1"};
    }
  }
  return kDone;
}

}  // namespace batchtune::kernels::tensor
