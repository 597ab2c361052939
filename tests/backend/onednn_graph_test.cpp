// Random small graphs on oneDNN against the naive interpreter: every operation, fused epilogue and
// layout, each operation as the output once.
#include <algorithm>
#include <cmath>

#include "tests/backend/cpu_reference.h"
#include "tests/backend/onednn_support.h"
#include "tests/support/random_graph.h"
#include "tuner/workload/zoo.h"
#include "tuner/workload/zoo/builder.h"

using namespace batchtune;
using namespace batchtune::test;

namespace {

// Relative to a tensor's largest value: rounding of sums amplified by norms, and the library's own
// exponentials; bf16: as the cpu backend's test has it.
constexpr double kTolerance[] = {5e-4, 8e-2};

double largest(const std::vector<double>& values) {
  double most = 1e-3;
  for (const double value : values) most = std::max(most, std::abs(value));
  return most;
}

// The model up to operation `last`, which becomes the output.
Model up_to(const Model& model, std::size_t last) {
  Model part = model;
  part.ops.resize(last + 1);
  part.output = part.ops.back().name;
  return part;
}

void check_output(const Model& model, DType dtype, std::int64_t batch, double tolerance) {
  const LoadOptions options = onednn_options(dtype);
  const auto loaded = load_onednn(model, options);
  const auto program = prepare_onednn(*loaded, options.group, batch);
  REQUIRE(program->run(1));
  const std::vector<float> values = program->read_output(batch).value();
  for (std::int64_t sample = 0; sample < batch; ++sample) {
    const std::vector<double> right = interpret(model, 1, sample, dtype == DType::bf16).back();
    REQUIRE(values.size() == right.size() * static_cast<std::size_t>(batch));
    double worst = 0;
    for (std::size_t i = 0; i < right.size(); ++i)
      worst = std::max(
          worst, std::abs(values[static_cast<std::size_t>(sample) * right.size() + i] - right[i]));
    INFO(name_of(model.ops.back().kind) << " " << model.ops.back().name << ", sample " << sample);
    CHECK(worst <= tolerance * largest(right));
  }
}

// In bf16 a softmax of large values makes another answer of the rounding of one of them.
bool is_steep_softmax(const Model& model, std::size_t index, std::int64_t samples) {
  const Op& op = model.ops[index];
  if (op.kind != OpKind::softmax) return false;
  const auto input = static_cast<std::size_t>(find_op(model, op.inputs[0]));
  double most = 0;
  for (std::int64_t sample = 0; sample < samples; ++sample)
    most = std::max(most, op.scale * largest(interpret(model, 1, sample, true)[input]));
  return most > 16;
}

void check_every_operation(unsigned seed, DType dtype) {
  INFO("seed " << seed << " " << name_of(dtype));
  const Model model = random_graph(seed);
  const std::int64_t batch = 1 + seed % 3;
  for (std::size_t last = 1; last < model.ops.size(); ++last) {
    if (dtype == DType::bf16 && is_steep_softmax(model, last, batch)) return;
    check_output(up_to(model, last), dtype, batch, kTolerance[dtype == DType::bf16]);
  }
}

}  // namespace

TEST_CASE("random graphs on oneDNN agree with the naive interpreter in f32", "[onednn]") {
  for (unsigned seed = 1; seed <= 60; ++seed) check_every_operation(seed, DType::f32);
}

TEST_CASE("random graphs on oneDNN agree with the naive interpreter in bf16", "[onednn]") {
  if (onednn_refuses(DType::bf16)) BT_SKIP("oneDNN has no bf16 on this CPU");
  for (unsigned seed = 1; seed <= 60; ++seed) check_every_operation(seed, DType::bf16);
}

// A residual that somebody reads later must not be written over, nor the operand itself.
TEST_CASE("a residual is added wherever it is needed again", "[onednn]") {
  for (const bool after : {false, true})
    for (const Activation activation : {Activation::none, Activation::relu}) {
      INFO((after ? "after " : "before ") << name_of(activation));
      ModelBuilder builder("residuals", "");
      const Name x = builder.input("x", InputKind::values, {6, 5, 16});
      ModelBuilder::Conv conv{.channels = 16, .kernel = 3, .pad = 1, .batch_norm = false};
      conv.epilogue = {.bias = true};
      const Name a = builder.conv("a", x, conv);
      conv.epilogue = {.bias = true,
                       .activation = activation,
                       .residual = a,
                       .residual_after_activation = after};
      const Name own = builder.conv("own", a, conv);      // its operand
      const Name once = builder.conv("once", own, conv);  // read again below
      conv.epilogue.residual = x;                         // an input
      const Name of_input = builder.conv("of_input", once, conv);
      conv.epilogue.residual = once;
      const Name last = builder.conv("last", of_input, conv);
      builder.plain(OpKind::add, "sum", {last, a});
      Model model = builder.finish();
      REQUIRE(infer_shapes(model));
      for (std::size_t i = 1; i < model.ops.size(); ++i)
        check_output(up_to(model, i), DType::f32, 2, 5e-4);
      // Twice in a row: inputs keep their values.
      const LoadOptions options = onednn_options(DType::f32);
      const auto loaded = load_onednn(model, options);
      const auto program = prepare_onednn(*loaded, options.group, 2);
      REQUIRE(program->run(1));
      const std::vector<float> first = program->read_output(2).value();
      REQUIRE(program->run(3));
      CHECK(program->read_output(2).value() == first);
    }
}

TEST_CASE("a transformer's layer on oneDNN agrees with the naive interpreter", "[onednn]") {
  const Model model = build_zoo_model("bert-base@seq=5").value();
  const auto last = static_cast<std::size_t>(find_op(model, "layer0.output_norm"));
  check_output(up_to(model, last), DType::f32, 2, 5e-4);
}

TEST_CASE("a sample's output on oneDNN does not depend on the batch that it is in", "[onednn]") {
  for (const DType dtype : {DType::f32, DType::bf16}) {
    if (dtype == DType::bf16 && onednn_refuses(dtype)) continue;
    for (unsigned seed = 200; seed < 220; ++seed) {
      INFO("seed " << seed << " " << name_of(dtype));
      const LoadOptions options = onednn_options(dtype);
      const auto loaded = load_onednn(random_graph(seed), options);
      const auto one = prepare_onednn(*loaded, options.group, 1);
      const auto three = prepare_onednn(*loaded, options.group, 3);
      REQUIRE(one->run(1));
      REQUIRE(three->run(2));
      const std::vector<float> alone = one->read_output(1).value();
      const std::vector<float> together = three->read_output(3).value();
      REQUIRE(together.size() == 3 * alone.size());
      double worst = 0, most = 1e-3;
      for (std::size_t i = 0; i < alone.size(); ++i) {
        most = std::max(most, std::abs(static_cast<double>(alone[i])));
        worst = std::max(worst, std::abs(static_cast<double>(alone[i]) - together[i]));
      }
      CHECK(worst <= loaded->output_tolerance() * most);
      CHECK(three->read_output(100).value() == together);
    }
  }
}

TEST_CASE("another seed gives oneDNN other samples", "[onednn]") {
  const LoadOptions options = onednn_options(DType::f32);
  const auto loaded = load_onednn(random_graph(7), options);
  const auto program = prepare_onednn(*loaded, options.group, 2);
  REQUIRE(program->run(1));
  const std::vector<float> first = program->read_output(2).value();
  program->set_input(99);
  REQUIRE(program->run(1));
  CHECK(program->read_output(2).value() != first);
}
