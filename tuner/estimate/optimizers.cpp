#include "tuner/estimate/optimizers.h"

#include <string>

namespace batchtune {
namespace {

constexpr Optimizer kOptimizers[] = {
    {"adam", 8, true, "two f32 moments (AdamW and LAMB too)"},
    {"adam-bf16", 4, false, "two bf16 moments, no f32 weights (stochastic rounding)"},
    {"momentum", 4, true, "SGD with one f32 moment"},
    {"sgd", 0, true, "no moment"},
};

}  // namespace

std::span<const Optimizer> optimizers() {
  return kOptimizers;
}

Result<Optimizer> find_optimizer(std::string_view name) {
  std::string all;
  for (const Optimizer& optimizer : kOptimizers) {
    if (optimizer.name == name) return optimizer;
    all += (all.empty() ? "" : ", ") + std::string(optimizer.name);
  }
  return bad_input("an optimizer: " + all, "'" + std::string(name) + "'", "--optimizer",
                   "Give --optimizer-bytes for another");
}

double bytes_per_parameter(const Optimizer& optimizer, DType dtype) {
  constexpr std::size_t kF32 = 4;
  const bool beside = optimizer.f32_weights && size_of(dtype) < kF32;
  return optimizer.moment_bytes + (beside ? static_cast<double>(kF32) : 0);
}

}  // namespace batchtune
