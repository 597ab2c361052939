// Measuring as the search sees it: preparations, rounds and memory probes, each an answer and never
// an exception. The real one (worker_measurer.h) runs worker processes; tests script their own.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "tuner/core/error.h"
#include "tuner/core/observation.h"

namespace batchtune {

struct Contender {
  TrialId trial = 0;
  double weight = 1;  // relative share of the rounds that it is drawn into; > 0
  int timed = 0;      // timed runs wanted of its visit; 0: as many as a visit usually has

  bool operator==(const Contender&) const = default;
};

// The measurer draws a subset of the contenders by weight, adds the anchor and the reference
// programs, orders them at random (seeded by `sequence`), and chooses warm and timed runs.
struct RoundRequest {
  std::vector<Contender> contenders;
  TrialId anchor = 0;          // visited in every round; 0: none
  Seconds seconds = 2;         // aim for the whole round
  std::uint64_t sequence = 0;  // number of the round in its session

  bool operator==(const RoundRequest&) const = default;
};

// One candidate alone in a fresh process: prepared, touched, run once, or for `soak` seconds.
struct ProbeRequest {
  Candidate candidate;
  std::optional<Bytes> limit;
  Seconds soak = 0;

  bool operator==(const ProbeRequest&) const = default;
};

class Measurer {
 public:
  virtual ~Measurer() = default;

  // An Error means that measuring itself is impossible (no worker can be started); anything that is
  // the candidate's own is in the observation.
  virtual Result<Observation> prepare(TrialId trial, const Candidate& candidate) = 0;
  virtual Result<Observation> run_round(const RoundRequest& request) = 0;
  virtual Result<Observation> probe(const ProbeRequest& request) = 0;
  virtual void release(TrialId trial) = 0;
  // Starts compiling it in the background, where the device is not what compiles; a later prepare() waits for the rest.
  virtual void compile_ahead(const Candidate& candidate) { static_cast<void>(candidate); }
};

}  // namespace batchtune
