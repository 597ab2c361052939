// What memory probes have shown and which batch to probe next: a line through what was measured, a
// bracket where the limiter counts exactly, a band where it does not. Pure functions over the
// probes of one group; whether a probe may be made at all is probe_plan.h's.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "tuner/core/observation.h"
#include "tuner/search/strategy.h"
#include "tuner/statistics/fit.h"

namespace batchtune {

// A solo run that would take longer is not probed: the boundary stays predicted, and says so.
inline constexpr Seconds kLongestProbeRun = 10;

// Bytes of a probe as its limiter counts them: under a cgroup the whole process. nullopt: unknown.
std::optional<Bytes> counted_bytes(const Probe& probe);

// Peak bytes over batch through all probes that fitted; nullopt below two batches.
std::optional<Line> memory_line(std::span<const Probe> probes);

// Largest batch on the line under `limit`, 0 when not even batch 1; nullopt: memory does not grow.
std::optional<std::int64_t> largest_on_line(const Line& line, Bytes limit);

// Which limiter the probes under `limit` had; nullopt: there are none.
std::optional<LimiterKind> limiter_under(std::span<const Probe> probes, Bytes limit);

// Whether it counts bytes alone: the same batch then ends alike each time.
inline bool is_exact(LimiterKind limiter) {
  return limiter == LimiterKind::account;
}

// What probes under one limit have shown. Only memory of the device counts as not fitting: a crash,
// a hang, a compiler's or (for a device of its own) the host's memory does not, nor that the system
// killed a process for the machine's memory. Soaks that failed do not either: they ran.
struct Bracket {
  std::int64_t fits = 0;              // largest that fitted; 0: none did
  std::optional<std::int64_t> fails;  // smallest that ran out of memory

  bool closed() const { return fails && *fails - fits == 1; }
};
Bracket bracket_of(std::span<const Probe> probes, Bytes limit);

// The batch to probe next: the predicted one, its neighbour, then outwards in doubling steps, then
// between. nullopt: closed, or even `largest` fits.
std::optional<std::int64_t> next_in_bracket(const Bracket& bracket,
                                            std::optional<std::int64_t> predicted,
                                            std::int64_t largest);

// Under process limiters thread stacks and allocators vary by MiB: a batch may fit once and fail
// once. `fits` never failed and `fails` never fitted; what did both lies between.
struct Band {
  std::int64_t fits = 0;
  std::optional<std::int64_t> fails;
  int fits_tries = 0, fails_tries = 0;
  std::int64_t highest_fitting = 0;            // that ever fitted
  std::optional<std::int64_t> lowest_failing;  // that ever failed

  bool narrow() const;  // nothing worth a kill is untried between
};
Band band_of(std::span<const Probe> probes, Bytes limit);

inline constexpr int kBandTries = 2;  // at each end

// Steps from below, since each failure may be a kill: a step below the prediction, then upwards in
// growing steps, then each end once more. nullopt: known well enough, or even `largest` fits.
std::optional<std::int64_t> next_in_band(const Band& band, std::optional<std::int64_t> predicted,
                                         std::int64_t largest);

// Whether some probe under the limit neither fitted nor ran out of memory (a crash, a hang, the
// machine's memory): probing on would only repeat it.
bool is_puzzling(std::span<const Probe> probes, Bytes limit);

// A neighbour that comes during a soak slows its end as a program that does not last would: only a
// second unstable soak of the same batch counts.
inline constexpr int kUnstableSoaks = 2;

struct Soaks {
  int made = 0;
  int unstable = 0;
};
Soaks soaks_of(std::span<const Probe> probes, std::int64_t batch, std::optional<Bytes> limit);

// Whether soaks under `limit` (nullopt: without one) say that `batch` does not last: kUnstableSoaks
// of its own were unstable, one ended worse, or one of a batch that is no larger ran out of memory.
bool fails_soak(std::span<const Probe> probes, std::int64_t batch, std::optional<Bytes> limit);

// Whether it was made under this limit.
inline bool probed_under(const Probe& probe, Bytes limit) {
  return probe.limit && *probe.limit == limit;
}

// To verify a remembered ceiling: first the batch that fitted, then the one that failed. nullopt:
// there is none for this group and limit, or both were probed.
std::optional<std::int64_t> next_to_verify(std::span<const Ceiling> ceilings,
                                           const CandidateGroup& group,
                                           std::span<const Probe> probes, Bytes limit);
// Whether probes agree with a remembered ceiling at both of its ends.
bool is_verified(std::span<const Ceiling> ceilings, const CandidateGroup& group,
                 std::span<const Probe> probes, Bytes limit);

// Seconds per sample of the largest batch that ran.
class SampleTime {
 public:
  void add(std::int64_t batch, std::optional<Seconds> run) {
    if (!run || batch <= batch_) return;
    batch_ = batch;
    run_ = *run;
  }
  std::optional<Seconds> per_sample() const {
    return batch_ > 0 ? std::optional(run_ / static_cast<double>(batch_)) : std::nullopt;
  }

 private:
  std::int64_t batch_ = 0;
  Seconds run_ = 0;
};

// Whether a probe of `batch` would run longer than is worth it.
bool takes_too_long(std::int64_t batch, std::optional<Seconds> seconds_per_sample);

}  // namespace batchtune
