#include "tuner/backend/simulated/cost.h"

#include <algorithm>
#include <cmath>

#include "tuner/workload/work.h"

namespace batchtune::simulated {
namespace {

constexpr double kThreadScaling = 0.9;  // n threads are n^0.9 times as fast
constexpr double kInterference = 0.03;  // each further instance slows all of them by so much
constexpr double kSpillCost = 0.4;      // most that spilling out of the cache adds to a sample
constexpr double kF32Bytes = 4;
constexpr Bytes kWorkspacePerThread = Bytes{1} << 20;
constexpr Bytes kSaturated = Bytes{1} << 60;  // three of them still add up without overflow

double whole_tiles(std::int64_t batch, std::int64_t tile) {
  return static_cast<double>((batch - 1) / tile + 1) * static_cast<double>(tile);
}

// Of `threads` threads, in FLOP/s.
double rate_of(double threads, DType dtype, const Parameters& parameters) {
  const auto width = static_cast<double>(size_of(dtype));
  return parameters.rate * std::pow(threads, kThreadScaling) * kF32Bytes / width;
}

bool runs(const Op& op) {
  return op.kind != OpKind::input && op.kind != OpKind::reshape;
}

// Of one operation of a batch that fits the cache. Weights stream at the rate of the whole device,
// which the instances share.
Seconds operation_seconds(const Model& model, const Op& op, const CandidateGroup& group,
                          double samples, const Parameters& parameters) {
  const auto width = static_cast<double>(size_of(group.dtype));
  const double rate = rate_of(group.threads, group.dtype, parameters);
  const double stream_rate =
      rate_of(group.threads * group.instances, group.dtype, parameters) / group.instances;
  const OpWork work = work_of(model, op);
  const double streaming = work.weight_reads * width * kFlopsPerWeightByte;
  return parameters.overhead + work.flops * samples / rate + streaming / stream_rate;
}

Seconds resident_seconds(const Model& model, const CandidateGroup& group, double samples,
                         const Parameters& parameters) {
  Seconds seconds = 0;
  for (const Op& op : model.ops)
    if (runs(op)) seconds += operation_seconds(model, op, group, samples, parameters);
  return seconds;
}

Bytes saturating_product(Bytes per_sample, std::int64_t factor) {
  const double product = static_cast<double>(per_sample) * static_cast<double>(factor);
  return product >= static_cast<double>(kSaturated) ? kSaturated : per_sample * factor;
}

}  // namespace

// A batch above the hump runs in pieces that fit the cache, each of which spills into the next:
// throughput is best at the hump, whatever the model.
Seconds run_seconds(const Model& model, const Candidate& candidate, const Parameters& parameters) {
  const CandidateGroup& group = candidate.group;
  const double slow = candidate.batch == parameters.slow.batch ? parameters.slow.factor : 1;
  const double sharing = slow * (1 + kInterference * (group.instances - 1));
  const double samples = whole_tiles(candidate.batch, parameters.tile);
  const std::int64_t part = parameters.hump / group.instances;  // of the cache, in samples
  const double fitting = whole_tiles(std::max<std::int64_t>(part, 1), parameters.tile);
  if (parameters.hump == 0 || samples <= fitting)
    return sharing * resident_seconds(model, group, samples, parameters);
  const double pieces = samples / fitting;
  return sharing * pieces * resident_seconds(model, group, fitting, parameters) *
         (1 + kSpillCost * (1 - 1 / pieces));
}

// All of a run's costs but these terms are factors of their sum.
std::vector<LayerTime> layer_seconds(const Model& model, const Candidate& candidate,
                                     const Parameters& parameters) {
  const double samples = whole_tiles(candidate.batch, parameters.tile);
  const double factor = run_seconds(model, candidate, parameters) /
                        resident_seconds(model, candidate.group, samples, parameters);
  std::vector<LayerTime> layers;
  for (const Op& op : model.ops)
    if (runs(op))
      layers.push_back(
          {op.name, std::string(name_of(op.kind)),
           factor * operation_seconds(model, op, candidate.group, samples, parameters)});
  return layers;
}

double unevenness(int instance, const Parameters& parameters) {
  return 1 + parameters.uneven * instance;
}

Bytes weights_of(const Model& model, DType dtype) {
  double parameters = 0;
  for (const Op& op : model.ops) parameters += work_of(model, op).weight_elements;
  return static_cast<Bytes>(parameters) * static_cast<Bytes>(size_of(dtype));
}

MemoryUse memory_of(const Model& model, const Candidate& candidate) {
  const CandidateGroup& group = candidate.group;
  std::int64_t written = 0;
  for (const Op& op : model.ops)
    if (op.kind != OpKind::reshape) written += elements(op.output);
  MemoryUse use;
  use.weights = weights_of(model, group.dtype);
  use.activations = saturating_product(
      written * static_cast<Bytes>(size_of(group.dtype)) * group.instances, candidate.batch);
  use.workspace = kWorkspacePerThread * group.threads * group.instances;
  return use;
}

}  // namespace batchtune::simulated
