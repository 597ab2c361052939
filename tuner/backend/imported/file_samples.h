// A lowered model's inputs and outputs, which lie as the file has them: in its element types, the
// batch in any of their axes; and their samples.
#pragma once

#include <cstdint>
#include <vector>

#include "tuner/backend/imported/lowered.h"
#include "tuner/workload/samples/input_source.h"

namespace batchtune::imported {

// The file's input that an operation of the native model is; nullptr: it is none.
const FileTensor* input_at(const LoweredModel& model, OpIndex op);
// The output of the file that the native model's output is; nullptr: none of them is computed.
const FileTensor* first_output(const LoweredModel& model);

// One sample of an input operation into its place in the tensor. Of a tensor without a batch only
// sample 0 counts.
Status fill_sample(InputSource& source, const Op& op, std::uint64_t seed, std::int64_t sample,
                   const Operand& tensor, std::int64_t batch, std::byte* data);

// Appends a sample. A tensor without a batch gives the same for all.
void append_sample(const Operand& tensor, std::int64_t batch, std::int64_t sample,
                   const std::byte* data, std::vector<float>& values);

// Bytes of the whole tensor.
std::int64_t whole_bytes(const Operand& tensor, std::int64_t batch);

}  // namespace batchtune::imported
