// See levels.h: visit medians, paired ratios, undisturbed and as-seen levels.
#include "tuner/statistics/levels.h"

#include <algorithm>
#include <cmath>

#include "tuner/statistics/interval.h"
#include "tuner/statistics/location.h"
#include "tuner/statistics/resample.h"

namespace batchtune {
namespace {

// Low enough to leave disturbed visits behind, high enough not to hang on one lucky visit: on
// shared machines it is five times steadier than the median.
constexpr double kUndisturbed = 0.10;

std::span<const Seconds> timed(const Visit& visit) {
  const auto warm = std::min(visit.seconds.size(), static_cast<std::size_t>(visit.warm));
  return std::span(visit.seconds).subspan(warm);
}

const VisitMedian* find(const RoundMedians& round, TrialId trial) {
  for (const VisitMedian& visit : round)
    if (visit.trial == trial && visit.reference.empty()) return &visit;
  return nullptr;
}

std::vector<double> shared_log_ratios(std::span<const RoundMedians> rounds,
                                      std::span<const int> picked, TrialId anchor, TrialId trial) {
  std::vector<double> logs;
  for (const int index : picked) {
    const VisitMedian* own = find(rounds[static_cast<std::size_t>(index)], trial);
    const VisitMedian* theirs = find(rounds[static_cast<std::size_t>(index)], anchor);
    if (own && theirs) logs.push_back(std::log(own->median / theirs->median));
  }
  return logs;
}

std::optional<Seconds> low_level(std::span<const double> medians) {
  if (medians.empty()) return std::nullopt;
  return quantile(medians, kUndisturbed);
}

std::optional<Seconds> own_level(std::span<const RoundMedians> rounds, std::span<const int> picked,
                                 TrialId trial) {
  std::vector<double> medians;
  for (const int index : picked)
    if (const VisitMedian* visit = find(rounds[static_cast<std::size_t>(index)], trial))
      medians.push_back(visit->median);
  return low_level(medians);
}

// Samples done / time spent, instance by instance.
double throughput_as_seen(std::span<const Round* const> rounds, const Subject& subject) {
  std::map<int, std::pair<double, Seconds>> spent;  // by instance: runs, seconds
  for (const Round* round : rounds)
    for (const Visit& visit : round->visits) {
      if (visit.trial != subject.trial || !visit.reference.empty()) continue;
      for (const Seconds seconds : timed(visit)) {
        spent[visit.instance].first += 1;
        spent[visit.instance].second += seconds;
      }
    }
  double total = 0;
  for (const auto& [instance, runs] : spent)
    total += static_cast<double>(subject.batch) * runs.first / runs.second;
  return total;
}

void set_percentiles(Measurement& measurement, std::span<const Seconds> samples) {
  const auto percentile = [&](LatencyMetric metric) -> std::optional<Seconds> {
    if (static_cast<int>(samples.size()) < samples_needed(metric)) return std::nullopt;
    return quantile(samples, quantile_of(metric));
  };
  measurement.p50 = percentile(LatencyMetric::p50);
  measurement.p90 = percentile(LatencyMetric::p90);
  measurement.p95 = percentile(LatencyMetric::p95);
  measurement.p99 = percentile(LatencyMetric::p99);
  measurement.p99_9 = percentile(LatencyMetric::p99_9);
  measurement.max = *std::max_element(samples.begin(), samples.end());
  measurement.samples = static_cast<int>(samples.size());
}

std::optional<Interval> undisturbed_interval(std::span<const RoundMedians> rounds, TrialId anchor,
                                             TrialId trial, int visits) {
  if (visits < kFewestRounds) return std::nullopt;
  std::vector<double> replicates;
  for (const auto& picked : resamplings(static_cast<int>(rounds.size())))
    if (const auto level = level_of(rounds, picked, anchor, trial))
      replicates.push_back(level->undisturbed);
  return percentile_interval(replicates);
}

double samples_per_run(const Subject& subject) {
  return static_cast<double>(subject.batch) * subject.instances;
}

}  // namespace

RoundMedians visit_medians(const Round& round) {
  struct Seen {
    std::vector<double> samples;
    bool disturbed = false;
  };
  std::map<std::pair<TrialId, std::string>, Seen> programs;
  for (const Visit& visit : round.visits) {
    const auto seconds = timed(visit);
    Seen& seen = programs[{visit.trial, visit.reference}];
    seen.samples.insert(seen.samples.end(), seconds.begin(), seconds.end());
    seen.disturbed |= visit.disturbed;
  }
  RoundMedians medians;
  for (const auto& [who, seen] : programs)
    if (!seen.samples.empty())
      medians.push_back({who.first, who.second, median(seen.samples), seen.disturbed});
  return medians;
}

std::optional<Level> level_of(std::span<const RoundMedians> rounds, std::span<const int> picked,
                              TrialId anchor, TrialId trial) {
  if (anchor != 0) {
    const auto anchor_level = own_level(rounds, picked, anchor);
    if (anchor_level && trial == anchor) return Level{*anchor_level, 1.0};
    const auto logs = shared_log_ratios(rounds, picked, anchor, trial);
    if (anchor_level && !logs.empty()) {
      const double ratio = std::exp(median(logs));
      return Level{*anchor_level * ratio, ratio};
    }
  }
  const auto own = own_level(rounds, picked, trial);
  if (!own) return std::nullopt;
  return Level{*own, std::nullopt};
}

std::optional<Seconds> reference_level(std::span<const RoundMedians> rounds,
                                       std::span<const int> picked, std::string_view reference) {
  std::vector<double> medians;
  for (const int index : picked)
    for (const VisitMedian& visit : rounds[static_cast<std::size_t>(index)])
      if (visit.reference == reference) medians.push_back(visit.median);
  return low_level(medians);
}

PairedRatio paired_ratio(std::span<const RoundMedians> rounds, TrialId anchor, TrialId trial) {
  const auto picked = all_indices(static_cast<int>(rounds.size()));
  const auto logs = shared_log_ratios(rounds, picked, anchor, trial);
  if (logs.empty()) return {};
  PairedRatio result{std::exp(median(logs)), std::nullopt, static_cast<int>(logs.size())};
  if (const auto interval = quantile_interval(logs, 0.5))
    result.ci95 = Interval{std::exp(interval->low), std::exp(interval->high)};
  return result;
}

std::vector<Seconds> timed_samples(std::span<const Round* const> rounds, TrialId trial) {
  std::vector<Seconds> samples;
  for (const Round* round : rounds)
    for (const Visit& visit : round->visits)
      if (visit.trial == trial && visit.reference.empty()) {
        const auto seconds = timed(visit);
        samples.insert(samples.end(), seconds.begin(), seconds.end());
      }
  return samples;
}

std::map<TrialId, Measurement> levels(std::span<const Round* const> rounds, TrialId anchor,
                                      std::span<const Subject> subjects) {
  std::vector<RoundMedians> medians;
  for (const Round* round : rounds) medians.push_back(visit_medians(*round));
  const auto all = all_indices(static_cast<int>(medians.size()));
  const auto anchor_subject = std::find_if(subjects.begin(), subjects.end(), [&](const Subject& s) {
    return anchor != 0 && s.trial == anchor;
  });
  const auto anchor_level = level_of(medians, all, anchor, anchor);

  std::map<TrialId, Measurement> result;
  for (const Subject& subject : subjects) {
    const auto samples = timed_samples(rounds, subject.trial);
    if (samples.empty()) continue;
    const Level level = *level_of(medians, all, anchor, subject.trial);
    Measurement& measurement = result[subject.trial];
    set_percentiles(measurement, samples);
    for (const RoundMedians& round : medians)
      measurement.visits += find(round, subject.trial) != nullptr;
    measurement.undisturbed = level.undisturbed;
    measurement.undisturbed_ci95 =
        undisturbed_interval(medians, anchor, subject.trial, measurement.visits);
    measurement.throughput_undisturbed = samples_per_run(subject) / level.undisturbed;
    measurement.throughput_as_seen = throughput_as_seen(rounds, subject);
    if (anchor_subject == subjects.end() || !anchor_level) continue;
    const double per_sample = samples_per_run(*anchor_subject) / samples_per_run(subject);
    measurement.ratio_to_anchor = level.undisturbed / anchor_level->undisturbed * per_sample;
    const PairedRatio paired = paired_ratio(medians, anchor, subject.trial);
    if (paired.ci95)
      measurement.ratio_ci95 =
          Interval{paired.ci95->low * per_sample, paired.ci95->high * per_sample};
  }
  return result;
}

}  // namespace batchtune
