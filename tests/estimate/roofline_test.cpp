// The per-layer roofline: its limits, its shape over the batch, its knee.
#include "tuner/estimate/roofline.h"

#include <cmath>
#include <limits>
#include <numeric>
#include <random>

#include "tests/support/catch.h"
#include "tuner/core/unknown.h"
#include "tuner/estimate/catalogue.h"
#include "tuner/workload/opaque.h"
#include "tuner/workload/zoo.h"

using namespace batchtune;

namespace {

constexpr double kPeak = 1e11;
constexpr double kDram = 1e10;

DeviceInfo small_cpu() {
  DeviceInfo device;
  device.name = "small";
  device.backend = "cpu";
  device.peaks = {{.dtype = DType::f32, .isa = "", .flops_per_second = kPeak, .source = ""}};
  device.memory_levels = {
      {.name = "L2", .capacity_bytes = 2e6, .bytes_per_second = 1e11, .source = ""},
      {.name = "L3", .capacity_bytes = 3e7, .bytes_per_second = 4e10, .source = ""},
      {.name = "DRAM", .capacity_bytes = std::nullopt, .bytes_per_second = kDram, .source = ""}};
  device.memory_bytes = 4e9;
  device.run_overhead = 0;
  device.layer_overhead = 0;
  device.cores = 2;
  return device;
}

CandidateGroup group(int threads = 2, int instances = 1) {
  return {.backend = "cpu",
          .dtype = DType::f32,
          .threads = threads,
          .instances = instances,
          .dims = {}};
}

Roofline roofline_of(std::vector<LayerWork> layers, const DeviceInfo& device, double weights = 0,
                     CandidateGroup in_group = group()) {
  const MemoryLine memory{
      .weights = weights, .activations_per_sample = 1000, .instances = in_group.instances};
  auto roofline = Roofline::make(std::move(layers), memory, device, in_group);
  REQUIRE(roofline);
  return *roofline;
}

LayerWork flops(double count, double weights = 0) {
  LayerWork layer;
  layer.flops = count;
  layer.weight_elements = weights;
  return layer;
}

LayerWork random_layer(std::mt19937& random) {
  std::uniform_real_distribution<double> decades(0, 1);
  const auto between = [&](double low, double high) {
    return low * std::pow(high / low, decades(random));
  };
  return {.arithmetic = static_cast<Arithmetic>(random() % 3),
          .flops = between(1e3, 1e10),
          .weight_elements = random() % 2 ? between(1e2, 1e7) : 0,
          .input_elements = between(1e2, 1e6),
          .standing_elements = random() % 4 == 0 ? between(1e2, 1e6) : 0,
          .output_elements = between(1e2, 1e6)};
}

}  // namespace

TEST_CASE("a run takes what its layers take at least, and its overheads", "[estimate][roofline]") {
  std::mt19937 random(7);
  std::vector<LayerWork> layers;
  for (int i = 0; i < 20; ++i) layers.push_back(random_layer(random));
  DeviceInfo device = small_cpu();
  device.run_overhead = 1e-3;
  device.layer_overhead = 1e-4;
  const Roofline roofline = roofline_of(layers, device, 1e7);
  for (const std::int64_t batch : {1, 7, 300}) {
    const std::vector<Seconds> bounds = roofline.layer_bounds(batch);
    REQUIRE(bounds.size() == layers.size());
    const double sum = std::accumulate(bounds.begin(), bounds.end(), 0.0);
    CHECK(roofline.at(batch).latency == Approx(sum + 1e-3 + 20e-4));
  }
  CHECK(roofline_of({flops(1e9), flops(2e9)}, small_cpu()).layer_bounds(2)[1] == Approx(4e9 / kPeak));
}

TEST_CASE("a compute-bound model takes FLOP over peak", "[estimate][roofline]") {
  const auto point = roofline_of({flops(1e9)}, small_cpu()).at(8);
  CHECK(point.latency == Approx(8e9 / kPeak));
  CHECK(point.throughput == Approx(kPeak / 1e9));
  CHECK(point.bound == Bound::compute);
}

