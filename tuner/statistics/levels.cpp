// See levels.h. What rounds say is read in rounds.cpp; this file makes measurements of it.
#include "tuner/statistics/levels.h"

#include <algorithm>
#include <cmath>

#include "tuner/statistics/correlation.h"
#include "tuner/statistics/interval.h"
#include "tuner/statistics/location.h"
#include "tuner/statistics/resample.h"

namespace batchtune {
namespace {

// Samples done / time spent, instance by instance.
double throughput_as_seen(std::span<const Round* const> rounds, const Subject& subject) {
  std::map<int, std::pair<double, Seconds>> spent;  // by instance: runs, seconds
  for (const Round* round : rounds)
    for (const Visit& visit : round->visits) {
      if (visit.trial != subject.trial || !visit.reference.empty()) continue;
      for (const Seconds seconds : timed_of(visit)) {
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

// The autocorrelation is that of the log ratios; of the anchor, and without one, of log levels.
void count_visits(Measurement& measurement, std::span<const RoundMedians> rounds, TrialId anchor,
                  TrialId trial) {
  const RoundSeries own = level_series(rounds, trial);
  measurement.visits = own.present;
  measurement.quiet_visits = own.quiet;
  std::vector<double> figures;
  if (trial != anchor) figures = log_ratio_series(rounds, anchor, trial).all();
  if (figures.empty())
    for (const double median : own.all()) figures.push_back(std::log(median));
  measurement.autocorrelation = neighbour_correlation(figures);
}

double samples_per_run(const Subject& subject) {
  return static_cast<double>(subject.batch) * subject.instances;
}

}  // namespace

std::vector<Seconds> timed_samples(std::span<const Round* const> rounds, TrialId trial) {
  std::vector<Seconds> samples;
  for (const Round* round : rounds)
    for (const Visit& visit : round->visits)
      if (visit.trial == trial && visit.reference.empty()) {
        const auto seconds = timed_of(visit);
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
    count_visits(measurement, medians, anchor, subject.trial);
    measurement.undisturbed = level.undisturbed;
    measurement.undisturbed_ci95 = level_interval(medians, anchor, subject.trial);
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
