// What the experiments share: the executable is its own worker, as batchtune is; the backends are
// the program's own, and one more, `repeat`, for programs of exactly known work.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "tuner/core/observation.h"
#include "tuner/measure/worker.h"
#include "tuner/measure/worker_measurer.h"

namespace batchtune::experiments {

// `repeat`: a candidate's batch is how often one inner program (the cpu backend's, batch
// kInnerBatch) runs in one run: batch 21 does 5 % more work than batch 20, of the same kind.
inline constexpr char kRepeatBackend[] = "repeat";
inline constexpr std::int64_t kInnerBatch = 1;

// The worker's exit code when this process is one.
std::optional<int> serve_as_worker(int argc, char** argv);

// One backend, reference programs and canaries on all CPUs.
WorkerMeasurerOptions options_for(const std::string& model, const std::string& backend,
                                  std::uint64_t seed);
CandidateGroup group_of(const std::string& backend);

// Ends the process with the error's text.
template <typename T>
T require(Result<T> result);
[[noreturn]] void fail(const std::string& why);

// Prepared, or the process ends.
void prepare(Measurer& measurer, TrialId trial, const Candidate& candidate);
Round round_of(Measurer& measurer, const RoundRequest& request, Seconds* device_time = nullptr);

// Median of a visit's timed runs.
Seconds timed_median(const Visit& visit);
const Visit* visit_of(const Round& round, TrialId trial);

template <typename T>
T require(Result<T> result) {
  if (!result) fail(to_string(result.error()));
  return std::move(*result);
}

}  // namespace batchtune::experiments