TEST_CASE("a weight-bound model takes weights over bandwidth, whatever the batch",
          "[estimate][roofline]") {
  const Roofline roofline = roofline_of({flops(2e7, 1e7)}, small_cpu(), 4e7);
  for (std::int64_t batch : {1, 2, 16}) {
    const auto point = roofline.at(batch);
    CHECK(point.latency == Approx(4e7 / kDram));
    CHECK(point.bound == Bound::memory);
  }
  CHECK(roofline.at(1000).bound == Bound::compute);
}

TEST_CASE("llama decoding is bound by its weights", "[estimate][roofline]") {
  const auto model = build_zoo_model("llama-3.2-1b-decode");
  REQUIRE(model);
  const auto estimate = estimate_model(*model, small_cpu(), group());
  REQUIRE(estimate);
  const PointEstimate& one = estimate->curve.front();
  CHECK(one.bound == Bound::memory);
  CHECK(one.latency > 4e9 / kDram);  // about 1.2 G weights in f32
  CHECK(one.latency < 1.4 * 5e9 / kDram);
}

TEST_CASE("weights that fit a cache with the activations are read from it",
          "[estimate][roofline]") {
  const std::vector<LayerWork> layers = {flops(1, 1e5)};
  CHECK(roofline_of(layers, small_cpu(), 4e5).at(1).latency == Approx(4e5 / 1e11));
  CHECK(roofline_of(layers, small_cpu(), 4e6).at(1).latency == Approx(4e5 / 4e10));
  CHECK(roofline_of(layers, small_cpu(), 4e7).at(1).latency == Approx(4e5 / kDram));
}

TEST_CASE("activations move to a slower level as the batch grows", "[estimate][roofline]") {
  const Roofline roofline = roofline_of(
      {{.arithmetic = Arithmetic::vector, .input_elements = 1e5, .output_elements = 1e5}},
      small_cpu());
  CHECK(roofline.at(1).latency == Approx(8e5 / 1e11));
  CHECK(roofline.at(10).latency == Approx(8e6 / 4e10));
  CHECK(roofline.at(100).latency == Approx(8e7 / kDram));
}

TEST_CASE("overheads are paid once a run and once an operation", "[estimate][roofline]") {
  DeviceInfo device = small_cpu();
  device.run_overhead = 1e-3;
  device.layer_overhead = 1e-4;
  const auto point = roofline_of({flops(1), flops(1)}, device).at(1);
  CHECK(point.latency == Approx(1.2e-3).epsilon(1e-6));
  CHECK(point.bound == Bound::overhead);
  device.run_overhead = device.layer_overhead = std::nullopt;
  CHECK(roofline_of({flops(1)}, device).at(1).latency ==
        Approx(kDefaultCpuRunOverhead + kDefaultCpuLayerOverhead).epsilon(1e-3));
  device.backend = "";
  CHECK(roofline_of({flops(1)}, device).at(1).latency < 1e-9);
}

TEST_CASE("depthwise and vector work stay below the matrix peak", "[estimate][roofline]") {
  const auto seconds = [](Arithmetic arithmetic) {
    return roofline_of({{.arithmetic = arithmetic, .flops = 1e9}}, small_cpu()).at(1).latency;
  };
  CHECK(seconds(Arithmetic::depthwise) == Approx(seconds(Arithmetic::matrix) / kDepthwiseShare));
  CHECK(seconds(Arithmetic::vector) == Approx(seconds(Arithmetic::matrix) / kVectorShare));
}

TEST_CASE("instances share the device: no more throughput, more latency", "[estimate][roofline]") {
  const std::vector<LayerWork> layers = {flops(1e9)};
  const auto one = roofline_of(layers, small_cpu(), 0, group(2, 1)).at(4);
  const auto two = roofline_of(layers, small_cpu(), 0, group(1, 2)).at(4);
  CHECK(two.throughput == Approx(one.throughput));
  CHECK(two.latency == Approx(2 * one.latency));
}

