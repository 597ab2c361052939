// The bf16 product loop of AMX: tiles x <- x + A B, then x <- x - A B. A and B hold ordinary
// numbers of 8 bits, so that products and sums are exact and the sums come back bit by bit.
#include "kernels/probe/loops.h"
#include "kernels/simd/tiles.h"

namespace batchtune::probe::amx {
namespace {

using kernels::kTileRowBytes;
using kernels::kTileRows;

struct alignas(64) Tile {
  __m512i rows[kTileRows];
};

// Row i is made of two of the operands' registers.
Tile tile_of(const float* registers, bool negative) {
  const __m512i signs = _mm512_set1_epi32(negative ? static_cast<int>(0x80008000u) : 0);
  Tile tile;
  for (int row = 0; row < kTileRows; ++row) {
    const __m512 even = _mm512_load_ps(registers + row * FmaOperands::kLanes);
    const __m512 odd = _mm512_load_ps(registers + (row + 1) * FmaOperands::kLanes);
    tile.rows[row] =
        _mm512_xor_si512(reinterpret_cast<__m512i>(_mm512_cvtne2ps_pbh(even, odd)), signs);
  }
  return tile;
}

}  // namespace

float dot_bf16(const FmaOperands& operands, std::int64_t iterations) {
  constexpr int kLast = FmaOperands::kAccumulators - 1 - kTileRows;
  const Tile a = tile_of(operands.start, false), minus_a = tile_of(operands.start, true);
  const Tile b = tile_of(operands.start + kLast * FmaOperands::kLanes, false);
  kernels::configure_tiles(kTileRows);
  _tile_loadd(0, operands.start, kTileRowBytes);
  _tile_loadd(1, operands.start, kTileRowBytes);
  _tile_loadd(2, operands.start, kTileRowBytes);
  _tile_loadd(3, operands.start, kTileRowBytes);
  asm volatile("" : : "r"(&a), "r"(&minus_a), "r"(&b) : "memory");
  _tile_loadd(4, &a, kTileRowBytes);
  _tile_loadd(5, &minus_a, kTileRowBytes);
  _tile_loadd(6, &b, kTileRowBytes);
  for (std::int64_t n = 0; n < iterations; ++n) {
    _tile_dpbf16ps(0, 4, 6);
    _tile_dpbf16ps(1, 4, 6);
    _tile_dpbf16ps(2, 4, 6);
    _tile_dpbf16ps(3, 4, 6);
    _tile_dpbf16ps(0, 5, 6);
    _tile_dpbf16ps(1, 5, 6);
    _tile_dpbf16ps(2, 5, 6);
    _tile_dpbf16ps(3, 5, 6);
  }
  alignas(64) float sums[4][kTileRows * FmaOperands::kLanes];
  _tile_stored(0, sums[0], kTileRowBytes);
  _tile_stored(1, sums[1], kTileRowBytes);
  _tile_stored(2, sums[2], kTileRowBytes);
  _tile_stored(3, sums[3], kTileRowBytes);
  _tile_release();
  float sum = 0;
  for (const auto& tile : sums) {
    for (const float value : tile) sum += value;
  }
  return sum;
}

}  // namespace batchtune::probe::amx
