// See compiled_curves.h.
#include "tests/support/compiled_curves.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string>

#include "tests/support/curves.h"

namespace batchtune {
namespace {

// Of one NeuronCore-v2 (AWS's architecture pages).
constexpr double kPeak = 92e12;       // FLOP/s in bf16
constexpr double kBandwidth = 410e9;  // bytes/s of half the chip's HBM
constexpr double kOnChip = 24 * 1048576.0;
constexpr double kMemory = 16e9;

struct Shape {
  std::string_view name;
  double flops, weights, activations;  // per sample; bytes in bf16
  double widest;                       // bytes of the largest pair of tensors of a sample
  int layers;
};
constexpr std::array<Shape, 6> kShapes{{
    {"bert-base", 22.3e9, 170e6, 38e6, 1.6e6, 12},
    {"bert-large", 77.3e9, 604e6, 100e6, 2.1e6, 24},
    {"resnet-50", 8.2e9, 51e6, 22e6, 3.2e6, 53},
    {"vit-b-16", 35e9, 172e6, 55e6, 2.4e6, 12},
    {"mobilenet-v2", 0.6e9, 7e6, 13e6, 2.4e6, 53},
    {"gpt2-medium", 98e9, 710e6, 160e6, 4.2e6, 24},
}};

// What is drawn for a table, beside its noise.
struct Drawn {
  double efficiency = 0.5;  // of the peak, of many samples
  double half = 1;          // batch at which half of it is reached
  double launch = 1e-4;     // seconds of a run, and of each layer of it
  double layer = 4e-6;
  double spill = 1;      // times the activations that move where they do not fit on the chip
  std::int64_t tile = 1;  // batches are filled up to a multiple of it
  std::int64_t wall = 0;
};

Drawn drawn_for(const Shape& shape, Draw& draw) {
  Drawn drawn;
  drawn.efficiency = draw.uniform(0.35, 0.75);
  drawn.half = draw.scale(0.3, 6);
  drawn.launch = draw.scale(5e-5, 4e-4);
  drawn.layer = draw.scale(2e-6, 2e-5);
  drawn.spill = draw.uniform(0.5, 3);
  drawn.tile = std::int64_t{1} << draw.integer(0, 3);
  // Scratchpads and fragments take their part, so it is not where the nominal capacity says.
  const double room = kMemory * draw.uniform(0.35, 0.8) - shape.weights;
  drawn.wall = std::clamp<std::int64_t>(
      static_cast<std::int64_t>(room / (shape.activations * draw.uniform(0.8, 2))), 12, 1000);
  return drawn;
}

Seconds latency_at(const Shape& shape, const Drawn& drawn, std::int64_t batch) {
  const auto filled = static_cast<double>((batch + drawn.tile - 1) / drawn.tile * drawn.tile);
  const auto samples = static_cast<double>(batch);
  const double efficiency = drawn.efficiency * filled / (filled + drawn.half);
  const Seconds computing = filled * shape.flops / (kPeak * efficiency);
  const bool fits = samples * shape.widest <= kOnChip;
  const double moved = shape.weights + samples * shape.activations * (fits ? 0.1 : drawn.spill);
  const Seconds moving = moved / kBandwidth;
  return drawn.launch + drawn.layer * shape.layers + std::max(computing, moving) +
         0.2 * std::min(computing, moving);
}

}  // namespace

std::vector<std::string_view> compiled_models() {
  std::vector<std::string_view> names;
  for (const Shape& shape : kShapes) names.push_back(shape.name);
  return names;
}

std::vector<RecordedTable> compiled_table(std::string_view model, std::uint64_t seed) {
  const auto shape = *std::find_if(kShapes.begin(), kShapes.end(),
                                   [&](const Shape& one) { return one.name == model; });
  std::uint64_t mixed = seed;
  for (const char letter : model) mixed = mixed * 31 + static_cast<unsigned char>(letter);
  Draw draw(mixed);
  const Drawn drawn = drawn_for(shape, draw);
  Curve curve;
  curve.group.backend = "neuron";
  curve.group.dtype = DType::bf16;
  curve.latency = [=](std::int64_t batch) { return latency_at(shape, drawn, batch); };
  curve.prepare = [](std::int64_t) { return kCompileSeconds + 2; };
  curve.largest = 1024;
  curve.wall = drawn.wall;
  curve.weight_bytes = shape.weights;
  curve.bytes_per_sample = shape.activations;
  curve.problem = {shape.flops, shape.activations, shape.weights, kPeak, kBandwidth};
  CurveGroup group;
  group.curves = {curve};
  group.noise = {.jitter = 0.004, .visit_jitter = 0.002, .wander = 0.003, .spike_share = 0.002,
                 .neighbour_share = 0};
  auto tables = record(group, std::string(model) + "#" + std::to_string(seed), draw);
  for (RecordedTable& table : tables)
    for (TableRow& row : table.rows) row.compile = kCompileSeconds;
  return tables;
}

}  // namespace batchtune
