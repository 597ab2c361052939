// Pooling: each row of the table against its twin, and whole images against the definition.
#include <algorithm>

#include "kernels/agreement.h"
#include "kernels/pool/pool.h"
#include "tests/support/catch.h"

namespace batchtune::kernels {
namespace {

// By the definition, pixel by pixel, knowing nothing of windows that are clipped.
double expected(PoolKind kind, const PoolShape& s, const Tensor& in, std::int64_t sample,
                std::int64_t y, std::int64_t x, std::int64_t c) {
  double sum = 0, largest = -1e30;
  int inside = 0;
  for (std::int64_t ky = 0; ky < s.kernel_h; ++ky) {
    for (std::int64_t kx = 0; kx < s.kernel_w; ++kx) {
      const std::int64_t iy = y * s.stride_h + ky - s.pad_top,
                         ix = x * s.stride_w + kx - s.pad_left;
      if (iy < 0 || iy >= s.in_h || ix < 0 || ix >= s.in_w) continue;
      const double value =
          static_cast<double>(in.at(((sample * s.in_h + iy) * s.in_w + ix) * s.channels + c));
      sum += value;
      largest = std::max(largest, value);
      ++inside;
    }
  }
  if (inside == 0) return 0;
  if (kind == PoolKind::max) return largest;
  return sum / static_cast<double>(kind == PoolKind::average ? inside : s.kernel_h * s.kernel_w);
}

void check(const PoolShape& s, std::int64_t batch) {
  for (const PoolKernel& kernel : pool_kernels()) {
    if (!supported(kernel.isa)) continue;
    const Tensor in = Tensor::random(kernel.dtype, batch * s.in_h * s.in_w * s.channels, 3);
    for (const PoolKind kind :
         {PoolKind::max, PoolKind::average, PoolKind::average_of_whole_window}) {
      CAPTURE(kernel.name, static_cast<int>(kind), s.in_h, s.in_w, s.channels, s.kernel_h,
              s.pad_top);
      Tensor out(kernel.dtype, batch * s.out_h() * s.out_w() * s.channels);
      Arena arena(2, Pin::no);
      arena.run([&](Team& team) { pool(kernel, kind, s, batch, in.data(), out.data(), team); });
      Tensor slow(kernel.dtype, out.elements());
      std::int64_t i = 0;
      for (std::int64_t n = 0; n < batch; ++n)
        for (std::int64_t y = 0; y < s.out_h(); ++y)
          for (std::int64_t x = 0; x < s.out_w(); ++x)
            for (std::int64_t c = 0; c < s.channels; ++c)
              slow.set(i++, static_cast<float>(expected(kind, s, in, n, y, x, c)));
      Proof proof;
      compare(proof, kernel.dtype, s.kernel_h * s.kernel_w, out, slow, "");
      CHECK(proof.passed);
    }
  }
}

}  // namespace

TEST_CASE("every pool kernel agrees with its twin", "[kernels][pool]") {
  for (const PoolKernel& kernel : pool_kernels()) {
    CAPTURE(kernel.name, why_not(kernel.isa));
    if (!supported(kernel.isa)) continue;
    const Proof proof = prove(kernel);
    CAPTURE(proof.where, proof.error);
    CHECK(proof.passed);
  }
}

TEST_CASE("windows of the usual networks give the definition's values", "[kernels][pool]") {
  check({.in_h = 12,
         .in_w = 10,
         .channels = 24,
         .kernel_h = 3,
         .kernel_w = 3,
         .stride_h = 2,
         .stride_w = 2,
         .pad_top = 1,
         .pad_left = 1,
         .pad_bottom = 1,
         .pad_right = 1},
        2);
  check({.in_h = 8,
         .in_w = 8,
         .channels = 64,
         .kernel_h = 2,
         .kernel_w = 2,
         .stride_h = 2,
         .stride_w = 2},
        3);
  check({.in_h = 7,
         .in_w = 5,
         .channels = 17,
         .kernel_h = 3,
         .kernel_w = 2,
         .stride_h = 1,
         .stride_w = 3,
         .pad_top = 0,
         .pad_left = 1,
         .pad_bottom = 2,
         .pad_right = 0},
        1);
}

TEST_CASE("windows partly and wholly in the padding are right and finite", "[kernels][pool]") {
  check({.in_h = 3,
         .in_w = 3,
         .channels = 5,
         .kernel_h = 2,
         .kernel_w = 2,
         .stride_h = 1,
         .stride_w = 1,
         .pad_top = 4,
         .pad_left = 3,
         .pad_bottom = 3,
         .pad_right = 4},
        2);
  check({.in_h = 1,
         .in_w = 1,
         .channels = 33,
         .kernel_h = 5,
         .kernel_w = 5,
         .stride_h = 2,
         .stride_w = 2,
         .pad_top = 4,
         .pad_left = 4,
         .pad_bottom = 4,
         .pad_right = 4},
        1);
}

TEST_CASE("a kernel larger than the padded image has no output", "[kernels][pool]") {
  const PoolShape shape{.in_h = 2, .in_w = 2, .channels = 4, .kernel_h = 3, .kernel_w = 3};
  CHECK(shape.out_h() == 0);
  Team team;
  pool(select_pool(Dtype::f32, 0), PoolKind::max, shape, 4, nullptr, nullptr, team);
}

TEST_CASE("max pooling of negative values never lets the padding win", "[kernels][pool]") {
  const PoolShape shape{.in_h = 2,
                        .in_w = 2,
                        .channels = 3,
                        .kernel_h = 3,
                        .kernel_w = 3,
                        .pad_top = 1,
                        .pad_left = 1,
                        .pad_bottom = 1,
                        .pad_right = 1};
  for (const PoolKernel& kernel : pool_kernels()) {
    if (!supported(kernel.isa)) continue;
    Tensor in(kernel.dtype, 12), out(kernel.dtype, 12);
    for (std::int64_t i = 0; i < 12; ++i) in.set(i, -5);
    Team team;
    pool(kernel, PoolKind::max, shape, 1, in.data(), out.data(), team);
    for (std::int64_t i = 0; i < 12; ++i) CHECK(out.at(i) == -5.0f);
  }
}

TEST_CASE("global average pooling is the mean of each channel of each sample", "[kernels][pool]") {
  constexpr std::int64_t batch = 5, pixels = 49, channels = 71;
  for (const PoolKernel& kernel : pool_kernels()) {
    if (!supported(kernel.isa)) continue;
    CAPTURE(kernel.name);
    const Tensor in = Tensor::random(kernel.dtype, batch * pixels * channels, 9);
    Tensor out(kernel.dtype, batch * channels), slow(kernel.dtype, batch * channels);
    Team team;
    global_average_pool(kernel, batch, pixels, channels, in.data(), out.data(), team);
    for (std::int64_t n = 0; n < batch; ++n) {
      for (std::int64_t c = 0; c < channels; ++c) {
        double sum = 0;
        for (std::int64_t p = 0; p < pixels; ++p)
          sum += static_cast<double>(in.at((n * pixels + p) * channels + c));
        slow.set(n * channels + c, static_cast<float>(sum / pixels));
      }
    }
    Proof proof;
    compare(proof, kernel.dtype, pixels, out, slow, "");
    CAPTURE(proof.error);
    CHECK(proof.passed);
  }
}

}  // namespace batchtune::kernels
