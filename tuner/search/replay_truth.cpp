// See replay_truth.h, and truth_of in replay.h.
#include "tuner/search/replay_truth.h"

#include <algorithm>
#include <cmath>

#include "tuner/search/front.h"
#include "tuner/search/recording.h"
#include "tuner/search/verdict.h"
#include "tuner/statistics/interval.h"
#include "tuner/statistics/location.h"
#include "tuner/statistics/resample.h"

namespace batchtune {
namespace {

double samples_of(const Candidate& candidate) {
  return static_cast<double>(candidate.batch) * candidate.group.instances;
}

// Of latency: the level's where there is no anchor, else that of the ratio to it, which is what
// tells rows apart.
std::optional<Interval> interval_of(const std::vector<RoundMedians>& medians, TrialId anchor,
                                    TrialId trial, Seconds level) {
  if (anchor == 0) return level_interval(medians, 0, trial);
  const PairedRatio ratio = paired_ratio(medians, anchor, trial);
  if (!ratio.ci95) return std::nullopt;
  return Interval{level * ratio.ci95->low / ratio.ratio, level * ratio.ci95->high / ratio.ratio};
}

TrueRow true_row(const Recording& recording, std::size_t index,
                 const std::vector<RoundMedians>& medians) {
  const RecordedRow& recorded = recording.rows()[index];
  TrueRow row;
  row.candidate = recorded.candidate;
  std::optional<Interval> interval;
  if (recorded.row->truth) {
    row.latency = *recorded.row->truth;
  } else {
    const auto all = all_indices(static_cast<int>(medians.size()));
    const TrialId anchor = recorded.anchor ? static_cast<TrialId>(*recorded.anchor) + 1 : 0;
    const auto trial = static_cast<TrialId>(index) + 1;
    row.latency = level_of(medians, all, anchor, trial)->undisturbed;
    interval = interval_of(medians, anchor, trial, row.latency);
  }
  const double samples = samples_of(row.candidate);
  row.throughput = samples / row.latency;
  row.low = interval ? samples / interval->high : row.throughput;
  row.high = interval ? samples / interval->low : row.throughput;
  return row;
}

// The most by which a limit is passed, relative to it; 0: none is. Percentiles are those of all
// recorded samples, as the deployment would see them.
double excess_over_limits(const TableRow& row, const Wishes& wishes) {
  double excess = 0;
  for (const LatencyLimit& limit : wishes.latency_limits)
    excess = std::max(excess, quantile(row.latency, quantile_of(limit.metric)) / limit.limit - 1);
  if (wishes.memory_limit && row.memory)
    excess = std::max(excess, *row.memory / static_cast<double>(*wishes.memory_limit) - 1);
  return excess;
}

const TableRow& table_row(const TableGroup& tables, const Candidate& candidate) {
  for (const RecordedTable& table : tables)
    for (const TableRow& row : table.rows)
      if (table.group == candidate.group && row.batch == candidate.batch) return row;
  return tables.front().rows.front();  // not met: true rows come from the tables
}

// Half of a row's interval, relative.
double half_width(const TrueRow& row) {
  return std::log(row.high / row.low) / 2;
}

// 0 also where the truth does not show the loss: with the choice better by the uncertainty of its
// difference to the best, or a threshold that much lower or higher.
double shown_regret(const Choice& chosen, std::span<const Choice> choices, const Wishes& wishes,
                    double uncertainty) {
  const double regret = regret_of(chosen, choices, wishes);
  if (regret <= 0 || uncertainty <= 0) return regret;
  Choice better = chosen;
  better.throughput *= std::exp(uncertainty);
  better.latency *= std::exp(-uncertainty);
  Wishes lower = wishes, higher = wishes;
  lower.give_up = std::min(1.0, wishes.give_up + uncertainty);
  higher.give_up = std::max(0.0, wishes.give_up - uncertainty);
  const bool hidden = regret_of(better, choices, wishes) <= 0 ||
                      regret_of(chosen, choices, lower) <= 0 ||
                      regret_of(chosen, choices, higher) <= 0;
  return hidden ? 0 : regret;
}

// Area below the staircase of throughput over log latency, up to `latest`.
double area_of(std::vector<FrontPoint> points, Seconds latest) {
  const std::vector<TrialId> front = pareto_front(points);
  double area = 0;
  for (std::size_t i = 0; i < front.size(); ++i) {
    const auto at = [&](std::size_t k) {
      return *std::find_if(points.begin(), points.end(),
                           [&](const FrontPoint& point) { return point.trial == front[k]; });
    };
    const Seconds end = i + 1 < front.size() ? at(i + 1).latency : latest;
    area += at(i).throughput * std::log(end / at(i).latency);
  }
  return area;
}

}  // namespace

std::vector<TrueRow> truth_of(const TableGroup& tables) {
  const Recording recording(tables);
  const auto medians = recording.medians();
  std::vector<TrueRow> truth;
  for (std::size_t i = 0; i < recording.rows().size(); ++i)
    if (!recording.rows()[i].visits.empty()) truth.push_back(true_row(recording, i, medians));
  return truth;
}

double true_regret(const TableGroup& tables, std::span<const TrueRow> truth,
                   const std::optional<Candidate>& chosen, const Wishes& wishes) {
  std::vector<Choice> kept;
  std::optional<Choice> choice;
  double excess = 0, uncertainty = 0, best = 0, best_width = 0;
  for (const TrueRow& row : truth) {
    const double over = excess_over_limits(table_row(tables, row.candidate), wishes);
    const Choice each{static_cast<TrialId>(kept.size()) + 1, row.candidate.batch, row.latency,
                      row.throughput, row.candidate.group.backend,
                      row.candidate.group.instances};
    if (chosen == row.candidate) {
      choice = each;
      excess = over;
      uncertainty = half_width(row);
    }
    if (over > 0) continue;
    kept.push_back(each);
    if (row.throughput > best) {
      best = row.throughput;
      best_width = half_width(row);
    }
  }
  if (!choice) return kept.empty() ? 0 : 1;
  if (kept.empty()) return excess;
  return std::max(excess, shown_regret(*choice, kept, wishes, std::hypot(uncertainty, best_width)));
}

double front_share(std::span<const TrueRow> truth, std::span<const Candidate> found) {
  std::vector<FrontPoint> all, some;
  Seconds latest = 0;
  for (const TrueRow& row : truth) {
    all.push_back({static_cast<TrialId>(all.size()) + 1, row.latency, row.throughput});
    latest = std::max(latest, row.latency);
    if (std::find(found.begin(), found.end(), row.candidate) != found.end())
      some.push_back(all.back());
  }
  constexpr double kMargin = 1.1;  // so that the last one counts, too
  const double whole = area_of(all, latest * kMargin);
  return whole > 0 ? area_of(some, latest * kMargin) / whole : 0;
}

}  // namespace batchtune
