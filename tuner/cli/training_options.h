// What estimates of training (estimate --mode training) and plans of it (plan) read alike.
#pragma once

#include <string>

#include "tuner/cli/estimate_options.h"
#include "tuner/core/error.h"

namespace batchtune {

// Of tensor or pipeline parallelism, replicas, workers; "" is `otherwise`.
Result<int> parse_ranks(const std::string& text, const char* option, int otherwise = 1);

// Bytes of each parameter; "" is `otherwise`.
Result<double> parse_bytes_each(const std::string& text, double otherwise, const char* option);

// The memory that one core trains in: --memory-limit, else an even share of the device's. Cores of a CPU share
// its memory.
struct CoreMemory {
  double bytes = 0;
  std::string source;  // "--memory-limit", "a core of trn1"
};
Result<CoreMemory> memory_of_core(const EstimateCommandOptions& options);

}  // namespace batchtune