TEST_CASE("latency and memory never fall with the batch, on any model and device",
          "[estimate][roofline]") {
  std::mt19937 random(7);
  for (int trial = 0; trial < 300; ++trial) {
    DeviceInfo device = small_cpu();
    for (MemoryLevel& level : device.memory_levels)
      level.bytes_per_second *=
          0.2 + static_cast<double>(random() % 100) / 25;  // also out of order
    device.layer_overhead = 1e-6;
    std::vector<LayerWork> layers(1 + random() % 40);
    for (LayerWork& layer : layers) layer = random_layer(random);
    const Roofline roofline =
        roofline_of(layers, device, static_cast<double>(random() % 100'000'000),
                    group(1, 1 + static_cast<int>(random() % 3)));
    PointEstimate before = roofline.at(1);
    for (std::int64_t batch = 2; batch < 2000; batch += 1 + batch / 5) {
      const PointEstimate point = roofline.at(batch);
      REQUIRE(point.latency >= before.latency * (1 - 1e-12));
      REQUIRE(point.memory >= before.memory);
      before = point;
    }
  }
}

TEST_CASE("the knee is the smallest batch within the give-up of the best", "[estimate][roofline]") {
  const PointEstimate curve[] = {{.batch = 1, .throughput = 50},
                                 {.batch = 2, .throughput = 97.9},
                                 {.batch = 4, .throughput = 98},
                                 {.batch = 8, .throughput = 100},
                                 {.batch = 16, .throughput = 70}};
  CHECK(knee(curve, 0.02) == 4);
  CHECK(knee(curve, 0) == 8);
  CHECK(knee(curve, 0.5) == 1);
  CHECK(knee({}, 0.02) == 0);
}

TEST_CASE("the estimate's knee is exact between the steps of the ladder", "[estimate][roofline]") {
  const auto model = build_zoo_model("bert-large");
  REQUIRE(model);
  CandidateGroup on_device;
  on_device.dtype = DType::bf16;
  const DeviceInfo device = *find_device("inferentia");
  const auto estimate = estimate_model(*model, device, on_device);
  REQUIRE(estimate);
  EstimateOptions every;
  for (std::int64_t batch = 1; batch <= 4096; ++batch) every.batches.push_back(batch);
  const auto exhaustive = estimate_model(*model, device, on_device, every);
  CHECK(estimate->batch == exhaustive->batch);
  CHECK(estimate->batch > 1);
  REQUIRE(estimate->formula);
  CHECK(estimate->formula->batch == 5);
  CHECK(estimate->formula->guide_batch == 6);
}

TEST_CASE("the curve ascends, ends with the memory and always has batch 1",
          "[estimate][roofline]") {
  const auto model = build_zoo_model("resnet-50");
  REQUIRE(model);
  EstimateOptions options;
  options.memory_limit = 1e9;
  auto estimate = estimate_model(*model, small_cpu(), group(), options);
  REQUIRE(estimate);
  CHECK(estimate->curve.back().memory <= 1e9);
  for (std::size_t i = 1; i < estimate->curve.size(); ++i)
    CHECK(estimate->curve[i].batch > estimate->curve[i - 1].batch);
  options.memory_limit = 1;
  estimate = estimate_model(*model, small_cpu(), group(), options);
  CHECK(estimate->curve.size() == 1);
  CHECK(estimate->batch == 1);
}

TEST_CASE("asked batches are all on the curve and the knee is one that fits",
          "[estimate][roofline]") {
  const auto model = build_zoo_model("resnet-50");
  REQUIRE(model);
  EstimateOptions options;
  options.batches = {3, 7, 4000};
  options.memory_limit = 1e9;
  const auto estimate = estimate_model(*model, small_cpu(), group(), options);
  REQUIRE(estimate);
  CHECK(estimate->curve.size() == 3);
  CHECK((estimate->batch == 3 || estimate->batch == 7));
  options.batches = {3, 3};
  CHECK_FALSE(estimate_model(*model, small_cpu(), group(), options));
  options.batches = {0, 1};
  CHECK_FALSE(estimate_model(*model, small_cpu(), group(), options));
}

