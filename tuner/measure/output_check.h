// Whether a program computes the right thing: a fast wrong answer must never become a measurement.
#pragma once

#include <cstdint>
#include <vector>

#include "tuner/core/observation.h"

namespace batchtune {

// So many first samples of each instance's batch are looked at for values that are not finite.
inline constexpr std::int64_t kCheckedSamples = 16;

// Sample 0 of each of `instances`, of an output that holds `samples` samples of each.
std::vector<std::vector<float>> first_samples(const std::vector<float>& output, int instances,
                                              std::int64_t samples);

// The largest difference over the largest magnitude of `expected`; infinite where sizes differ or a
// value is no number.
double relative_difference(const std::vector<float>& expected, const std::vector<float>& found);

// Each returns ok or wrong_result with the figures as evidence.
Ending check_finite(const std::vector<float>& output);
// `tolerance`: largest difference allowed, relative to the largest magnitude expected.
Ending compare_outputs(const std::vector<float>& expected, const std::vector<float>& found,
                       double tolerance);

}  // namespace batchtune
