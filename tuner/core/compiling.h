// What candidates and observations say of compilers: which candidates are one program to a compiler,
// and which seconds were waited for it.
#pragma once

#include <algorithm>

#include "tuner/core/candidate.h"
#include "tuner/core/observation.h"

namespace batchtune {

// The candidate whose program it runs: of one thread, instance and core, and of the batch that is
// compiled. Candidates that differ in how many run, and where, alone are one program.
inline Candidate program_of(Candidate candidate) {
  CandidateGroup& group = candidate.group;
  group.threads = group.instances = group.cores = 1;
  if (group.compiled_batch > 0) candidate.batch = group.compiled_batch;
  group.compiled_batch = 0;
  return candidate;
}

// Of the observation's device time, waited for a compiler as far as was told: no budget of the
// device pays it.
inline Seconds compile_wait(const Observation& observation) {
  const auto* preparation = std::get_if<Preparation>(&observation.what);
  if (!preparation) return 0;
  return std::min(observation.device_time, preparation->compile_seconds.value_or(0));
}

}  // namespace batchtune
