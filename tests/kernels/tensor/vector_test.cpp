// The f32 loops: each instruction set against the reference, and the functions against the C
// library in double over all of f32's range.
#include "kernels/tensor/vector_table.h"

#include "tests/kernels/tensor/support.h"

namespace batchtune::kernels::tensor {
namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();

std::vector<float> arguments() {
  std::vector<float> x{0.0f,    -0.0f,  1.0f,    -1.0f,    kInf,   -kInf,  std::nanf(""), 1e-42f,
                       -1e-42f, 1e-38f, 3.4e38f, -3.4e38f, 88.72f, 88.73f, -87.4f,        -103.9f,
                       -104.1f, 0.625f, 0.3465f, 1e-5f,    -1e-5f, 20.0f,  -20.0f,        5.5f};
  for (int i = -2000; i <= 2000; ++i) x.push_back(static_cast<float>(i) * 0.0537f);
  for (int i = -400; i <= 400; ++i) x.push_back(static_cast<float>(i) * 1e-3f);
  return x;
}

struct Case {
  Unary operation;
  double (*right)(double x);
  double tolerance;  // relative
};

double softplus(double x) {
  return std::max(x, 0.0) + std::log1p(std::exp(-std::abs(x)));
}
double sigmoid(double x) {
  return 1 / (1 + std::exp(-x));
}

const Case kCases[] = {
    {Unary::exp, [](double x) { return std::exp(x); }, 3e-7},
    {Unary::log, [](double x) { return std::log(x); }, 3e-7},
    {Unary::sqrt, [](double x) { return std::sqrt(x); }, 2e-7},
    {Unary::tanh, [](double x) { return std::tanh(x); }, 5e-7},
    {Unary::erf, [](double x) { return std::erf(x); }, 5e-7},
    {Unary::sigmoid, sigmoid, 1e-6},
    {Unary::softplus, softplus, 1e-6},
    {Unary::gelu, [](double x) { return x * std::erfc(-x / std::sqrt(2.0)) / 2; }, 2e-5},
    {Unary::mish, [](double x) { return x * std::tanh(softplus(x)); }, 2e-6},
    {Unary::round, [](double x) { return std::nearbyint(x); }, 0},
    {Unary::floor, [](double x) { return std::floor(x); }, 0},
    {Unary::ceil, [](double x) { return std::ceil(x); }, 0},
    {Unary::softsign, [](double x) { return x / (1 + std::abs(x)); }, 2e-7},
};

// NaN where the C library has it, infinite where the result is beyond f32.
bool agrees(float seen, double right, double tolerance) {
  const float rounded = static_cast<float>(right);
  if (std::isnan(rounded)) return std::isnan(seen);
  if (std::isinf(rounded)) return seen == rounded;
  return std::abs(static_cast<double>(seen) - right) <= tolerance * std::abs(right) + 2e-38;
}

}  // namespace

TEST_CASE("every table row of the tensor loops agrees with the reference", "[kernels][tensor]") {
  for (const VectorKernel& kernel : vector_kernels()) {
    CAPTURE(kernel.name, why_not(kernel.isa));
    if (!supported(kernel.isa)) continue;
    const Proof proof = prove(kernel);
    CAPTURE(proof.where, proof.error);
    CHECK(proof.passed);
  }
}

TEST_CASE("functions of f32 are right over its whole range, specials included",
          "[kernels][tensor]") {
  const std::vector<float> x = arguments();
  std::vector<float> y(x.size());
  for (const VectorKernel& kernel : vector_kernels()) {
    if (!supported(kernel.isa)) continue;
    for (const Case& test : kCases) {
      kernel.unary(test.operation)(0, 0, x.data(), static_cast<std::int64_t>(x.size()), y.data());
      for (std::size_t i = 0; i < x.size(); ++i) {
        const double right = test.right(static_cast<double>(x[i]));
        if (test.operation == Unary::gelu && std::isinf(x[i])) continue;  // 0 x infinity or 0
        if (test.operation == Unary::softsign && std::isinf(x[i])) continue;
        if (test.operation == Unary::mish && x[i] == -kInf) continue;
        CAPTURE(kernel.name, static_cast<int>(test.operation), x[i], y[i], right);
        if (!agrees(y[i], right, test.tolerance)) CHECK(false);
      }
    }
  }
}

TEST_CASE("NaN wins in minima, maxima and their folds; it passes clip and relu",
          "[kernels][tensor]") {
  for (const VectorKernel& kernel : vector_kernels()) {
    if (!supported(kernel.isa)) continue;
    CAPTURE(kernel.name);
    for (const std::int64_t n : {1, 5, 70, 200}) {
      std::vector<float> a(static_cast<std::size_t>(n), 2.0f), b = a, out = a;
      const std::size_t at = static_cast<std::size_t>(n - 1);
      a[at] = std::nanf("");
      kernel.binary(Binary::max, Operands::both)(a.data(), b.data(), n, out.data());
      CHECK(std::isnan(out[at]));
      kernel.binary(Binary::min, Operands::both)(b.data(), a.data(), n, out.data());
      CHECK(std::isnan(out[at]));
      CHECK(std::isnan(kernel.fold_row(Fold::max)(a.data(), n, 0)));
      CHECK(std::isnan(kernel.fold_row(Fold::min)(a.data(), n, 0)));
      kernel.clip(-1, 1, a.data(), n, out.data());
      CHECK(std::isnan(out[at]));
      CHECK((n == 1 || out[0] == 1.0f));
      kernel.unary(Unary::relu)(0, 0, a.data(), n, out.data());
      CHECK(std::isnan(out[at]));
    }
  }
}

TEST_CASE("long sums keep their accuracy", "[kernels][tensor]") {
  const std::vector<float> tenths(1000000, 0.1f);
  for (const VectorKernel& kernel : vector_kernels()) {
    if (!supported(kernel.isa)) continue;
    const float sum = kernel.fold_row(Fold::sum)(tenths.data(), 1000000, 0);
    CAPTURE(kernel.name, sum);
    CHECK(std::abs(sum - 100000.0f) < 20);  // one sum after the other is 958 off
  }
}

TEST_CASE("softmax of a row that is masked whole is NaN, of one that is masked in part is not",
          "[kernels][tensor]") {
  for (const VectorKernel& kernel : vector_kernels()) {
    if (!supported(kernel.isa)) continue;
    std::vector<float> row(70, -kInf), out(70);
    kernel.softmax_row(row.data(), 70, out.data());
    CHECK(std::isnan(out[3]));
    row[3] = row[69] = 5;
    kernel.softmax_row(row.data(), 70, out.data());
    CHECK(out[3] == 0.5f);
    CHECK(out[4] == 0.0f);
  }
}

}  // namespace batchtune::kernels::tensor
