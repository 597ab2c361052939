// A naive interpreter of models: one sample, plain loops, double sums. The slow twin of the cpu
// backend.
#pragma once

#include <cstdint>
#include <vector>

#include "tuner/workload/model.h"

namespace batchtune::test {

// Every operation's tensor for sample `sample` of the seeded input (token ids as numbers). With
// `bf16` set, weights and every tensor written are rounded to bf16, as the backend stores them.
std::vector<std::vector<double>> interpret(const Model& model, std::uint64_t seed,
                                           std::int64_t sample, bool bf16);

}  // namespace batchtune::test
