// Random small graphs against the naive interpreter: every operation, fused epilogue and layout.
#include "tests/backend/cpu_reference.h"
#include "tests/backend/cpu_support.h"
#include "tests/support/random_graph.h"

using namespace batchtune;
using namespace batchtune::test;

namespace {

// Relative to a tensor's largest value. f32: rounding of sums, amplified by norms. bf16: each
// tensor is rounded to 8 bits on both sides, and a difference of one unit goes through up to ten
// operations.
constexpr double kTolerance[] = {2e-4, 8e-2};

double largest(const std::vector<double>& values) {
  double most = 1e-3;
  for (const double value : values) most = std::max(most, std::abs(value));
  return most;
}

void check_against_interpreter(const Model& model, DType dtype, std::int64_t batch) {
  const auto loaded = load_ok(model, options_of(dtype));
  const auto program = prepare_ok(*loaded, batch);
  std::vector<std::vector<std::vector<double>>> expected;  // [sample][operation]
  for (std::int64_t sample = 0; sample < batch; ++sample)
    expected.push_back(interpret(model, 1, sample, dtype == DType::bf16));
  look_at_every_tensor(
      *loaded, *program, batch, [&](const Op& op, OpIndex index, const auto& values) {
        for (std::size_t sample = 0; sample < expected.size(); ++sample) {
          const auto& right = expected[sample][static_cast<std::size_t>(index)];
          double worst = 0;
          for (std::size_t i = 0; i < right.size(); ++i)
            worst = std::max(worst, std::abs(values[sample * right.size() + i] - right[i]));
          INFO(name_of(op.kind) << " " << op.name << ", sample " << sample);
          CHECK(worst <= kTolerance[dtype == DType::bf16] * largest(right));
        }
      });
}

}  // namespace

TEST_CASE("random graphs agree with the naive interpreter in f32", "[cpu]") {
  for (unsigned seed = 1; seed <= 120; ++seed) {
    INFO("seed " << seed);
    check_against_interpreter(random_graph(seed), DType::f32, 1 + seed % 3);
  }
}

TEST_CASE("random graphs agree with the naive interpreter in bf16", "[cpu]") {
  for (unsigned seed = 1; seed <= 120; ++seed) {
    INFO("seed " << seed);
    check_against_interpreter(random_graph(seed), DType::bf16, 1 + seed % 3);
  }
}

TEST_CASE("a sample's output does not depend on the batch that it is in", "[cpu]") {
  for (const DType dtype : {DType::f32, DType::bf16})
    for (unsigned seed = 200; seed < 240; ++seed) {
      INFO("seed " << seed << " " << name_of(dtype));
      const auto loaded = load_ok(random_graph(seed), options_of(dtype));
      const auto one = prepare_ok(*loaded, 1), three = prepare_ok(*loaded, 3);
      REQUIRE(one->run(1));
      REQUIRE(three->run(1));
      const std::vector<float> alone = one->read_output(1).value();
      const std::vector<float> together = three->read_output(3).value();
      double worst = 0;
      for (std::size_t i = 0; i < alone.size(); ++i)
        worst = std::max(worst, std::abs(static_cast<double>(alone[i]) - together[i]));
      const double scale = largest({alone.begin(), alone.end()});
      CHECK(together.size() == 3 * alone.size());
      CHECK(worst <= loaded->output_tolerance() * scale);
    }
}

TEST_CASE("running again gives the same output, another seed another", "[cpu]") {
  const auto loaded = load_ok(random_graph(7), options_of(DType::f32));
  const auto program = prepare_ok(*loaded, 2);
  REQUIRE(program->run(1));
  const std::vector<float> first = program->read_output(2).value();
  const RunTimes times = program->run(3).value();
  CHECK(times.seconds.size() == 3);
  CHECK(times.instance == std::vector<int>{0, 0, 0});
  CHECK(*std::min_element(times.seconds.begin(), times.seconds.end()) > 0);
  CHECK(program->read_output(2).value() == first);
  CHECK(program->read_output(100).value() == first);
  CHECK(program->read_output(1)->size() == first.size() / 2);
  program->set_input(99);
  REQUIRE(program->run(1));
  CHECK(program->read_output(2).value() != first);
}
