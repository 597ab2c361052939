// What a session concludes from its observations: trials with measurements, fronts, boundaries,
// verdicts. Derived by tuner/search (conclude.h), shown by reports. Never edited: derived again
// from the observations.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tuner/core/estimate.h"
#include "tuner/core/limits.h"
#include "tuner/core/observation.h"

namespace batchtune {

struct Interval {
  double low = 0, high = 0;
};

// Both levels, always named. A percentile is absent below 36/72/368/3688 samples
// (p90/p95/p99/p99.9).
struct Measurement {
  Seconds undisturbed = 0;  // latency: what the machine can do
  std::optional<Interval> undisturbed_ci95;
  std::optional<Seconds> p50, p90, p95, p99, p99_9;
  Seconds max = 0;                    // percentiles and max: as seen
  double throughput_undisturbed = 0;  // samples/s, all instances
  double throughput_as_seen = 0;      // samples done / time spent running
  double ratio_to_anchor =
      1;  // undisturbed seconds per sample over the anchor's; below 1 is better
  std::optional<Interval> ratio_ci95;
  int visits = 0;
  int quiet_visits = 0;                   // of these, undisturbed ones
  int samples = 0;                        // timed, warm ones not counted
  std::optional<double> autocorrelation;  // of neighbouring rounds' log ratios (the anchor: levels)
};

struct Trial {
  TrialId id = 0;
  Candidate candidate;
  Ending ending;                           // status and reason
  std::optional<Measurement> measurement;  // of ok and unstable; absent: it was in no round
  std::optional<Bytes> memory;             // the solo run's peak; absent if there was none
  std::optional<MemoryKind> memory_kind;
  std::optional<Seconds> prepare_seconds;  // absent: it never got prepared
  // Of the front of all groups that differ from its own in threads and instances alone: they share
  // the device.
  bool on_front = false;
  std::optional<double> front_probability;
  std::optional<PointEstimate> estimate;
  std::vector<LimitVerdict> limits;
};

// Of one group alone.
struct Front {
  CandidateGroup group;
  std::vector<TrialId> trials;  // ascending latency
};

enum class BoundaryKind { predicted, probed };
std::string_view name_of(BoundaryKind kind);

// How a group's range of batches ends: what the next larger batch would cost.
enum class BoundaryShape { smooth, cliff };
std::string_view name_of(BoundaryShape shape);

struct Boundary {
  CandidateGroup group;
  BoundaryKind kind = BoundaryKind::predicted;
  LimiterKind limiter = LimiterKind::none;
  std::optional<std::int64_t> largest_fitting;  // 0: not even batch 1 fits
  std::optional<std::int64_t> smallest_failing;
  // Whether the limiter counts exactly (account). Otherwise the two are a band: every try of the
  // one fitted, every try of the other failed, and batches between them were tried or not.
  bool exact = true;
  int kills = 0;  // processes that were killed to find it
  // Of latency or throughput towards the largest measured batch; absent where too little was seen.
  std::optional<BoundaryShape> shape;
  std::string shape_evidence;  // in words; empty without a shape
  std::string evidence;
};

// The recommended candidate under sustained load, alone, under the memory limit.
struct Soaked {
  Seconds seconds = 0;
  int runs = 0;
  std::optional<Bytes> peak;  // the larger of account and resident
  Ending ending;              // ok: it kept its memory and its pace
};

// Why no candidate of a backend keeps the limits, and what would help.
struct NothingFits {
  TrialId nearest = 0;              // 0: there is none
  std::string gap;                  // "p50 31 ms, 1.55 x the limit"
  std::vector<std::string> levers;  // "a smaller model dtype (bf16)"
};

// What another batch of the chosen one's group would be worth, as factors on the chosen one's.
struct Step {
  std::int64_t batch = 0;
  double throughput = 1, latency = 1;
};

// A latency limit that would change the choice, were it below `until`.
struct Tightening {
  LatencyLimit limit;
  Seconds until = 0;
  TrialId next = 0;  // that would be chosen then; 0: nothing would
};

struct Verdict {
  std::string backend;
  std::optional<TrialId> trial;  // absent: nothing keeps the limits; see nothing_fits
  std::int64_t batch = 0;
  Objective objective = Objective::knee;
  std::string reason;
  std::optional<TrialId> runner_up;
  std::optional<double> stability;  // share of resamplings with the same choice
  // By the objective, the mean over resamplings of what the choice loses to that resampling's best.
  std::optional<double> expected_regret;
  // Choosable trials that more measuring might show to be better than the chosen one or as good
  // (by throughput; by latency for that objective), by batch.
  std::vector<TrialId> indistinguishable;
  std::optional<Step> down, up;  // the nearest measured batches of its group
  // How far the limit nearest to breaking may be tightened before another batch is chosen, as a
  // share of it. Absent without latency limits.
  std::optional<double> limit_slack;
  std::optional<Tightening> tightening;  // of that limit; present with limit_slack
  // In words, what keeps the choice from being another one: a limit, memory, or the objective
  // itself. Empty without a choice.
  std::string binding;
  std::optional<double> headroom;        // bytes left under the memory limit
  std::optional<double> headroom_share;  // of the limit
  std::optional<Soaked> soaked;
  std::optional<NothingFits> nothing_fits;
};

struct Best {
  TrialId trial = 0;
  std::string backend;
  std::int64_t batch = 0;
  bool proven = true;  // false: a limit is unproven, with nothing over
};

// What a session spent, and what measuring everything would have.
struct Effort {
  int candidates = 0;  // prepared
  int rounds = 0;
  int visits = 0;          // of candidates, reference programs not counted
  Seconds racing = 0;      // device time of preparations and rounds
  Seconds probing = 0;     // of memory probes
  std::int64_t up_to = 0;  // largest batch that was measured
  // Device time of a sweep of every batch from 1 to `up_to`, in each group, with ten visits of
  // three runs each, by the latencies and preparations that were seen. Absent with one batch.
  std::optional<Seconds> sweep;
};

struct Conclusion {
  TrialId anchor = 0;         // 0: none
  std::vector<Trial> trials;  // ascending id
  std::vector<Front> fronts;
  std::vector<Boundary> boundaries;
  std::vector<Verdict> verdicts;
  std::optional<Best> best;
  std::optional<double> quiet_share;  // of all visits that canaries judged; absent: none did
  int kills = 0;                      // processes killed by memory probes
  Effort effort;
};

}  // namespace batchtune