TEST_CASE("absurd batches and limits stay finite", "[estimate][roofline]") {
  const auto model = build_zoo_model("mlp");
  REQUIRE(model);
  EstimateOptions options;
  options.batches = {1, 1'000'000'000'000, std::numeric_limits<std::int64_t>::max()};
  auto estimate = estimate_model(*model, small_cpu(), group(), options);
  REQUIRE(estimate);
  CHECK(std::isfinite(estimate->curve.back().latency));
  CHECK(estimate->batch == 1);
  options.batches.clear();
  options.memory_limit = 1e30;
  options.largest_batch = std::numeric_limits<std::int64_t>::max();
  estimate = estimate_model(*model, small_cpu(), group(), options);
  REQUIRE(estimate);
  CHECK(estimate->curve.size() < 200);
}

TEST_CASE("every zoo model has an estimate with sound figures", "[estimate][roofline]") {
  for (const ZooEntry& entry : zoo()) {
    INFO(entry.name);
    const auto model = build_zoo_model(entry.name);
    REQUIRE(model);
    const auto estimate = estimate_model(*model, small_cpu(), group());
    REQUIRE(estimate);
    CHECK(estimate->formula);
    for (const PointEstimate& point : estimate->curve) {
      CHECK(point.latency > 0);
      CHECK(std::isfinite(point.throughput));
      CHECK(point.memory > 0);
    }
    const auto roofline = Roofline::make(layers_of(*model), planned_memory_line(*model, group()),
                                         small_cpu(), group());
    CHECK(estimate->bound == roofline->at(estimate->batch).bound);
  }
}

TEST_CASE("depthwise convolutions of a graph are found", "[estimate][roofline]") {
  const auto model = build_zoo_model("mobilenet-v2");
  REQUIRE(model);
  int depthwise = 0;
  for (const LayerWork& layer : layers_of(*model))
    depthwise += layer.arithmetic == Arithmetic::depthwise;
  CHECK(depthwise == 17);
}

TEST_CASE("a KV cache counts as standing, an image only at the first layer",
          "[estimate][roofline]") {
  double standing = 0;
  for (const LayerWork& layer : layers_of(*build_zoo_model("llama-3.2-1b-decode")))
    standing += layer.standing_elements;
  CHECK(standing > 1e6);
  const std::vector<LayerWork> resnet = layers_of(*build_zoo_model("resnet-50"));
  CHECK(resnet[0].standing_elements == 224 * 224 * 3);
  for (std::size_t i = 1; i < resnet.size(); ++i) CHECK(resnet[i].standing_elements == 0);
}

TEST_CASE("a device without the data type or without memory is refused", "[estimate][roofline]") {
  const auto model = build_zoo_model("mlp");
  DeviceInfo device = small_cpu();
  CandidateGroup bf16 = group();
  bf16.dtype = DType::bf16;
  CHECK_FALSE(estimate_model(*model, device, bf16));
  device.memory_levels.clear();
  CHECK_FALSE(estimate_model(*model, device, group()));
  CandidateGroup none = group(0);
  CHECK_FALSE(estimate_model(*model, small_cpu(), none));
}

TEST_CASE("a model whose operations cannot be read has no estimate", "[roofline]") {
  const auto estimate = estimate_model(command_model("mine", "run {batch}"), small_cpu(), group());
  REQUIRE(estimate);
  CHECK_FALSE(is_known(*estimate));
  CHECK(estimate->batch == 1);
  CHECK(estimate->group == group());
  CHECK_FALSE(estimate_model(command_model("mine", "run {batch}"), small_cpu(), group(0)));
}
