// The two frozen loops themselves, and their operands: for the reference programs and the canaries.
// AVX2 with FMA; ask reference_programs_available() first. Internal to kernels/probe.
#pragma once

#include <cstdint>

extern "C" {
// constants: a ComputeBlock's lanes. One iteration: two steps of 12 registers of 8 floats.
[[gnu::visibility("hidden")]] void bt_reference_compute(float* constants, std::uint64_t iterations);
[[gnu::visibility("hidden")]] extern const unsigned char bt_reference_compute_end[];
// Reads all of `data`, `passes` times; `bytes` is a multiple of 512, `data` aligned to 32.
[[gnu::visibility("hidden")]] void bt_reference_cache(const void* data, std::uint64_t bytes,
                                                      std::uint64_t passes);
[[gnu::visibility("hidden")]] extern const unsigned char bt_reference_cache_end[];
}

namespace batchtune::probe {

// Hashed with the loops: frozen like them.
struct alignas(64) ComputeBlock {
  static constexpr float kRatio = 0.75f, kStep = 0.3125f, kStart = 1.0625f;  // ordinary throughout

  float lanes[6][8] = {};  // r, c, 1 / r, -c / r, start, result
  ComputeBlock() {
    for (int lane = 0; lane < 8; ++lane) {
      lanes[0][lane] = kRatio;
      lanes[1][lane] = kStep;
      lanes[2][lane] = 1 / kRatio;
      lanes[3][lane] = -kStep / kRatio;
      lanes[4][lane] = kStart + 0.03125f * static_cast<float>(lane);
    }
  }
};

}  // namespace batchtune::probe
