// The tile registers of AMX: eight of up to 16 rows of 64 bytes. For files compiled for AMX only:
// everything has internal linkage (an island: no standard containers or algorithms).
// The trap: GCC's tile intrinsics take literal numbers of tiles, and the compiler knows nothing of
// what is in them. A function that is called between two of them must not use tiles.
#pragma once

#include <immintrin.h>

#include <cstdint>

namespace batchtune::kernels {
namespace {

constexpr int kTileRows = 16;
constexpr int kTileRowBytes = 64;

// What ldtilecfg reads.
struct alignas(64) TileConfig {
  std::uint8_t palette = 1;
  std::uint8_t start_row = 0;
  std::uint8_t reserved[14] = {};
  std::uint16_t row_bytes[16] = {};
  std::uint8_t rows[16] = {};
};

// Tiles 0 to 5, for sums and rows of A, with `rows` rows; 6 and 7, for W, with all 16. Zeroes them.
inline void configure_tiles(int rows) {
  TileConfig config;
  for (int tile = 0; tile < 8; ++tile) {
    config.row_bytes[tile] = kTileRowBytes;
    config.rows[tile] = static_cast<std::uint8_t>(tile < 6 ? rows : kTileRows);
  }
  // The intrinsic does not tell GCC 12 that all 64 bytes are read.
  asm volatile("" : : "r"(&config) : "memory");
  _tile_loadconfig(&config);
}

}  // namespace
}  // namespace batchtune::kernels
