// The loops that find the machine's ceilings: register-only multiply-adds and reads of a working
// set. Each is written once per instruction set, in an island (kernels/probe/<isa>/). They compute
// nothing of use; what matters is that no compiler can drop them and that their operands are
// ordinary numbers.
#pragma once

#include <cstddef>
#include <cstdint>

namespace batchtune::probe {

// Operands of a multiply-add loop, all ordinary values of about 1. The loop alternates x <- r x + c
// and x <- (x - c) / r, so that every step changes every bit pattern and no accumulator ever drifts
// away.
struct FmaOperands {
  static constexpr int kLanes = 16;         // f32 values in the widest register
  static constexpr int kAccumulators = 24;  // most that a loop keeps; narrow machines use fewer
  alignas(64) float start[kAccumulators * kLanes];
  alignas(64) float ratio[kLanes];          // r
  alignas(64) float step[kLanes];           // c
  alignas(64) float inverse_ratio[kLanes];  // 1 / r
  alignas(64) float inverse_step[kLanes];   // -c / r
};

// Ordinary random values, the same on every machine: zeros would let the processor save power and
// run faster than on real data.
FmaOperands ordinary_operands();

// Both return a value that depends on all the work: the sum of the accumulators (close to what it
// was at the start), or the exclusive or of all words read (0 after an even number of passes).
using FmaLoop = float (*)(const FmaOperands& operands, std::int64_t iterations);
using ReadLoop = std::uint64_t (*)(const void* data, std::size_t bytes, std::int64_t passes);

inline constexpr std::size_t kReadBlock = 512;  // a working set is a multiple of this many bytes

namespace reference {
inline constexpr int kFmaF32Values = 40;  // ten registers of four if the compiler vectorises
inline constexpr double kFmaF32Flops = 2.0 * kFmaF32Values * 2;  // per iteration: two steps
float fma_f32(const FmaOperands& operands, std::int64_t iterations);
std::uint64_t read(const void* data, std::size_t bytes, std::int64_t passes);
}  // namespace reference

namespace avx2 {
inline constexpr double kFmaF32Flops = 2.0 * 12 * 8 * 2;
float fma_f32(const FmaOperands& operands, std::int64_t iterations);
std::uint64_t read(const void* data, std::size_t bytes, std::int64_t passes);
}  // namespace avx2

namespace avx512 {
inline constexpr double kFmaF32Flops = 2.0 * 24 * 16 * 2;
float fma_f32(const FmaOperands& operands, std::int64_t iterations);
std::uint64_t read(const void* data, std::size_t bytes, std::int64_t passes);
}  // namespace avx512

namespace avx512bf16 {
inline constexpr double kDotBf16Flops = 2.0 * 24 * 32 * 2;  // 32 products per instruction
float dot_bf16(const FmaOperands& operands, std::int64_t iterations);
}  // namespace avx512bf16

namespace amx {
inline constexpr double kDotBf16Flops = 2.0 * 8 * 16 * 16 * 32;  // 8 products of tiles
// Each of 4 accumulators is the first 16 of `start`.
float dot_bf16(const FmaOperands& operands, std::int64_t iterations);
}  // namespace amx

}  // namespace batchtune::probe
