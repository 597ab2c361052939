// Where memory ends: predicted by a line through solo measurements, or probed until one batch fits
// and the next one does not. Pure functions: strategies ask them what to probe, conclude() what was
// found.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "tuner/core/observation.h"
#include "tuner/core/trial.h"
#include "tuner/statistics/fit.h"

namespace batchtune {

// A solo run that would take longer is not probed: the boundary stays predicted, and says so.
inline constexpr Seconds kLongestProbeRun = 10;

// Peak bytes over batch through all probes that fitted; nullopt below two batches.
std::optional<Line> memory_line(std::span<const Probe> probes);

// Largest batch on the line under `limit`, 0 when not even batch 1; nullopt: memory does not grow.
std::optional<std::int64_t> largest_on_line(const Line& line, Bytes limit);

// What probes under one limit have shown. Only out_of_memory counts as not fitting.
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

// Whether a probe of `batch` would run longer than is worth it.
bool takes_too_long(std::int64_t batch, std::optional<Seconds> seconds_per_sample);

// `probes` are of this group alone; `limit` may be unknown; `seconds_per_sample` of one instance.
Boundary boundary_of(const CandidateGroup& group, std::span<const Probe> probes,
                     std::optional<Bytes> limit, std::optional<Seconds> seconds_per_sample);

// Of the largest batch that ran when it was prepared; nullopt: none of the group did.
std::optional<Seconds> seconds_per_sample(std::span<const Preparation* const> preparations,
                                          const CandidateGroup& group);

}  // namespace batchtune
