// Where memory ends, as concluded from probes, with the evidence in words: probed until one batch
// fits and the next one does not (or, where the limiter does not count exactly, does not reliably),
// else predicted by the line through what was measured. What to probe is bracket.h's.
#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "tuner/core/observation.h"
#include "tuner/core/trial.h"
#include "tuner/search/bracket.h"

namespace batchtune {

// The setting in force that carries Problem::safe_memory into the stored session, in bytes.
inline constexpr std::string_view kSafeMemorySetting = "safe_memory";

// What preparing batches to be measured, beside other programs, has shown of memory.
struct PreparedBatches {
  std::int64_t fits = 0;              // the largest below `fails` that was ready; 0: none
  std::optional<std::int64_t> fails;  // the smallest that ran out of memory
  Ending ending;                      // of that one
};

struct BoundaryFacts {
  std::optional<Bytes> limit;        // unknown: there is no boundary
  std::optional<Bytes> safe_memory;  // Problem::safe_memory
  std::optional<Seconds> seconds_per_sample;
  PreparedBatches prepared{};
};

// `probes` are of this group alone. An end that was seen while batches were prepared counts more than a
// prediction that is not below it: `kind` is predicted then, since nobody probed it, and the two batches are a band.
Boundary boundary_of(const CandidateGroup& group, std::span<const Probe> probes,
                     const BoundaryFacts& facts);

// Whether probing a batch that needs `bytes` could bring the system down: they are more than is
// safe, and no limiter that was seen to work (under `limit`, among `probes`) stops it before.
bool is_unsafe(double bytes, std::optional<Bytes> safe_memory, std::optional<Bytes> limit,
               std::span<const Probe> probes);

}  // namespace batchtune
