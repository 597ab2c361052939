#include "kernels/tensor/vector_table.h"

#include <string>

#include "kernels/agreement.h"
#include "kernels/select.h"

namespace batchtune::kernels::tensor {
namespace {

#define BT_TENSOR_ROW(isa)                                                                     \
  {                                                                                            \
    "tensor_f32_" #isa, Dtype::f32, Isa::isa, &isa::unary_loop, &isa::binary_loop, &isa::clip, \
        &isa::multiply_add, &isa::fold_row, &isa::fold_into, &isa::add_scaled, &isa::dot,      \
        &isa::normalize_row, &isa::softmax_row                                                 \
  }
constexpr VectorKernel kKernels[] = {
    BT_TENSOR_ROW(avx512),
    BT_TENSOR_ROW(avx2),
    BT_TENSOR_ROW(reference),
};
#undef BT_TENSOR_ROW

constexpr Binary kBinaries[] = {Binary::add, Binary::sub, Binary::mul,
                                Binary::div, Binary::min, Binary::max};
constexpr Operands kOperands[] = {Operands::both, Operands::first_is_one, Operands::second_is_one};
constexpr Fold kFolds[] = {Fold::sum, Fold::sum_abs, Fold::sum_square, Fold::max, Fold::min};

using Values = kernels::Tensor;
const float* numbers(const Values& values) {
  return static_cast<const float*>(values.data());
}
float* numbers(Values& values) {
  return static_cast<float*>(values.data());
}

// Both kernels' loops on the same data.
struct Contest {
  const VectorKernel& kernel;
  const VectorKernel& twin;
  Proof proof;

  template <typename F>  // f(kernel, out)
  void run(std::int64_t n, std::int64_t terms, const Values& start, const std::string& where, F f) {
    Values fast = start, slow = start;
    f(kernel, numbers(fast));
    f(twin, numbers(slow));
    compare(proof, Dtype::f32, terms, fast, slow, where + ", length " + std::to_string(n));
  }
};

void contest_elements(Contest& contest, const Values& a, const Values& b, std::int64_t n) {
  for (int i = 0; i <= static_cast<int>(Unary::is_inf); ++i) {
    const auto operation = static_cast<Unary>(i);
    if (contest.twin.unary(operation) == nullptr) continue;
    // Of ordinary arguments: where results are large, rounding of the exponent's shows.
    const Values& in = operation == Unary::log || operation == Unary::sqrt ? b : a;
    contest.run(n, 8, a, "operation " + std::to_string(i),
                [&](const VectorKernel& kernel, float* out) {
                  kernel.unary(operation)(0.3f, 0.6f, numbers(in), n, out);
                });
  }
  for (const Binary operation : kBinaries) {
    for (const Operands operands : kOperands) {
      contest.run(n, 1, a, "operation on two " + std::to_string(static_cast<int>(operation)),
                  [&](const VectorKernel& kernel, float* out) {
                    kernel.binary(operation, operands)(numbers(a), numbers(b), n, out);
                  });
    }
  }
}

void contest_rows(Contest& contest, const Values& a, const Values& b, std::int64_t n) {
  const Values one = Values::random(Dtype::f32, 1, 1);
  for (const Fold fold : kFolds) {
    const std::string where = "fold " + std::to_string(static_cast<int>(fold));
    contest.run(n, n, one, where, [&](const VectorKernel& kernel, float* out) {
      out[0] = kernel.fold_row(fold)(numbers(a), n, fold == Fold::sum ? 0.0f : 0.25f);
    });
    contest.run(n, 1, b, where + " across", [&](const VectorKernel& kernel, float* out) {
      kernel.fold_into(fold)(numbers(a), n, out);
    });
  }
  contest.run(n, n, one, "dot", [&](const VectorKernel& kernel, float* out) {
    out[0] = kernel.dot(numbers(a), numbers(b), n);
  });
  contest.run(n, 1, b, "add scaled", [&](const VectorKernel& kernel, float* out) {
    kernel.add_scaled(0.7f, numbers(a), n, out);
  });
  contest.run(n, 1, b, "multiply and add", [&](const VectorKernel& kernel, float* out) {
    kernel.multiply_add(0.7f, 0.1f, numbers(a), n, out);
  });
  contest.run(n, 1, b, "clip", [&](const VectorKernel& kernel, float* out) {
    kernel.clip(-0.5f, 0.5f, numbers(a), n, out);
  });
  for (const float* bias : {static_cast<const float*>(nullptr), numbers(a)}) {
    contest.run(n, 4, b, "normalize", [&](const VectorKernel& kernel, float* out) {
      kernel.normalize_row(numbers(a), n, 0.25f, 1.5f, numbers(b), bias, out);
    });
  }
  contest.run(n, n, b, "softmax", [&](const VectorKernel& kernel, float* out) {
    kernel.softmax_row(numbers(a), n, out);
  });
}

}  // namespace

std::span<const VectorKernel> vector_kernels() {
  return kKernels;
}

const VectorKernel& select_vector(IsaMask allowed, std::span<const std::string_view> left_out) {
  return select_kernel(vector_kernels(), Dtype::f32, allowed, left_out);
}

Proof prove(const VectorKernel& kernel) {
  Contest contest{kernel, select_vector(mask_of(Isa::reference)), {}};
  for (const std::int64_t n : {1, 2, 7, 8, 9, 15, 16, 17, 31, 33, 63, 64, 65, 127, 257}) {
    const Values a = Values::random(Dtype::f32, n, static_cast<std::uint32_t>(n));
    Values b = Values::random(Dtype::f32, n, 1);
    for (std::int64_t i = 0; i < n; ++i) b.set(i, 2.5f + b.at(i));  // divisors, logarithms
    contest_elements(contest, a, b, n);
    contest_rows(contest, a, b, n);
  }
  return contest.proof;
}

}  // namespace batchtune::kernels::tensor
