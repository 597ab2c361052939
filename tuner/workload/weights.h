// Values for weights and inputs: seeded, variance-preserving, never zero. Zeros, denormals and
// infinities falsify times (zeros flatter a kernel by a quarter), so they must not occur.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "tuner/workload/model.h"

namespace batchtune {

enum class WeightRole { matrix, bias, gain, table };

// Fills `values` with elements `first` and on of one weight tensor of `op`. Layout as the model means it: matmul [K, N]; conv2d
// [kernel_h, kernel_w, channels / groups, output channels] (output channels of one group together
// per group: [group][kernel_h][kernel_w][channels / groups][output channels / groups]); embedding
// [rows, features]. The same seed, operation and role give the same values whatever the batch or
// dtype.
void fill_weight(std::uint64_t seed, const Model& model, const Op& op, WeightRole role,
                 std::span<float> values, std::int64_t first = 0);

// Elements `first` and on of sample `sample` of an input operation: the same at every batch size.
void fill_input(std::uint64_t seed, const Op& input, std::int64_t sample, std::span<float> values,
                std::int64_t first = 0);
void fill_token_ids(std::uint64_t seed, const Op& input, std::int64_t sample,
                    std::span<std::int32_t> ids);

}  // namespace batchtune
