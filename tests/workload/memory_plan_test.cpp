// The one property that matters: tensors alive together never share bytes. Lives are found here by
// brute force, from the readers of every tensor.
#include <limits>
#include <random>

#include "tests/support/catch.h"
#include "tuner/workload/memory_plan.h"
#include "tuner/workload/zoo.h"
#include "tuner/workload/zoo/builder.h"

using namespace batchtune;

namespace {

// last[i]: the last step at which tensor i's value is needed, through reshapes as well.
std::vector<std::size_t> last_needs(const Model& model) {
  const std::size_t n = model.ops.size();
  std::vector<std::size_t> last(n);
  for (std::size_t i = n; i-- > 0;) {
    last[i] = model.ops[i].kind == OpKind::input || model.ops[i].name == model.output ? n : i;
    for (std::size_t j = i + 1; j < n; ++j)
      for (const OpIndex read : reads_of(model, model.ops[j]))
        if (static_cast<std::size_t>(read) == i)
          last[i] = std::max(last[i], model.ops[j].kind == OpKind::reshape ? last[j] : j);
  }
  return last;
}

bool overlap(const MemoryPlan& plan, std::size_t i, std::size_t j) {
  return plan.offset[i] < plan.offset[j] + plan.bytes[j] &&
         plan.offset[j] < plan.offset[i] + plan.bytes[i];
}

void check_plan(const Model& model, std::int64_t batch, DType dtype) {
  const MemoryPlan plan = plan_memory(model, batch, dtype);
  const std::vector<std::size_t> last = last_needs(model);
  for (std::size_t i = 0; i < model.ops.size(); ++i) {
    REQUIRE(plan.offset[i] % kTensorAlignment == 0);
    REQUIRE(plan.offset[i] + plan.bytes[i] <= plan.arena_bytes);
    REQUIRE(plan.bytes[i] >=
            elements(model.ops[i].output) * batch * static_cast<std::int64_t>(size_of(dtype)));
    if (model.ops[i].kind == OpKind::reshape) {
      const auto source = static_cast<std::size_t>(reads_of(model, model.ops[i])[0]);
      REQUIRE(plan.offset[i] == plan.offset[source]);
      continue;
    }
    const bool early = model.ops[i].kind == OpKind::input;  // filled before the first operation
    for (std::size_t j = 0; j < i; ++j) {
      if (model.ops[j].kind == OpKind::reshape) continue;
      INFO(model.ops[j].name << " and " << model.ops[i].name);
      if (early || last[j] >= i) REQUIRE_FALSE(overlap(plan, i, j));
    }
  }
}

// Random widths, branches, reshapes and dead ends.
Model random_model(std::mt19937& random) {
  ModelBuilder b("random", "");
  std::vector<std::pair<Name, std::int64_t>> tensors;
  const auto pick = [&](std::int64_t n) {
    return std::uniform_int_distribution<std::int64_t>(0, n - 1)(random);
  };
  tensors.emplace_back(b.input("x", InputKind::values, {12}), 12);
  for (int i = 0; i < 30; ++i) {
    const auto [from, width] =
        tensors[static_cast<std::size_t>(pick(static_cast<std::int64_t>(tensors.size())))];
    const Name name = "t" + std::to_string(i);
    std::int64_t out = width;
    switch (pick(5)) {
      case 0:
        out = 1 + pick(500);
        b.matmul(name, from, out, {});
        break;
      case 1:
        b.plain(OpKind::reshape, name, {from});
        b.op().output = {width};
        break;
      case 2:
        b.plain(OpKind::add, name, {from, from});
        break;
      case 3:
        b.matmul(name, from, width, {.residual = from});
        break;
      default:
        b.input(name, InputKind::values, {out});
        break;
    }
    tensors.emplace_back(name, out);
  }
  Model model = b.finish();
  REQUIRE(infer_shapes(model));
  model.output = tensors[static_cast<std::size_t>(pick(31))].first;
  return model;
}

}  // namespace

TEST_CASE("no two tensors that are alive together share bytes in random graphs", "[memory_plan]") {
  std::mt19937 random(20260824);
  for (int i = 0; i < 200; ++i) {
    const Model model = random_model(random);
    check_plan(model, 1 + i % 7, i % 2 ? DType::bf16 : DType::f32);
  }
}

TEST_CASE("no two tensors that are alive together share bytes in the zoo", "[memory_plan]") {
  for (const ZooEntry& entry : zoo()) {
    INFO(entry.name);
    check_plan(build_zoo_model(entry.name).value(), 3, DType::f32);
  }
}

TEST_CASE("a chain needs two buffers, not one per layer", "[memory_plan]") {
  ModelBuilder b("chain", "");
  Name x = b.input("x", InputKind::values, {16});
  for (int i = 0; i < 20; ++i) x = b.matmul("l" + std::to_string(i), x, 1024, {});
  Model model = b.finish();
  REQUIRE(infer_shapes(model));
  CHECK(plan_memory(model, 4, DType::f32).arena_bytes == 4 * 4 * (16 + 2 * 1024));
}

TEST_CASE("the plan of a zoo model is near the peak of what is alive", "[memory_plan]") {
  for (const ZooEntry& entry : zoo()) {
    const Model model = build_zoo_model(entry.name).value();
    const MemoryPlan plan = plan_memory(model, 8, DType::f32);
    const std::vector<std::size_t> last = last_needs(model);
    Bytes peak = 0;
    for (std::size_t step = 0; step < model.ops.size(); ++step) {
      Bytes alive = 0;
      for (std::size_t i = 0; i < model.ops.size(); ++i) {
        if (model.ops[i].kind == OpKind::reshape) continue;
        const std::size_t first = model.ops[i].kind == OpKind::input ? 0 : i;
        if (first <= step && step <= last[i]) alive += plan.bytes[i];
      }
      peak = std::max(peak, alive);
    }
    INFO(entry.name << ": " << plan.arena_bytes << " of " << peak);
    CHECK(static_cast<double>(plan.arena_bytes) <= 1.15 * static_cast<double>(peak));
  }
}

TEST_CASE("an absurd batch saturates instead of overflowing", "[memory_plan]") {
  const Model model = build_zoo_model("vgg-16").value();
  constexpr Bytes kMost = std::numeric_limits<Bytes>::max();
  CHECK(plan_memory(model, std::int64_t{1} << 62, DType::f32).arena_bytes == kMost);
  const auto one = static_cast<double>(plan_memory(model, 1, DType::f32).arena_bytes);
  CHECK(static_cast<double>(plan_memory(model, 1'000'000'000, DType::f32).arena_bytes) ==
        Approx(1e9 * one).epsilon(1e-6));
}
