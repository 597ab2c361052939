// See prospects.h.
#include "tuner/search/prospects.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace batchtune {
namespace {

constexpr int kDraws = 300;  // a probability of 5 % is good to 1.3 %
constexpr double kLuck =
    4;  // squared correlations of so many draws: by chance alone, 95 % are below
constexpr double kOutOfReach = 3.5;     // deviations below the best that need no draws
constexpr std::size_t kMostAlive = 40;  // of those that are not measured, the likeliest

double in_flight(const Candidate& candidate) {
  return static_cast<double>(candidate.batch) * candidate.group.instances;
}

std::size_t highest(std::span<const double> rates) {
  return static_cast<std::size_t>(std::max_element(rates.begin(), rates.end()) - rates.begin());
}

// The smaller one that is good enough by a margin, and most smaller.
Loss loss_to_smaller(std::size_t choice, std::span<const Candidate> candidates,
                     std::span<const double> rates, double enough) {
  const auto latency = [&](std::size_t i) { return in_flight(candidates[i]) / rates[i]; };
  Loss loss{0, choice};
  for (std::size_t i = 0; i < rates.size(); ++i) {
    if (rates[i] < enough) continue;
    const double excess = latency(choice) / latency(i) - 1;
    if (excess > loss.share) loss = {excess, i};
  }
  return loss;
}

// Those that are worth drawing: measured, or within reach of the best.
std::vector<std::size_t> alive(const std::vector<Prospect>& prospects, std::size_t choice,
                               const CurveView& view, const Wishes& wishes) {
  double needed = -std::numeric_limits<double>::infinity();
  for (std::size_t i = 0; i < prospects.size(); ++i)
    if (prospects[i].measured) needed = std::max(needed, view.mean[i]);
  if (wishes.objective == Objective::knee) needed += std::log1p(-wishes.give_up);
  if (wishes.objective == Objective::latency)  // without a floor any rate will do
    needed = std::min(needed, std::log(wishes.throughput_floor.value_or(0)));
  std::vector<std::pair<double, std::size_t>> reach;
  std::vector<std::size_t> result;
  for (std::size_t i = 0; i < prospects.size(); ++i) {
    const double deviations = (needed - view.mean[i]) / (view.deviation[i] + 1e-9);
    const bool near = deviations < kOutOfReach;
    if (i == choice || (prospects[i].measured && near))
      result.push_back(i);
    else if (near)
      reach.emplace_back(deviations, i);
  }
  std::sort(reach.begin(), reach.end());
  for (std::size_t i = 0; i < std::min(kMostAlive, reach.size()); ++i)
    result.push_back(reach[i].second);
  return result;
}

double mean_product(std::span<const double> a, std::span<const double> b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum / static_cast<double>(a.size());
}

void centre(std::vector<double>& values) {
  double sum = 0;
  for (const double value : values) sum += value;
  for (double& value : values) value -= sum / static_cast<double>(values.size());
}

}  // namespace

Loss loss_of(std::size_t choice, std::span<const Candidate> candidates,
             std::span<const double> rates, const Wishes& wishes) {
  const std::size_t best = highest(rates);
  switch (wishes.objective) {
    case Objective::knee: {
      const double threshold = rates[best] * (1 - wishes.give_up);
      if (rates[choice] < threshold) return {1 - rates[choice] / threshold, best};
      return loss_to_smaller(choice, candidates, rates, threshold + wishes.tolerance * rates[best]);
    }
    case Objective::latency: {
      const double floor = wishes.throughput_floor.value_or(0);
      if (rates[choice] < floor && rates[best] > rates[choice])
        return {1 - rates[choice] / std::min(floor, rates[best]), best};
      return loss_to_smaller(choice, candidates, rates, floor * (1 + wishes.tolerance));
    }
    case Objective::throughput:
    case Objective::cost:  // of one backend, which has one price
      break;
  }
  return {1 - rates[choice] / rates[best], best};
}

Standing weigh_up(std::vector<Prospect>& prospects, std::size_t choice, const CurveModel& curve,
                  const Wishes& wishes, Seconds longest, std::uint64_t seed) {
  std::vector<Candidate> all;
  for (const Prospect& prospect : prospects) all.push_back(prospect.candidate);
  const auto drawn = alive(prospects, choice, curve.view(all), wishes);
  std::vector<Candidate> candidates;
  for (const std::size_t index : drawn) {
    candidates.push_back(prospects[index].candidate);
    prospects[index].alive = true;
  }
  const auto chosen =
      static_cast<std::size_t>(std::find(drawn.begin(), drawn.end(), choice) - drawn.begin());

  const auto curves = curve.draws(candidates, kDraws, seed);
  const auto count = static_cast<double>(curves.size());
  std::vector<std::vector<double>> logs(drawn.size());  // by candidate
  std::vector<double> lost(drawn.size()), rates(drawn.size());
  Standing standing{0, 0};
  for (const auto& drawing : curves) {
    for (std::size_t i = 0; i < drawn.size(); ++i) {
      logs[i].push_back(drawing[i]);
      rates[i] = std::exp(drawing[i]);
      const bool breaks =
          !prospects[drawn[i]].measured && in_flight(candidates[i]) / rates[i] > longest;
      if (breaks) rates[i] = std::numeric_limits<double>::min();
    }
    const Loss loss = loss_of(chosen, candidates, rates, wishes);
    standing.wrong += (loss.share > wishes.tolerance) / count;
    standing.regret += loss.share / count;
    lost[loss.to] += loss.share / count;
  }

  std::vector<double> own, known;  // variances: of each, and of what a look would show
  for (std::size_t i = 0; i < drawn.size(); ++i) {
    centre(logs[i]);
    const double noise = prospects[drawn[i]].visit_error;
    own.push_back(mean_product(logs[i], logs[i]));
    known.push_back(own.back() + noise * noise / kFirstVisits);
  }
  for (std::size_t rival = 0; rival < drawn.size(); ++rival) {
    if (lost[rival] <= 0 || rival == chosen) continue;
    std::vector<double> difference = logs[rival];
    for (std::size_t i = 0; i < difference.size(); ++i) difference[i] -= logs[chosen][i];
    const double variance = mean_product(difference, difference);
    if (variance <= 0) continue;
    // Only what is measured can be recommended: looking again at the choice does not bring that.
    const bool rival_measured = prospects[drawn[rival]].measured;
    for (std::size_t i = 0; i < drawn.size(); ++i) {
      if (prospects[drawn[i]].measured && !rival_measured) continue;
      const double shared = mean_product(difference, logs[i]);
      const double moves = shared * shared / (variance * std::max(own[i], 1e-300)) - kLuck / count;
      prospects[drawn[i]].gain += lost[rival] * std::max(0.0, moves) * own[i] / known[i];
    }
  }
  return standing;
}

}  // namespace batchtune
