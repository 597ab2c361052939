// Activation, sums, products, embedding, casts, and the operations that only move elements.
#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>
#include <random>

#include "kernels/agreement.h"
#include "kernels/bfloat16.h"
#include "kernels/elementwise/elementwise.h"
#include "kernels/elementwise/layout.h"
#include "tests/support/catch.h"

namespace batchtune::kernels {
namespace {

constexpr Dtype kDtypes[] = {Dtype::f32, Dtype::bf16};

std::int64_t product(const std::vector<std::int64_t>& dims) {
  return std::accumulate(dims.begin(), dims.end(), std::int64_t{1}, std::multiplies<>());
}

// Index by index, by the definition.
template <typename T>
std::vector<T> transposed(const std::vector<std::int64_t>& dims,
                          const std::vector<std::int64_t>& permutation, const std::vector<T>& in) {
  std::vector<T> out(in.size());
  std::vector<std::int64_t> index(dims.size(), 0);
  for (const T value : in) {
    std::int64_t place = 0;
    for (const std::int64_t from : permutation) {
      const auto f = static_cast<std::size_t>(from);
      place = place * dims[f] + index[f];
    }
    out[static_cast<std::size_t>(place)] = value;
    for (std::size_t i = dims.size(); i-- > 0;) {
      if (++index[i] < dims[i]) break;
      index[i] = 0;
    }
  }
  return out;
}

template <typename T>
void check_transpose(const std::vector<std::int64_t>& dims,
                     const std::vector<std::int64_t>& permutation, std::int64_t samples) {
  CAPTURE(dims, permutation, samples, sizeof(T));
  std::vector<std::int64_t> with_batch = {samples}, permutation_with_batch = {0};
  with_batch.insert(with_batch.end(), dims.begin(), dims.end());
  for (const std::int64_t from : permutation) permutation_with_batch.push_back(from + 1);
  std::vector<T> in(static_cast<std::size_t>(product(with_batch)));
  std::iota(in.begin(), in.end(), T{1});
  std::vector<T> out(in.size());
  Arena arena(2, Pin::no);
  arena.run([&](Team& team) {
    transpose(dims, permutation, samples, sizeof(T), in.data(), out.data(), team);
  });
  CHECK(out == transposed(with_batch, permutation_with_batch, in));
}

}  // namespace

TEST_CASE("every elementwise kernel agrees with its twin", "[kernels][elementwise]") {
  for (const ElementwiseKernel& kernel : elementwise_kernels()) {
    CAPTURE(kernel.name, why_not(kernel.isa));
    if (!supported(kernel.isa)) continue;
    const Proof proof = prove(kernel);
    CAPTURE(proof.where, proof.error);
    CHECK(proof.passed);
  }
}

TEST_CASE("activations are right at the ends of their range", "[kernels][elementwise]") {
  for (const ElementwiseKernel& kernel : elementwise_kernels()) {
    if (!supported(kernel.isa)) continue;
    CAPTURE(kernel.name);
    Tensor x(kernel.dtype, 4), y(kernel.dtype, 4);
    x.set(0, -1e4f);
    x.set(1, 1e4f);
    x.set(2, 0);
    x.set(3, 7);
    const auto check = [&](Activation activation, float low, float high, float zero, float seven) {
      CAPTURE(static_cast<int>(activation));
      kernel.activate(activation, x.data(), 4, y.data());
      CHECK(y.at(0) == Approx(low).margin(1e-30));
      CHECK(y.at(1) == Approx(high).epsilon(0.005));
      CHECK(y.at(2) == zero);
      CHECK(y.at(3) == Approx(seven).epsilon(0.005));
    };
    check(Activation::relu, 0, 1e4f, 0, 7);
    check(Activation::relu6, 0, 6, 0, 6);
    check(Activation::gelu_tanh, 0, 1e4f, 0, 7);
    check(Activation::silu, 0, 1e4f, 0, 6.9936f);
    check(Activation::gelu_erf, 0, 1e4f, 0, 7);
  }
}

TEST_CASE("the exact GELU is that of the C library in double over all of f32, specials included",
          "[kernels][elementwise]") {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  constexpr float kStep = 1.0009765625f;  // 2^-10: 709 places in each power of two
  std::vector<float> x{0.0f,     -0.0f,     1e-45f,    -1e-45f,    1e-40f,       -1e-40f,
                       5.29999f, -5.29999f, 5.69999f,  -5.7f,      5.70001f,     -5.70001f,
                       3.4e38f,  -3.4e38f,  kInfinity, -kInfinity, std::nanf("")};
  for (float at = 1e-38f; at<1e38f; at *= at> 1e-3f && at < 8 ? kStep : 1.3f) {
    x.push_back(at);
    x.push_back(-at);
  }
  for (const ElementwiseKernel& kernel : elementwise_kernels()) {
    if (!supported(kernel.isa)) continue;
    CAPTURE(kernel.name);
    const auto n = static_cast<std::int64_t>(x.size());
    Tensor in(kernel.dtype, n), out(kernel.dtype, n);
    for (std::int64_t i = 0; i < n; ++i) in.set(i, x[static_cast<std::size_t>(i)]);
    kernel.activate(Activation::gelu_erf, in.data(), n, out.data());
    const bool half = kernel.dtype == Dtype::bf16;
    const double rounding = half ? 0x1p-8 : 0,
                 smallest = half ? 1.2e-38 : 1.5e-45;  // no denormals in bf16
    double worst = 0;  // as a share of |x|, beyond what storing rounds away
    for (std::int64_t i = 0; i < n; ++i) {
      const double wide = static_cast<double>(in.at(i)), seen = static_cast<double>(out.at(i));
      if (std::isnan(wide) || std::isinf(wide)) {
        CAPTURE(wide, seen);
        CHECK((std::isnan(wide) ? std::isnan(seen) : seen == std::max(wide, 0.0)));
        continue;
      }
      const double right = 0.5 * wide * std::erfc(-wide / std::sqrt(2.0));
      const double error = std::abs(seen - right) - rounding * std::abs(right) - smallest;
      if (error > worst * std::abs(wide)) worst = error / std::abs(wide);
    }
    CHECK(worst < 2e-7);
  }
}

TEST_CASE("adding and multiplying large tensors covers each element once, also in place",
          "[kernels][elementwise]") {
  constexpr std::int64_t n = 100003;
  for (const Dtype dtype : kDtypes) {
    const ElementwiseKernel& kernel = select_elementwise(dtype, machine_isas());
    CAPTURE(kernel.name);
    Tensor a(dtype, n), b(dtype, n), sum(dtype, n);
    for (std::int64_t i = 0; i < n; ++i) {
      a.set(i, static_cast<float>(i % 64));
      b.set(i, static_cast<float>(i % 3 + 1));
    }
    Arena arena(2, Pin::no);
    arena.run([&](Team& team) {
      add(kernel, a.data(), b.data(), n, sum.data(), team);
      multiply(kernel, Activation::none, a.data(), b.data(), n, a.data(), team);
    });
    int wrong = 0;
    for (std::int64_t i = 0; i < n; ++i) {
      wrong += sum.at(i) != static_cast<float>(i % 64 + i % 3 + 1);
      wrong += a.at(i) != static_cast<float>(i % 64 * (i % 3 + 1));
    }
    CHECK(wrong == 0);
  }
}

TEST_CASE("an embedding adds the token's row and the position's row of each further table",
          "[kernels][elementwise]") {
  constexpr std::int64_t vocabulary = 11, positions = 5, samples = 3, columns = 21, types = 2;
  for (const Dtype dtype : kDtypes) {
    const ElementwiseKernel& kernel = select_elementwise(dtype, machine_isas());
    CAPTURE(kernel.name);
    const auto table = [&](std::int64_t rows, float unit) {
      Tensor t(dtype, rows * columns);
      for (std::int64_t i = 0; i < rows * columns; ++i) {
        t.set(i, unit * static_cast<float>(i / columns) +
                     (unit == 1 ? static_cast<float>(i % columns) : 0));
      }
      return t;
    };
    const Tensor tokens = table(vocabulary, 1), place = table(positions, 16),
                 type = table(types, 128);
    std::vector<std::int32_t> ids;
    for (std::int64_t i = 0; i < samples * positions; ++i) {
      ids.push_back(static_cast<std::int32_t>(i * 7 % vocabulary));
    }
    Tensor out(dtype, samples * positions * columns);
    const EmbeddingTable further[] = {{place.data(), positions}, {type.data(), types}};
    Team team;
    embed(
        kernel,
        {ids.data(), samples, positions, columns, {tokens.data(), vocabulary}, further, out.data()},
        team);
    int wrong = 0;
    for (std::int64_t i = 0; i < samples * positions; ++i) {
      for (std::int64_t c = 0; c < columns; ++c) {
        const std::int64_t p = i % positions;
        const std::int64_t value =
            ids[static_cast<std::size_t>(i)] + c + 16 * p + 128 * (p % types);
        wrong += out.at(i * columns + c) != static_cast<float>(value);
      }
    }
    CHECK(wrong == 0);
  }
}

TEST_CASE("casts round to nearest even and come back", "[kernels][elementwise]") {
  const std::vector<float> values = {1.0f, 1.00390625f /* a tie: to even */, 1.01171875f, -3.14159f,
                                     1e-20f};
  std::vector<Bfloat16> narrow(values.size());
  std::vector<float> wide(values.size());
  Team team;
  const auto n = static_cast<std::int64_t>(values.size());
  cast(Dtype::f32, values.data(), Dtype::bf16, narrow.data(), n, team);
  cast(Dtype::bf16, narrow.data(), Dtype::f32, wide.data(), n, team);
  CHECK(wide[0] == 1.0f);
  CHECK(wide[1] == 1.0f);
  CHECK(wide[2] == 1.015625f);
  CHECK(wide[3] == Approx(-3.14159).epsilon(1.0 / 256));
  cast(Dtype::f32, values.data(), Dtype::f32, wide.data(), n, team);
  CHECK(wide == values);
}

TEST_CASE("concatenation and slices are inverses, for rows of any length",
          "[kernels][elementwise]") {
  constexpr std::int64_t rows = 700;
  const std::vector<std::int64_t> lengths = {1, 58, 16, 33};
  std::vector<std::vector<std::uint16_t>> parts;
  std::vector<ConcatInput> inputs;
  std::uint16_t value = 0;
  for (const std::int64_t length : lengths) {
    parts.emplace_back(static_cast<std::size_t>(rows * length));
    for (std::uint16_t& element : parts.back()) element = value++;
  }
  for (std::size_t i = 0; i < parts.size(); ++i)
    inputs.push_back({parts[i].data(), lengths[i] * 2});
  const std::int64_t total = std::accumulate(lengths.begin(), lengths.end(), std::int64_t{0});
  std::vector<std::uint16_t> all(static_cast<std::size_t>(rows * total));
  Arena arena(2, Pin::no);
  arena.run([&](Team& team) {
    concat(inputs, rows, all.data(), team);
    std::int64_t begin = 0;
    for (std::size_t i = 0; i < parts.size(); ++i) {
      std::vector<std::uint16_t> part(parts[i].size());
      slice(all.data(), rows, total * 2, begin * 2, (begin + lengths[i]) * 2, part.data(), team);
      CHECK(part == parts[i]);
      begin += lengths[i];
    }
  });
  CHECK(all[static_cast<std::size_t>(total) + 1] == parts[1][58]);  // second row, second part
}

TEST_CASE("transposition of up to five dimensions is the definition's", "[kernels][elementwise]") {
  std::vector<std::int64_t> dims = {3, 4, 2, 5, 3};
  for (std::size_t rank = 1; rank <= dims.size(); ++rank) {
    const std::vector<std::int64_t> some(dims.begin(),
                                         dims.begin() + static_cast<std::ptrdiff_t>(rank));
    std::vector<std::int64_t> permutation(rank);
    std::iota(permutation.begin(), permutation.end(), 0);
    do {
      check_transpose<std::uint16_t>(some, permutation, 2);
    } while (std::next_permutation(permutation.begin(), permutation.end()));
  }
}

TEST_CASE("channel shuffles, their inverses and heads are moved right", "[kernels][elementwise]") {
  for (const std::int64_t each : {1, 7, 8, 58, 116}) {
    for (const std::int64_t groups : {2, 3, 8}) {
      check_transpose<std::uint32_t>({7, 5, groups, each}, {0, 1, 3, 2}, 3);
      check_transpose<std::uint16_t>({7, 5, each, groups}, {0, 1, 3, 2}, 3);
    }
  }
  check_transpose<std::uint32_t>({128, 4, 64}, {1, 0, 2}, 2);  // rows of heads
  check_transpose<std::uint32_t>({130, 190}, {1, 0}, 1);       // beyond one block
}

TEST_CASE("transposition of one element or of none does not fail", "[kernels][elementwise]") {
  check_transpose<std::uint32_t>({1, 1, 1}, {2, 0, 1}, 1);
  check_transpose<std::uint32_t>({3, 0, 2}, {2, 0, 1}, 1);
}

}  // namespace batchtune::kernels
