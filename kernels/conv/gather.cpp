// Copies the input pixels under a block of output pixels into rows. Works run by run: a run is what
// lies side by side in memory (a line of the kernel, or one tap), and is copied for a whole stretch
// of output pixels in one call. Only pixels at the border are looked at one by one.
#include "kernels/conv/gather.h"

#include <algorithm>
#include <cstring>

namespace batchtune::kernels {
namespace {

// Part [begin, end) of one run's k, for pixels of one output row.
struct Stretch {
  const PixelRows& pixels;
  const GemmKernel& kernel;
  std::int64_t run_taps;    // taps of a run
  std::int64_t begin, end;  // elements of the run
  const std::byte* line;    // input row under the run; null when it lies in the padding
  std::int64_t first_tap;   // kernel column of the run's first tap
};

void clear(const Stretch& stretch, std::byte* to, std::int64_t elements) {
  std::memset(to, 0, static_cast<std::size_t>(elements * stretch.kernel.staged_bytes()));
}

// One output pixel, any of whose taps may lie outside.
void gather_at_border(const Stretch& s, std::int64_t ix, std::byte* to, std::int64_t to_stride) {
  const std::int64_t channels = s.pixels.channels;
  const std::int64_t taps_begin = std::clamp<std::int64_t>(-ix, 0, s.run_taps);
  const std::int64_t taps_end =
      std::clamp<std::int64_t>(s.pixels.shape->in_w - ix, taps_begin, s.run_taps);
  const std::int64_t begin = std::clamp(taps_begin * channels, s.begin, s.end);
  const std::int64_t end = std::clamp(taps_end * channels, begin, s.end);
  const std::int64_t size = s.kernel.staged_bytes();
  clear(s, to, begin - s.begin);
  if (begin < end) {
    const auto element = static_cast<std::int64_t>(bytes_of(s.kernel.dtype));
    s.kernel.stage(s.line + ix * s.pixels.pixel_bytes + begin * element, 0,
                   to + (begin - s.begin) * size, to_stride, 1, end - begin);
  }
  clear(s, to + (end - s.begin) * size, s.end - end);
}

// Output pixels [x0, x1) of one row.
void gather_stretch(const Stretch& s, std::int64_t x0, std::int64_t x1, std::byte* to,
                    std::int64_t to_stride) {
  const ConvShape& shape = *s.pixels.shape;
  const std::int64_t offset = s.first_tap * shape.dilation_w - shape.pad_left;
  const auto element = static_cast<std::int64_t>(bytes_of(s.kernel.dtype));
  // Output pixels whose whole run lies inside: 0 <= x * stride + offset <= in_w - run_taps.
  const std::int64_t first = offset >= 0 ? 0 : (-offset + shape.stride_w - 1) / shape.stride_w;
  const std::int64_t room = shape.in_w - s.run_taps - offset;
  const std::int64_t inside_begin = std::clamp(first, x0, x1);
  const std::int64_t inside_end = s.line == nullptr || room < 0
                                      ? inside_begin
                                      : std::clamp(room / shape.stride_w + 1, inside_begin, x1);
  for (std::int64_t x = x0; x < x1; ++x) {
    std::byte* row = to + (x - x0) * to_stride;
    if (s.line == nullptr) {
      clear(s, row, s.end - s.begin);
    } else if (x == inside_begin && inside_begin < inside_end) {
      s.kernel.stage(
          s.line + (x * shape.stride_w + offset) * s.pixels.pixel_bytes + s.begin * element,
          shape.stride_w * s.pixels.pixel_bytes, row, to_stride, inside_end - inside_begin,
          s.end - s.begin);
      x = inside_end - 1;
    } else {
      gather_at_border(s, x * shape.stride_w + offset, row, to_stride);
    }
  }
}

void stage_pixels(const void* context, const GemmKernel& kernel, std::int64_t row0,
                  std::int64_t rows, std::int64_t k0, std::int64_t k_count, std::byte* to,
                  std::int64_t to_stride) {
  const auto& pixels = *static_cast<const PixelRows*>(context);
  const ConvShape& shape = *pixels.shape;
  const std::int64_t run_taps = pixels.lines_are_dense ? shape.kernel_w : 1;
  const std::int64_t run_k = run_taps * pixels.channels;
  const std::int64_t runs_per_line = shape.kernel_w / run_taps;
  std::int64_t next = 0;  // rows go by stretches of one output row
  for (std::int64_t row = row0; row < row0 + rows; row += next) {
    const std::int64_t x = row % pixels.out_w;
    const std::int64_t y = row / pixels.out_w % pixels.out_h;
    const std::int64_t sample = row / pixels.out_w / pixels.out_h;
    next = std::min(pixels.out_w - x, row0 + rows - row);
    for (std::int64_t k = k0; k < k0 + k_count;) {
      const std::int64_t run = k / run_k;
      const std::int64_t begin = k % run_k;
      const std::int64_t end = std::min(run_k, begin + k0 + k_count - k);
      const std::int64_t iy =
          y * shape.stride_h - shape.pad_top + run / runs_per_line * shape.dilation_h;
      const bool inside = iy >= 0 && iy < shape.in_h;
      const std::byte* line =
          inside ? pixels.input + (sample * shape.in_h + iy) * shape.in_w * pixels.pixel_bytes
                 : nullptr;
      gather_stretch({pixels, kernel, run_taps, begin, end, line, run % runs_per_line * run_taps},
                     x, x + next, to + (row - row0) * to_stride + (k - k0) * kernel.staged_bytes(),
                     to_stride);
      k += end - begin;
    }
  }
}

}  // namespace

RowSource pixel_rows(const PixelRows& pixels) {
  RowSource source{};
  source.stage = &stage_pixels;
  source.context = &pixels;
  return source;
}

}  // namespace batchtune::kernels
