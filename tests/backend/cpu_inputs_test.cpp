// Samples of a file reach the kernels, and the time of a run is told by operation.
#include <algorithm>
#include <filesystem>
#include <numeric>

#include "tests/backend/cpu_support.h"
#include "tests/support/npz.h"
#include "tuner/workload/weights.h"
#include "tuner/workload/zoo.h"

using namespace batchtune;
using namespace batchtune::test;

namespace {

Model small() {
  return build_zoo_model("mlp@width=64,depth=1").value();
}

// Two samples: the seeded ones with these numbers.
std::string two_samples(const Model& model, std::int64_t first, std::int64_t second) {
  const Op& input = model.ops.front();
  const auto count = static_cast<std::size_t>(elements(input.output));
  std::vector<float> values(2 * count);
  fill_input(1, input, first, std::span(values).first(count));
  fill_input(1, input, second, std::span(values).last(count));
  return npz_bytes({{input.name, npy_bytes("<f4", "(2, " + std::to_string(count) + ")",
                                           bytes_of(values))}},
                   Packing::deflated);
}

std::vector<float> output_of(cpu::CpuModel& model, std::int64_t batch) {
  const auto program = prepare_ok(model, batch);
  REQUIRE(program->run(1));
  return program->read_output(batch).value();
}

}  // namespace

TEST_CASE("a program computes on the samples of a file, cycled to its batch", "[cpu][samples]") {
  const Model model = small();
  const SamplesFile file(two_samples(model, 3, 0));
  for (const DType dtype : {DType::f32, DType::bf16}) {
    LoadOptions options = options_of(dtype);
    const auto seeded = output_of(*load_ok(model, options), 4);
    options.input_file = file.path();
    const auto given = output_of(*load_ok(model, options), 5);
    const std::size_t each = seeded.size() / 4;
    const auto same = [&](std::size_t of_given, std::size_t of_seeded) {
      return std::equal(given.begin() + static_cast<std::ptrdiff_t>(of_given * each),
                        given.begin() + static_cast<std::ptrdiff_t>((of_given + 1) * each),
                        seeded.begin() + static_cast<std::ptrdiff_t>(of_seeded * each));
    };
    for (std::size_t sample = 0; sample < 5; ++sample) CHECK(same(sample, sample % 2 == 0 ? 3 : 0));
    CHECK_FALSE(same(0, 0));
  }
}

TEST_CASE("ids of a file are looked up", "[cpu][samples]") {
  const Model model = build_zoo_model("bert-base@seq=4").value();
  const SamplesFile file(npz_bytes(
      {{model.ops.front().name,
        npy_bytes("<u2", "(2, 4)", bytes_of(std::vector<std::uint16_t>{1, 2, 3, 4, 1, 2, 3, 5}))}}));
  LoadOptions options = options_of(DType::f32);
  options.input_file = file.path();
  const auto output = output_of(*load_ok(model, options), 3);
  const std::size_t each = output.size() / 3;
  const std::vector<float> first(output.begin(), output.begin() + static_cast<std::ptrdiff_t>(each));
  CHECK(std::equal(first.begin(), first.end(), output.end() - static_cast<std::ptrdiff_t>(each)));
  CHECK_FALSE(std::equal(first.begin(), first.end(), output.begin() + static_cast<std::ptrdiff_t>(each)));
}

TEST_CASE("a file that does not fit, or changes, is told as such", "[cpu][samples]") {
  const Model model = small();
  const SamplesFile file(two_samples(model, 0, 1));
  cpu::CpuBackend backend;
  LoadReport report;
  LoadOptions options = options_of(DType::f32);
  options.input_file = file.path() + ".gone";
  auto refused = backend.load(model, options, report);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().status == TrialStatus::failed);
  CHECK(refused.error().evidence.find(".gone") != std::string::npos);
  options.input_file = file.path();
  const auto loaded = load_ok(model, options);
  std::filesystem::resize_file(file.path(), 100);
  const auto program = prepare_ok(*loaded, 2);
  const auto times = program->run(1);
  REQUIRE_FALSE(times);
  CHECK(times.error().reason.find("samples") != std::string::npos);
}

TEST_CASE("the time of a run is told by operation", "[cpu][profile]") {
  const Model model = build_zoo_model("shufflenet-v2").value();
  const auto loaded = load_ok(model, options_of(DType::f32));
  const auto program = prepare_ok(*loaded, 1);
  const auto layers = program->profile(3);
  REQUIRE(layers);
  std::vector<std::string> named, expected;
  for (const LayerTime& layer : *layers) {
    named.push_back(layer.name);
    const OpIndex op = find_op(model, layer.name);
    REQUIRE(op >= 0);
    CHECK(layer.kind == name_of(model.ops[static_cast<std::size_t>(op)].kind));
    CHECK(layer.seconds >= 0);
  }
  for (const Op& op : model.ops)
    if (op.kind == OpKind::conv2d || op.kind == OpKind::matmul) expected.push_back(op.name);
  for (const std::string& name : expected)
    CHECK(std::count(named.begin(), named.end(), name) == 1);
  const auto sum = std::accumulate(layers->begin(), layers->end(), Seconds{0},
                                   [](Seconds all, const LayerTime& layer) { return all + layer.seconds; });
  CHECK(sum > 0);
  // Profiled runs leave outputs as they are.
  const auto output = program->read_output(1);
  REQUIRE(program->run(1));
  CHECK(program->read_output(1).value() == output.value());
}
