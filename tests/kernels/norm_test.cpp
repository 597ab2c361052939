// Softmax, layer norm and RMS norm: each row of the table against its twin, and extreme rows.
#include <cmath>
#include <limits>

#include "kernels/agreement.h"
#include "kernels/norm/norm.h"
#include "tests/support/catch.h"

namespace batchtune::kernels {
namespace {

constexpr Dtype kDtypes[] = {Dtype::f32, Dtype::bf16};

}  // namespace

TEST_CASE("every norm kernel agrees with its twin over awkward lengths", "[kernels][norm]") {
  for (const NormKernel& kernel : norm_kernels()) {
    CAPTURE(kernel.name, why_not(kernel.isa));
    if (!supported(kernel.isa)) continue;
    const Proof proof = prove(kernel);
    CAPTURE(proof.where, proof.error);
    CHECK(proof.passed);
  }
}

TEST_CASE("a norm kernel that is wrong in one element is refuted", "[kernels][norm]") {
  NormKernel wrong = select_norm(Dtype::f32, mask_of(Isa::reference));
  wrong.softmax = [](const void* in, std::int64_t n, float scale, void* out) {
    select_norm(Dtype::f32, mask_of(Isa::reference)).softmax(in, n, scale, out);
    if (n == 17) static_cast<float*>(out)[16] += 1e-3f;
  };
  const Proof proof = prove(wrong);
  CHECK_FALSE(proof.passed);
  CHECK(proof.where == "softmax, length 17");
}

TEST_CASE("a norm kernel that writes beyond its row, or a NaN, is refuted", "[kernels][norm]") {
  NormKernel wrong = select_norm(Dtype::f32, mask_of(Isa::reference));
  wrong.rms_norm = [](const void* in, std::int64_t n, float epsilon, const float* gain, void* out) {
    select_norm(Dtype::f32, mask_of(Isa::reference)).rms_norm(in, n, epsilon, gain, out);
    if (n % 8 == 7) static_cast<float*>(out)[n] = 0;
  };
  CHECK_FALSE(prove(wrong).passed);
  wrong = select_norm(Dtype::f32, mask_of(Isa::reference));
  wrong.softmax = [](const void*, std::int64_t n, float, void* out) {
    for (std::int64_t i = 0; i < n; ++i) static_cast<float*>(out)[i] = std::nanf("");
  };
  CHECK_FALSE(prove(wrong).passed);
}

TEST_CASE("softmax of huge, equal and far apart values stays a distribution", "[kernels][norm]") {
  for (const NormKernel& kernel : norm_kernels()) {
    if (!supported(kernel.isa)) continue;
    for (const std::int64_t n : {1, 5, 16, 19, 100}) {
      CAPTURE(kernel.name, n);
      Tensor x(kernel.dtype, n), y(kernel.dtype, n);
      for (std::int64_t i = 0; i < n; ++i) x.set(i, 3e38f);
      kernel.softmax(x.data(), n, 1, y.data());
      for (std::int64_t i = 0; i < n; ++i) {
        CHECK(y.at(i) == Approx(1.0 / static_cast<double>(n)).epsilon(0.005));
      }
      for (std::int64_t i = 0; i < n; ++i) x.set(i, i == n / 2 ? -1 : -3e4f);
      kernel.softmax(x.data(), n, 1, y.data());
      CHECK(y.at(n / 2) == Approx(1).epsilon(1e-6));
      double sum = 0;
      for (std::int64_t i = 0; i < n; ++i) {
        sum += static_cast<double>(y.at(i));
        CHECK(std::fpclassify(y.at(i)) != FP_SUBNORMAL);  // would slow the product behind it
      }
      CHECK(sum == Approx(1).epsilon(1e-5));
    }
  }
}

TEST_CASE("softmax finds a maximum in the last elements and among negatives", "[kernels][norm]") {
  for (const NormKernel& kernel : norm_kernels()) {
    if (!supported(kernel.isa)) continue;
    for (const std::int64_t n : {3, 9, 17, 35}) {
      CAPTURE(kernel.name, n);
      Tensor x(kernel.dtype, n), y(kernel.dtype, n);
      for (std::int64_t i = 0; i < n; ++i) x.set(i, -500);
      x.set(n - 1, -100);
      kernel.softmax(x.data(), n, 1, y.data());
      CHECK(y.at(n - 1) == Approx(1).epsilon(1e-6));
    }
  }
}

TEST_CASE("normalising a constant row gives the bias, even far from zero", "[kernels][norm]") {
  for (const NormKernel& kernel : norm_kernels()) {
    if (!supported(kernel.isa)) continue;
    for (const std::int64_t n : {1, 8, 24, 64}) {
      CAPTURE(kernel.name, n);
      Tensor x(kernel.dtype, n), y(kernel.dtype, n);
      std::vector<float> gain(static_cast<std::size_t>(n), 2.0f), bias(gain.size(), 0.75f);
      for (std::int64_t i = 0; i < n; ++i) x.set(i, 1024);
      kernel.layer_norm(x.data(), n, 1e-5f, gain.data(), bias.data(), y.data());
      for (std::int64_t i = 0; i < n; ++i) CHECK(y.at(i) == Approx(0.75));
      kernel.rms_norm(x.data(), n, 1e-5f, gain.data(), y.data());
      for (std::int64_t i = 0; i < n; ++i) CHECK(y.at(i) == Approx(2).epsilon(0.005));
    }
  }
}

TEST_CASE("layer norm of a row with a large mean keeps its variance", "[kernels][norm]") {
  for (const NormKernel& kernel : norm_kernels()) {
    if (!supported(kernel.isa) || kernel.dtype == Dtype::bf16) continue;
    constexpr std::int64_t n = 50;
    CAPTURE(kernel.name);
    Tensor x(kernel.dtype, n), y(kernel.dtype, n);
    std::vector<float> gain(n, 1.0f), bias(n, 0.0f);
    for (std::int64_t i = 0; i < n; ++i) x.set(i, 10000.0f + (i % 2 == 0 ? 1.0f : -1.0f));
    kernel.layer_norm(x.data(), n, 0, gain.data(), bias.data(), y.data());
    for (std::int64_t i = 0; i < n; ++i)
      CHECK(y.at(i) == Approx(i % 2 == 0 ? 1 : -1).epsilon(1e-4));
  }
}

TEST_CASE("rows are normalised each by itself, on several lanes and in place", "[kernels][norm]") {
  constexpr std::int64_t rows = 1000, length = 37;
  for (const Dtype dtype : kDtypes) {
    const NormKernel& kernel = select_norm(dtype, machine_isas());
    CAPTURE(kernel.name);
    Tensor x = Tensor::random(dtype, rows * length, 5), y(dtype, rows * length);
    std::vector<float> gain(length, 1.5f), bias(length, 0.25f);
    Arena arena(2, Pin::no);
    arena.run([&](Team& team) {
      layer_norm(kernel, {x.data(), y.data(), rows, length}, 1e-5f, gain.data(), bias.data(), team);
      layer_norm(kernel, {x.data(), x.data(), rows, length}, 1e-5f, gain.data(), bias.data(), team);
    });
    int different = 0;
    for (std::int64_t i = 0; i < rows * length; ++i) different += x.at(i) != y.at(i);
    CHECK(different == 0);
    for (const std::int64_t row : {std::int64_t{0}, std::int64_t{431}, rows - 1}) {
      double sum = 0;
      for (std::int64_t i = 0; i < length; ++i) sum += static_cast<double>(y.at(row * length + i));
      CHECK(sum / length == Approx(0.25).margin(0.01));
    }
  }
}

TEST_CASE("no rows and empty rows are nothing to do", "[kernels][norm]") {
  Team team;
  const NormKernel& kernel = select_norm(Dtype::f32, machine_isas());
  softmax(kernel, {nullptr, nullptr, 0, 16}, 1, team);
  softmax(kernel, {nullptr, nullptr, 16, 0}, 1, team);
}

TEST_CASE("selection keeps to the allowed sets and to what was left out", "[kernels][norm]") {
  for (const Dtype dtype : kDtypes) {
    const Isa widest = dtype == Dtype::f32 ? Isa::avx512 : Isa::avx512bf16;
    CHECK(select_norm(dtype, up_to(Isa::avx512bf16)).isa == widest);
    CHECK(select_norm(dtype, up_to(Isa::avx512)).isa == Isa::avx512);
    CHECK(select_norm(dtype, up_to(Isa::avx2)).isa == Isa::avx2);
    CHECK(select_norm(dtype, 0).isa == Isa::reference);
    const std::string_view best[] = {select_norm(dtype, up_to(Isa::avx512)).name};
    CHECK(select_norm(dtype, up_to(Isa::avx512), best).isa == Isa::avx2);
    const std::string_view last[] = {select_norm(dtype, 0).name};
    CHECK(select_norm(dtype, 0, last).isa == Isa::reference);
  }
}

}  // namespace batchtune::kernels
