// Max, average and global average pooling over NHWC activations. Storage is f32 or bf16, sums are
// f32.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "kernels/arena.h"
#include "kernels/dtype.h"
#include "kernels/isa.h"
#include "kernels/pool/windows.h"
#include "kernels/proof.h"

namespace batchtune::kernels {

// One row of the table: functions that make one output pixel.
struct PoolKernel {
  std::string_view name;  // "pool_f32_avx512"
  Dtype dtype;
  Isa isa;
  void (*largest)(const PoolWindow& window, void* out);
  void (*scaled_sum)(const PoolWindow& window, float scale, void* out);
};

std::span<const PoolKernel> pool_kernels();  // best first for each dtype, the reference last
const PoolKernel& select_pool(Dtype dtype, IsaMask allowed,
                              std::span<const std::string_view> left_out = {});
// Against the reference row, over awkward channel counts and windows; below a millisecond.
Proof prove(const PoolKernel& kernel);

// Per sample: the batch is given at the call.
struct PoolShape {
  std::int64_t in_h = 0, in_w = 0, channels = 0;
  std::int64_t kernel_h = 1, kernel_w = 1;
  std::int64_t stride_h = 1, stride_w = 1;
  std::int64_t pad_top = 0, pad_left = 0, pad_bottom = 0, pad_right = 0;

  // 0 where the kernel is larger than the padded input.
  std::int64_t out_h() const;
  std::int64_t out_w() const;
};

enum class PoolKind : std::uint8_t {
  max,      // padding never wins; a window wholly in the padding gives 0
  average,  // over the pixels inside the image; a window wholly in the padding gives 0
  average_of_whole_window  // padding counts as zeros (count_include_pad)
};

// in: [batch][in_h][in_w][channels]; out: [batch][out_h][out_w][channels]; they must not overlap.
void pool(const PoolKernel& kernel, PoolKind kind, const PoolShape& shape, std::int64_t batch,
          const void* in, void* out, Team& team);

// in: [batch][pixels][channels]; out: [batch][channels]; they must not overlap.
void global_average_pool(const PoolKernel& kernel, std::int64_t batch, std::int64_t pixels,
                         std::int64_t channels, const void* in, void* out, Team& team);

}  // namespace batchtune::kernels
