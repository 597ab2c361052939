// estimate_model and knee (roofline.h): from the roofline of single batches to the batch to begin
// with.
#include <algorithm>

#include "tuner/estimate/figures.h"
#include "tuner/estimate/guide.h"
#include "tuner/estimate/roofline.h"
#include "tuner/workload/opaque.h"

namespace batchtune {
namespace {

// 1 2 3 4 5 6 7 8 10 12 14 16 20 ...: steps of at most a quarter show every cliff of the curve.
std::vector<std::int64_t> ladder(std::int64_t largest) {
  std::vector<std::int64_t> batches;
  largest = std::min(largest, kLargestBatch);
  for (std::int64_t octave = 1; octave <= largest; octave *= 2) {
    const std::int64_t step = std::max<std::int64_t>(1, octave / 4);
    for (std::int64_t batch = octave; batch < 2 * octave && batch <= largest; batch += step)
      batches.push_back(batch);
  }
  return batches;
}

// The knee of a ladder lies somewhere above the step before it; throughput rises there.
std::int64_t refine(const Roofline& roofline, std::int64_t below, std::int64_t knee,
                    double enough) {
  while (knee - below > 1) {
    const std::int64_t middle = below + (knee - below) / 2;
    (roofline.at(middle).throughput >= enough ? knee : below) = middle;
  }
  return knee;
}

std::size_t knee_index(std::span<const PointEstimate> curve, double enough) {
  std::size_t index = 0;
  while (index + 1 < curve.size() && curve[index].throughput < enough) ++index;
  return index;
}

double best_throughput(std::span<const PointEstimate> curve) {
  double best = 0;
  for (const PointEstimate& point : curve) best = std::max(best, point.throughput);
  return best;
}

Status check(const CandidateGroup& group, const EstimateOptions& options) {
  if (group.threads < 1 || group.instances < 1)
    return bad_input("at least one thread and one instance", to_string(group), "estimate");
  if (options.largest_batch < 1)
    return bad_input("a largest batch of at least 1", std::to_string(options.largest_batch),
                     "estimate");
  std::int64_t before = 0;
  for (std::int64_t batch : options.batches) {
    if (batch <= before)
      return bad_input("ascending batches from 1", std::to_string(batch), "estimate");
    before = batch;
  }
  return {};
}

}  // namespace

std::int64_t knee(std::span<const PointEstimate> curve, double give_up) {
  if (curve.empty()) return 0;
  return curve[knee_index(curve, (1 - give_up) * best_throughput(curve))].batch;
}

Result<Estimate> estimate_model(const Model& model, const DeviceInfo& device,
                                const CandidateGroup& group, const EstimateOptions& options) {
  BT_TRY_VOID(check(group, options));
  if (is_opaque(model)) {
    Estimate unknown;
    unknown.group = group;
    return unknown;
  }
  BT_TRY(roofline,
         Roofline::make(layers_of(model), planned_memory_line(model, group), device, group));

  const bool asked = !options.batches.empty();
  const std::optional<double> limit =
      options.memory_limit ? options.memory_limit : device.memory_bytes;
  Estimate out;
  out.group = group;
  std::size_t fitting = 0;  // memory rises with the batch: the first ones
  for (std::int64_t batch : asked ? options.batches : ladder(options.largest_batch)) {
    const PointEstimate point = roofline.at(batch);
    const bool fits = !limit || point.memory <= *limit;
    if (!fits && !asked && !out.curve.empty()) break;
    out.curve.push_back(point);
    if (fits) fitting = out.curve.size();
  }

  const auto candidates = std::span(out.curve).first(std::max<std::size_t>(1, fitting));
  const double enough = (1 - options.give_up) * best_throughput(candidates);
  const std::size_t index = knee_index(candidates, enough);
  out.batch = candidates[index].batch;
  if (!asked && index > 0)
    out.batch = refine(roofline, candidates[index - 1].batch, out.batch, enough);
  out.bound = roofline.at(out.batch).bound;
  if (const auto formula = batching_formula(summarise(model), device, group.dtype))
    out.formula = *formula;
  return out;
}

}  // namespace batchtune
