// See effort.h.
#include "tuner/search/effort.h"

#include <algorithm>
#include <map>
#include <vector>

#include "tuner/core/compiling.h"
#include "tuner/search/facts.h"

namespace batchtune {
namespace {

constexpr double kSweepRuns = 30;  // of each batch: ten visits of one warm and two timed runs

// What was seen of one group, by batch.
struct SeenSpeed {
  std::map<std::int64_t, Seconds> latency;
  Seconds prepare = 0;
  int prepared = 0;
};

// Latencies of the batches first + 1 to last, on the straight line between the two.
Seconds sum_between(std::int64_t first, Seconds at_first, std::int64_t last, Seconds at_last) {
  const auto count = static_cast<double>(last - first);
  return count * at_first + (at_last - at_first) * (count + 1) / 2;
}

Seconds sweep_of(const SeenSpeed& seen) {
  std::int64_t below = 0;  // a line through the origin says too little there rather than too much
  Seconds at_below = 0, sum = 0;
  for (const auto& [batch, latency] : seen.latency) {
    sum += sum_between(below, at_below, batch, latency);
    below = batch;
    at_below = latency;
  }
  const Seconds prepare = seen.prepared > 0 ? seen.prepare / seen.prepared : 0;
  return static_cast<double>(below) * prepare + kSweepRuns * sum;
}

void add_sweep(Effort& effort, const Conclusion& conclusion) {
  std::map<CandidateGroup, SeenSpeed> groups;
  for (const Trial& trial : conclusion.trials) {
    if (!is_ranked(trial)) continue;
    SeenSpeed& seen = groups[trial.candidate.group];
    seen.latency[trial.candidate.batch] = trial.measurement->undisturbed;
    effort.up_to = std::max(effort.up_to, trial.candidate.batch);
    if (!trial.prepare_seconds) continue;
    seen.prepare += *trial.prepare_seconds;
    ++seen.prepared;
  }
  if (effort.up_to < 2) return;
  Seconds sweep = 0;
  for (const auto& [group, seen] : groups) sweep += sweep_of(seen);
  effort.sweep = sweep;
}

}  // namespace

Effort effort_of(const SessionRecord& record, const Conclusion& conclusion) {
  Effort effort;
  for (const Observation& observation : record.observations) {
    const bool is_probe = std::holds_alternative<Probe>(observation.what);
    (is_probe ? effort.probing : effort.racing) +=
        observation.device_time - compile_wait(observation);
    const auto* round = std::get_if<Round>(&observation.what);
    if (!round) continue;
    ++effort.rounds;
    for (const Visit& visit : round->visits)
      effort.visits += visit.reference.empty() && visit.instance == 0;
  }
  for (const Trial& trial : conclusion.trials)
    effort.candidates += trial.prepare_seconds.has_value();
  add_sweep(effort, conclusion);
  return effort;
}

}  // namespace batchtune
