#include "kernels/probe/product_isas.h"

#include <algorithm>
#include <chrono>
#include <limits>

#include "kernels/probe/loops.h"

namespace batchtune::probe {
namespace {

using kernels::Dtype;
using kernels::Isa;

// Bursts of the two loops in turn, of some 50 us: the answer is a factor of two either way, and the
// best of eight is undisturbed where any of them was.
constexpr int kBursts = 8;
constexpr std::int64_t kIterations = 4000;

double seconds_of(FmaLoop loop, const FmaOperands& operands) {
  const auto before = std::chrono::steady_clock::now();
  const float sum = loop(operands, kIterations);
  asm volatile("" : : "x"(sum));  // the result is used
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - before).count();
}

bool dot_products_pay() {
  const FmaOperands operands = ordinary_operands();
  double dot = std::numeric_limits<double>::infinity(), widened = dot;
  for (int burst = 0; burst < kBursts; ++burst) {
    dot = std::min(dot, seconds_of(&avx512bf16::dot_bf16, operands));
    widened = std::min(widened, seconds_of(&avx512::fma_f32, operands));
  }
  return avx512bf16::kDotBf16Flops / dot >= avx512::kFmaF32Flops / widened;
}

}  // namespace

kernels::IsaMask product_isas(Dtype dtype, kernels::IsaMask allowed) {
  const bool matters = dtype == Dtype::bf16 && contains(allowed, Isa::avx512bf16) &&
                       contains(allowed, Isa::avx512) && kernels::supported(Isa::avx512bf16);
  if (!matters) return allowed;
  static const bool pay = dot_products_pay();
  return pay ? allowed : allowed & ~mask_of(Isa::avx512bf16);
}

}  // namespace batchtune::probe
