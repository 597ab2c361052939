// Samples of an imported model's inputs and outputs, which lie as the file has them: in its element
// types, the batch in any of their axes.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "tuner/backend/imported/lowered.h"

namespace batchtune::cpu {

// `values`, one sample's, into its place in the tensor. Of a tensor without a batch only sample 0
// counts.
void put_sample(const imported::Operand& tensor, std::int64_t batch, std::int64_t sample,
                std::span<const float> values, std::byte* data);
void put_sample(const imported::Operand& tensor, std::int64_t batch, std::int64_t sample,
                std::span<const std::int32_t> values, std::byte* data);

// Appends a sample. A tensor without a batch gives the same for all.
void append_sample(const imported::Operand& tensor, std::int64_t batch, std::int64_t sample,
                   const std::byte* data, std::vector<float>& values);

// Bytes of the whole tensor.
std::int64_t whole_bytes(const imported::Operand& tensor, std::int64_t batch);

}  // namespace batchtune::cpu
