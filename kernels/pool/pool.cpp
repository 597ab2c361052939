#include "kernels/pool/pool.h"

#include <cstring>

#include "kernels/agreement.h"
#include "kernels/select.h"
#include "kernels/split.h"

namespace batchtune::kernels {
namespace {

#define BT_POOL_ROW(isa, storage)                                                 \
  {                                                                               \
    "pool_" #storage "_" #isa, Dtype::storage, Isa::isa, &isa::largest_##storage, \
        &isa::scaled_sum_##storage                                                \
  }
constexpr PoolKernel kKernels[] = {
    BT_POOL_ROW(avx512, f32),     BT_POOL_ROW(avx512bf16, bf16), BT_POOL_ROW(avx512, bf16),
    BT_POOL_ROW(avx2, f32),       BT_POOL_ROW(avx2, bf16),       BT_POOL_ROW(reference, f32),
    BT_POOL_ROW(reference, bf16),
};
#undef BT_POOL_ROW

std::int64_t out_size(std::int64_t in, std::int64_t pads, std::int64_t kernel,
                      std::int64_t stride) {
  return in + pads < kernel ? 0 : (in + pads - kernel) / stride + 1;
}

// What of a window of `kernel` from `begin` on lies in [0, size).
struct Span {
  std::int64_t begin, count;
};
Span inside(std::int64_t begin, std::int64_t kernel, std::int64_t size) {
  const std::int64_t first = std::clamp<std::int64_t>(begin, 0, size);
  const std::int64_t end = std::clamp<std::int64_t>(begin + kernel, 0, size);
  return {first, end - first};
}

void pool_row(const PoolKernel& kernel, PoolKind kind, const PoolShape& shape,
              const std::byte* image, std::int64_t y, std::byte* out) {
  const auto element = static_cast<std::int64_t>(bytes_of(kernel.dtype));
  const std::int64_t pixel = shape.channels * element;
  const Span rows = inside(y * shape.stride_h - shape.pad_top, shape.kernel_h, shape.in_h);
  for (std::int64_t x = 0; x < shape.out_w(); ++x, out += pixel) {
    const Span columns = inside(x * shape.stride_w - shape.pad_left, shape.kernel_w, shape.in_w);
    if (rows.count == 0 || columns.count == 0) {
      std::memset(out, 0, static_cast<std::size_t>(pixel));
      continue;
    }
    const std::byte* first = image + (rows.begin * shape.in_w + columns.begin) * pixel;
    const PoolWindow window{first, rows.count, columns.count, shape.in_w * shape.channels,
                            shape.channels};
    if (kind == PoolKind::max) {
      kernel.largest(window, out);
      continue;
    }
    const std::int64_t pixels =
        kind == PoolKind::average ? rows.count * columns.count : shape.kernel_h * shape.kernel_w;
    kernel.scaled_sum(window, 1.0f / static_cast<float>(pixels), out);
  }
}

}  // namespace

std::int64_t PoolShape::out_h() const {
  return out_size(in_h, pad_top + pad_bottom, kernel_h, stride_h);
}
std::int64_t PoolShape::out_w() const {
  return out_size(in_w, pad_left + pad_right, kernel_w, stride_w);
}

std::span<const PoolKernel> pool_kernels() {
  return kKernels;
}

const PoolKernel& select_pool(Dtype dtype, IsaMask allowed,
                              std::span<const std::string_view> left_out) {
  return select_kernel(pool_kernels(), dtype, allowed, left_out);
}

void pool(const PoolKernel& kernel, PoolKind kind, const PoolShape& shape, std::int64_t batch,
          const void* in, void* out, Team& team) {
  const std::int64_t out_h = shape.out_h(), out_w = shape.out_w();
  if (out_h == 0 || out_w == 0) return;
  const std::int64_t pixel = shape.channels * static_cast<std::int64_t>(bytes_of(kernel.dtype));
  const std::int64_t row_bytes = (shape.stride_h * shape.in_w + out_w) * pixel;
  split_rows(team, batch * out_h, row_bytes, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t row = begin; row < end; ++row) {
      const auto* image =
          static_cast<const std::byte*>(in) + row / out_h * shape.in_h * shape.in_w * pixel;
      pool_row(kernel, kind, shape, image, row % out_h,
               static_cast<std::byte*>(out) + row * out_w * pixel);
    }
  });
}

void global_average_pool(const PoolKernel& kernel, std::int64_t batch, std::int64_t pixels,
                         std::int64_t channels, const void* in, void* out, Team& team) {
  if (pixels == 0) return;
  const std::int64_t pixel = channels * static_cast<std::int64_t>(bytes_of(kernel.dtype));
  split_rows(team, batch, (pixels + 1) * pixel, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t sample = begin; sample < end; ++sample) {
      const auto* first = static_cast<const std::byte*>(in) + sample * pixels * pixel;
      const PoolWindow window{first, 1, pixels, 0, channels};
      kernel.scaled_sum(window, 1.0f / static_cast<float>(pixels),
                        static_cast<std::byte*>(out) + sample * pixel);
    }
  });
}

Proof prove(const PoolKernel& kernel) {
  const PoolKernel& twin = select_pool(kernel.dtype, mask_of(Isa::reference));
  Proof proof;
  for (const std::int64_t channels : {1, 7, 8, 9, 15, 16, 17, 33, 63, 64, 65, 130}) {
    for (const std::int64_t rows : {1, 2, 3}) {
      const std::int64_t columns = 4 - rows, width = 5;  // the window is narrower than the image
      const std::string where = std::to_string(channels) + " channels, " + std::to_string(rows) +
                                " x " + std::to_string(columns);
      const Tensor image = Tensor::random(kernel.dtype, rows * width * channels,
                                          static_cast<std::uint32_t>(channels));
      const PoolWindow window{image.data(), rows, columns, width * channels, channels};
      const float scale = 1.0f / static_cast<float>(rows * columns);
      Tensor fast(kernel.dtype, channels), slow(kernel.dtype, channels);
      kernel.largest(window, fast.data());
      twin.largest(window, slow.data());
      compare(proof, kernel.dtype, 1, fast, slow, "largest, " + where);
      kernel.scaled_sum(window, scale, fast.data());
      twin.scaled_sum(window, scale, slow.data());
      compare(proof, kernel.dtype, rows * columns, fast, slow, "scaled sum, " + where);
    }
  }
  return proof;
}

}  // namespace batchtune::kernels
