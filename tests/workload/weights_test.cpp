// Values must be seeded, never zero or denormal, and keep the variance.
#include <cmath>
#include <set>

#include "tests/support/catch.h"
#include "tuner/workload/weights.h"
#include "tuner/workload/zoo/builder.h"

using namespace batchtune;

namespace {

struct Moments {
  double mean = 0, variance = 0, smallest = 1e30;
};

Moments moments(std::span<const float> values) {
  Moments m;
  for (const float v : values) {
    m.mean += v / static_cast<double>(values.size());
    m.smallest = std::min(m.smallest, std::abs(static_cast<double>(v)));
  }
  for (const float v : values)
    m.variance += (v - m.mean) * (v - m.mean) / static_cast<double>(values.size());
  return m;
}

Model one_matmul(Epilogue epilogue) {
  ModelBuilder b("test", "");
  b.input("x", InputKind::values, {400});
  b.matmul("fc", "x", 500, std::move(epilogue));
  Model model = b.finish();
  REQUIRE(infer_shapes(model));
  return model;
}

}  // namespace

TEST_CASE("inputs are standard normal and never zero", "[weights]") {
  const Model model = one_matmul({});
  std::vector<float> values(200'000);
  fill_input(7, model.ops[0], 3, values);
  const Moments m = moments(values);
  CHECK(m.mean == Approx(0).margin(0.01));
  CHECK(m.variance == Approx(1).epsilon(0.02));
  CHECK(m.smallest > 1e-6);
}

TEST_CASE("a matrix keeps the variance of its input through its activation", "[weights]") {
  for (const Activation activation :
       {Activation::none, Activation::relu, Activation::gelu, Activation::gelu_erf,
        Activation::silu}) {
    const Model model = one_matmul({.activation = activation});
    std::vector<float> weights(400 * 500), x(400), y(500);
    fill_weight(1, model, model.ops[1], WeightRole::matrix, weights);
    fill_input(1, model.ops[0], 0, x);
    double second_moment = 0;
    for (std::size_t j = 0; j < y.size(); ++j) {
      double sum = 0;
      for (std::size_t k = 0; k < x.size(); ++k) sum += x[k] * weights[k * y.size() + j];
      if (activation == Activation::relu) sum = std::max(sum, 0.0);
      if (activation == Activation::gelu || activation == Activation::gelu_erf)
        sum *= 0.5 * std::erfc(-sum / std::sqrt(2.0));
      if (activation == Activation::silu) sum /= 1 + std::exp(-sum);
      second_moment += sum * sum / static_cast<double>(y.size());
    }
    INFO(name_of(activation));
    CHECK(second_moment == Approx(1).epsilon(0.2));
  }
}

TEST_CASE("the same seed, operation and role give the same values, others differ", "[weights]") {
  const Model model = one_matmul({.bias = true});
  std::set<float> firsts;
  for (const std::uint64_t seed : {1, 2})
    for (const WeightRole role : {WeightRole::matrix, WeightRole::bias, WeightRole::gain}) {
      std::vector<float> values(500), again(10);
      fill_weight(seed, model, model.ops[1], role, values);
      fill_weight(seed, model, model.ops[1], role, again);
      CHECK(std::equal(again.begin(), again.end(), values.begin()));
      firsts.insert(values[0]);
    }
  CHECK(firsts.size() == 6);
}

TEST_CASE("a tensor may be made in parts", "[weights]") {
  const Model model = one_matmul({});
  std::vector<float> whole(500), part(100);
  fill_weight(1, model, model.ops[1], WeightRole::matrix, whole);
  fill_weight(1, model, model.ops[1], WeightRole::matrix, part, 300);
  CHECK(std::equal(part.begin(), part.end(), whole.begin() + 300));
  fill_input(1, model.ops[0], 2, whole);
  fill_input(1, model.ops[0], 2, part, 300);
  CHECK(std::equal(part.begin(), part.end(), whole.begin() + 300));
}

TEST_CASE("samples differ from one another and token ids stay in the vocabulary", "[weights]") {
  ModelBuilder b("test", "");
  b.input("ids", InputKind::token_ids, {64}, 3);
  Model model = b.finish();
  std::vector<std::int32_t> first(64), second(64);
  fill_token_ids(1, model.ops[0], 0, first);
  fill_token_ids(1, model.ops[0], 1, second);
  CHECK(first != second);
  CHECK(std::set<std::int32_t>(first.begin(), first.end()) == std::set<std::int32_t>{0, 1, 2});
}

TEST_CASE("gains lie around one", "[weights]") {
  const Model model = one_matmul({});
  std::vector<float> values(1000);
  fill_weight(1, model, model.ops[1], WeightRole::gain, values);
  CHECK(moments(values).mean == Approx(1).margin(0.01));
  CHECK(moments(values).smallest > 0.5);
}
