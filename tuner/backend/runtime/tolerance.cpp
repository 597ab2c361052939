#include "tuner/backend/runtime/tolerance.h"

#include <algorithm>
#include <cmath>

#include "tuner/backend/runtime/declared.h"

namespace batchtune::runtime {
namespace {

// A sum of k products in another order differs by about sqrt(k) half units of random sign; 8 covers
// the largest of many elements. A runtime may also take another algorithm (a transform of the
// convolution, an approximated exponential): some ten times the error of a plain sum.
constexpr double kLargestOfMany = 8;
constexpr double kOtherAlgorithm = 10;
constexpr std::int64_t kUnknownInner = 1024;  // of an operation that is only counted
constexpr double kUnknownDepth = 50;          // of a model whose operations cannot be read

std::int64_t products_of(const Model& model, const Op& op) {
  if (op.operation == kWholeModel) return kUnknownInner;
  if (op.kind == OpKind::foreign) return op.flops > 0 ? kUnknownInner : 0;
  if (op.kind != OpKind::conv2d) return op.inner;
  const OpIndex input = find_op(model, op.inputs[0]);
  return op.window.kernel_h * op.window.kernel_w *
         model.ops[static_cast<std::size_t>(input)].output.back() / op.groups;
}

}  // namespace

double output_tolerance(const Model& model, DType dtype) {
  std::int64_t largest = 1;
  double depth = 1;  // errors of a chain add up like independent ones
  for (const Op& op : model.ops) {
    const std::int64_t products = products_of(model, op);
    largest = std::max(largest, products);
    if (products > 0) depth += op.operation == kWholeModel ? kUnknownDepth : 1;
  }
  const double unit = std::ldexp(1.0, -24);
  const double sum =
      kOtherAlgorithm * kLargestOfMany * std::sqrt(static_cast<double>(largest)) * unit;
  const double rounding = dtype == DType::bf16 ? std::ldexp(1.0, -8) : 0.0;
  return (sum + rounding) * std::sqrt(depth);
}

}  // namespace batchtune::runtime
