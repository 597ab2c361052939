// Reading single figures out of a DeviceInfo, and rounding quotients of figures to batches.
#pragma once

#include <cstdint>

#include "tuner/core/device.h"
#include "tuner/core/error.h"

namespace batchtune {

// Larger batches are never meant: far above what memory holds, and products with bytes stay finite.
inline constexpr std::int64_t kLargestBatch = std::int64_t{1} << 40;

// Quotients of decimal figures carry noise of some 1e-16; 1e-9 is far above that and far below any
// difference between real figures.
inline constexpr double kRoundingGuard = 1e-9;

// Clamped to [0, kLargestBatch]; NaN gives 0.
std::int64_t guarded_ceil(double x);   // ceil(x (1 - guard)): 5.0000000001 is 5
std::int64_t guarded_floor(double x);  // floor(x (1 + guard)): 7.9999999999 is 8

// FLOP/s for `dtype`: of the instruction set in use where the device says which, else the best one
// listed. A device whose instruction set in use has no peak of its own for `dtype` computes it in
// f32 (bf16 on AVX2: converted while packing), and gets that peak. An error lists the data types
// that there are.
Result<double> device_peak(const DeviceInfo& device, DType dtype);

// Of the last memory level. An error when the device lists none.
Result<double> main_memory_bandwidth(const DeviceInfo& device);

}  // namespace batchtune
