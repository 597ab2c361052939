// Bayesian optimisation as Optuna, Ax and Kernel Tuner do it, for this problem: a Gaussian process
// for the logarithm of seconds per sample over log2(batch), one smooth part for each group, groups
// alike; its length, amplitude and roughness are fitted again before each pick, its noise is each
// batch's own. Throughput follows from latency, so one process serves both objectives, and the
// expected hypervolume improvement (Emmerich 2006) is an integral over one deviate. Its front is
// over log2(latency) and throughput. One batch after the other: four by chance, one in each quarter
// of the range, then always the one with the largest expected improvement. Unlike ours it knows
// neither costs nor the roofline.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "tuner/search/peers/hypervolume.h"
#include "tuner/search/peers/peers.h"
#include "tuner/search/peers/trials.h"
#include "tuner/statistics/gaussian_process.h"
#include "tuner/statistics/interval.h"

namespace batchtune::peers {
namespace {

constexpr std::size_t kBegin = 4;   // points by chance before the model is asked
constexpr std::size_t kEarly = 10;  // picks in a row that reach no front: it has been found

double log2_of(std::int64_t batch) {
  return std::log2(static_cast<double>(batch));
}

class Bayes final : public Policy {
 public:
  explicit Bayes(std::uint64_t seed) : engine_(seed) {}

  std::optional<Pick> next(const PeerView& view) override;
  std::string why_done() const override { return why_; }

 private:
  std::optional<Pick> most_promising(const PeerView& view);

  std::mt19937_64 engine_;
  std::size_t trials_ = 0, begun_ = 0;
  std::string why_;
};

ProcessInput input_of(const Pick& pick) {
  return {log2_of(pick.batch), static_cast<int>(pick.group)};
}

double samples_of(const PeerView& view, const Pick& pick) {
  return static_cast<double>(pick.batch) * view.groups[pick.group].group.instances;
}

AreaPoint area_point(const PeerView& view, const Pick& pick, Seconds latency) {
  return {std::log2(latency), samples_of(view, pick) / latency};
}

std::vector<ProcessValue> values_of(const PeerView& view) {
  std::vector<ProcessValue> values;
  for (const PeerPoint& point : view.points)
    if (point.rate > 0)
      values.push_back({input_of(point.pick), -std::log(point.rate), point.error});
  return values;
}

GaussianProcess fitted(const std::vector<ProcessValue>& values) {
  double centre = 0;
  for (const ProcessValue& value : values)
    centre += value.value / static_cast<double>(values.size());
  const PriorGrid grid{
      .start = {.amplitude = 0.3, .length = 2, .offset = 0.5, .between_groups = 0.8},
      .amplitudes = {0.1, 0.3, 1},
      .lengths = {0.5, 1, 2, 4},
      .roughs = {0.001, 0.01, 0.05}};
  const ProcessMean mean = [centre](const ProcessInput&) { return centre; };
  return GaussianProcess(fit_prior(grid, mean, values), mean, values);
}

// The best latency counts as much as the best throughput, up to a limit or what the largest batches
// may take.
AreaReference reference_of(const PeerView& view, const std::vector<Pick>& candidates,
                           const ProcessMarginals& guess) {
  double latency = 0;
  for (std::size_t i = 0; i < candidates.size(); ++i)
    latency = std::max(
        latency, samples_of(view, candidates[i]) * std::exp(guess.mean[i] + guess.deviation[i]));
  for (const PeerPoint& point : view.points) latency = std::max(latency, 1.01 * point.latency);
  for (const LatencyLimit& limit : view.wishes.latency_limits)
    latency = std::min(latency, limit.limit);
  const bool floor = view.wishes.objective == Objective::latency;
  return {std::log2(latency), floor ? view.wishes.throughput_floor.value_or(0) : 0};
}

// Over deviates of equal probability.
double expected_improvement(const PeerView& view, const Pick& pick, double mean, double deviation,
                            const std::vector<AreaPoint>& front, const AreaReference& reference) {
  constexpr int kNodes = 16;
  double sum = 0;
  for (int node = 0; node < kNodes; ++node) {
    const double deviate = normal_quantile((node + 0.5) / kNodes);
    const Seconds latency = samples_of(view, pick) * std::exp(mean + deviation * deviate);
    sum += added_area(front, area_point(view, pick, latency), reference);
  }
  return sum / kNodes;
}

bool is_on_front(const PeerView& view, const PeerPoint& point) {
  return point.standing.passes &&
         std::none_of(view.points.begin(), view.points.end(), [&](const PeerPoint& other) {
           return other.standing.passes && other.rate > point.rate && other.latency < point.latency;
         });
}

bool found_nothing_lately(const PeerView& view) {
  if (view.points.size() < kBegin + kEarly) return false;
  return std::none_of(view.points.end() - kEarly, view.points.end(),
                      [&](const PeerPoint& point) { return is_on_front(view, point); });
}

std::optional<Pick> Bayes::next(const PeerView& view) {
  if (trials_ == 0) trials_ = trials_of(view);
  why_ = fmt::format("{} trials were to be made", trials_);
  if (view.points.size() >= trials_) return std::nullopt;
  if (begun_ < kBegin) {
    const double quarter = static_cast<double>(begun_++);
    return draw_unknown(view, engine_, quarter / kBegin, (quarter + 1) / kBegin);
  }
  if (found_nothing_lately(view)) {
    why_ = fmt::format("{} trials in a row came near no front", kEarly);
    return std::nullopt;
  }
  return most_promising(view);
}

std::optional<Pick> Bayes::most_promising(const PeerView& view) {
  std::vector<Pick> candidates;
  std::vector<ProcessInput> inputs;
  for (std::size_t group = 0; group < view.groups.size(); ++group)
    for (const std::int64_t batch : view.batches(group)) {
      if (view.standing({group, batch})) continue;
      candidates.push_back({group, batch});
      inputs.push_back(input_of(candidates.back()));
    }
  const std::vector<ProcessValue> values = values_of(view);
  if (values.empty()) return draw_unknown(view, engine_);
  const ProcessMarginals guess = fitted(values).marginals(inputs);
  const AreaReference reference = reference_of(view, candidates, guess);
  std::vector<AreaPoint> front;
  for (const PeerPoint& point : view.points)
    if (point.rate > 0 && is_on_front(view, point))
      front.push_back(area_point(view, point.pick, point.latency));
  std::optional<Pick> best;
  double most = 0;
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    const double gain = expected_improvement(view, candidates[i], guess.mean[i], guess.deviation[i],
                                             front, reference);
    if (gain <= most) continue;
    most = gain;
    best = candidates[i];
  }
  why_ = "no batch is expected to extend the front";
  return best;
}

}  // namespace

std::unique_ptr<Policy> bayes_policy(std::uint64_t seed) {
  return std::make_unique<Bayes>(seed);
}

}  // namespace batchtune::peers
