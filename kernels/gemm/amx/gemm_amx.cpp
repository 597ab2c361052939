// bf16 products by AMX tiles: a step of a tile is 32 k, 16 steps of the panel. The instruction
// treats denormal inputs and sums as zero.
//
// Tiles 0 1 / 2 3 hold the sums, 16 x 16 each; 4 and 5 rows of A; 6 and 7 the two halves of a
// panel, whose 16 pair-rows lie 128 bytes apart. W's piece of the panel comes from L1; rows of A
// stream past it from L2 with a hint not to displace it. A product takes the tile unit 16 cycles,
// in which the core is free: it fetches the next piece of the panel and finishes the sums of the
// tile before.
#include "kernels/gemm/generic/finish.h"
#include "kernels/simd/avx512.h"
#include "kernels/simd/tiles.h"

namespace batchtune::kernels::amx {
namespace {

constexpr std::int64_t kPairRowBytes = 128;  // of a panel: 32 pairs
constexpr std::int64_t kPanelStep = kTileRows * kPairRowBytes;
constexpr std::int64_t kSumsStride = 32 * 4;

void begin(std::int64_t rows) {
  configure_tiles(rows < kTileRows ? static_cast<int>(rows) : kTileRows);
}

// Afterwards a context switch saves no tiles, and an idle core may sleep deeply.
void end() {
  _tile_release();
}

// What is done beside the products of a call, in equal parts step by step. Where it stands is in
// registers: in memory, a load would wait for the store of the step before, and that for the
// products of that step.
class Meanwhile {
 public:
  [[gnu::always_inline]] Meanwhile(const MicroCall& call, std::int64_t steps)
      : ahead_(call.ahead),
        lines_(static_cast<int>((call.ahead_bytes / 64 + steps - 1) / steps)),
        tile_(*call.finished),
        rows_(tile_.rows),
        rows_of_step_(static_cast<int>((rows_ + steps - 1) / steps)) {}

  [[gnu::always_inline]] void step() {
    for (int line = 0; line < lines_; ++line, ahead_ += 64) _mm_prefetch(ahead_, _MM_HINT_T1);
    if (row_ >= rows_) return;
    const int end = row_ + rows_of_step_ < rows_ ? row_ + rows_of_step_ : rows_;
    finish_some<Simd>(tile_, row_, end);
    row_ = end;
  }

 private:
  const char* ahead_;
  int lines_;
  const Tile& tile_;
  int rows_, rows_of_step_;
  int row_ = 0;
};

// 17 to 32 rows. The lower tiles hold the last 16 of them, so that no row beyond is touched: rows
// that both halves hold are computed twice, to the same bits.
void micro_of_two(const MicroCall& call) {
  const std::int64_t steps = call.steps / kTileRows, stride = call.a_stride;
  const std::int64_t lower = call.rows - kTileRows;
  const char* a = static_cast<const char*>(call.a);
  const char* b = a + lower * stride;
  const char* w = static_cast<const char*>(call.w);
  if (call.add == nullptr) {
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
  } else {
    const float* add = call.add + lower * 32;
    _tile_loadd(0, call.add, kSumsStride);
    _tile_loadd(1, call.add + 16, kSumsStride);
    _tile_loadd(2, add, kSumsStride);
    _tile_loadd(3, add + 16, kSumsStride);
  }
  Meanwhile meanwhile(call, steps);
  for (std::int64_t step = 0; step < steps; ++step) {
    _tile_loadd(6, w, kPairRowBytes);
    _tile_stream_loadd(4, a, stride);
    _tile_dpbf16ps(0, 4, 6);
    _tile_loadd(7, w + 64, kPairRowBytes);
    _tile_dpbf16ps(1, 4, 7);
    _tile_stream_loadd(5, b, stride);
    _tile_dpbf16ps(2, 5, 6);
    meanwhile.step();
    _tile_dpbf16ps(3, 5, 7);
    a += kTileRowBytes;
    b += kTileRowBytes;
    w += kPanelStep;
  }
  float* sums = call.sums + lower * 32;
  _tile_stored(0, call.sums, kSumsStride);
  _tile_stored(1, call.sums + 16, kSumsStride);
  _tile_stored(2, sums, kSumsStride);
  _tile_stored(3, sums + 16, kSumsStride);
}

inline void even_step(const char* a, std::int64_t stride, const char* w) {
  _tile_loadd(4, a, stride);
  _tile_loadd(6, w, kPairRowBytes);
  _tile_dpbf16ps(0, 4, 6);
  _tile_loadd(7, w + 64, kPairRowBytes);
  _tile_dpbf16ps(1, 4, 7);
}

// Up to 16 rows, as many as the tiles have. Even steps add to tiles 0 and 1, odd ones to 2 and 3:
// four products at once hide the latency of one.
void micro_of_one(const MicroCall& call) {
  const std::int64_t steps = call.steps / kTileRows, stride = call.a_stride;
  const char* a = static_cast<const char*>(call.a);
  const char* w = static_cast<const char*>(call.w);
  if (call.add == nullptr) {
    _tile_zero(0);
    _tile_zero(1);
  } else {
    _tile_loadd(0, call.add, kSumsStride);
    _tile_loadd(1, call.add + 16, kSumsStride);
  }
  _tile_zero(2);
  _tile_zero(3);
  Meanwhile meanwhile(call, steps);
  std::int64_t step = 0;
  for (; step + 2 <= steps; step += 2) {
    even_step(a, stride, w);
    meanwhile.step();
    _tile_loadd(5, a + kTileRowBytes, stride);
    _tile_loadd(6, w + kPanelStep, kPairRowBytes);
    _tile_dpbf16ps(2, 5, 6);
    _tile_loadd(7, w + kPanelStep + 64, kPairRowBytes);
    _tile_dpbf16ps(3, 5, 7);
    meanwhile.step();
    a += 2 * kTileRowBytes;
    w += 2 * kPanelStep;
  }
  if (step < steps) {
    even_step(a, stride, w);
    meanwhile.step();
  }
  alignas(64) float odd[kTileRows * 32];
  _tile_stored(2, odd, kSumsStride);
  _tile_stored(3, odd + 16, kSumsStride);
  _tile_stored(0, call.sums, kSumsStride);
  _tile_stored(1, call.sums + 16, kSumsStride);
  for (int i = 0; i < call.rows * 32; i += Simd::kWidth) {
    Simd::store(call.sums + i, Simd::add(Simd::load(call.sums + i), Simd::load(odd + i)));
  }
}

constexpr MicroKernel one = &micro_of_one, two = &micro_of_two;
constexpr MicroKernel by_rows[32] = {one, one, one, one, one, one, one, one, one, one, one,
                                     one, one, one, one, one, two, two, two, two, two, two,
                                     two, two, two, two, two, two, two, two, two, two};

}  // namespace

constinit const GemmKernel gemm_bf16 = {"gemm_bf16_32x32_amx",
                                        Isa::amx,
                                        Dtype::bf16,
                                        StepLayout::bf16_tiles,
                                        32,
                                        32,
                                        by_rows,
                                        &finish<Simd>,
                                        &stage_copy<Simd, 2>,
                                        &begin,
                                        &end};

}  // namespace batchtune::kernels::amx
