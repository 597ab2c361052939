// Rounds of programs with known times under disturbances with a known truth: what estimators and
// comparisons are held against. No device and no clock: virtual seconds.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tuner/backend/simulated/noise.h"
#include "tuner/core/observation.h"

namespace batchtune::synthetic {

struct Program {
  TrialId trial = 0;
  std::string reference;   // of a reference program, else ""
  Seconds seconds = 0;     // of one run, undisturbed
  double sensitivity = 1;  // disturbances slow it by their factor to this power
};

struct Plan {
  std::vector<Program> programs{{1, "", 0.010}, {2, "", 0.017}, {0, "cache", 0.002}};
  simulated::NoiseParameters noise;
  int rounds = 20;
  int runs = 4;            // of a visit; the first is warm-up
  Seconds others = 0.4;    // of each round is spent on programs that nobody looks at
  double seen = 0;         // share of the disturbed visits that canaries see
  double false_alarm = 0;  // share of the quiet visits that they call disturbed
  Seconds begin = 0;       // virtual time of the first round
};

// Every program in every round, in random order, with a part of `others` before each.
std::vector<Round> rounds_of(const Plan& plan, std::uint64_t seed);

struct NoiseKind {
  std::string name;
  simulated::NoiseParameters parameters;
};
// Each kind of disturbance on top of 2 % jitter, and all of them at once.
std::vector<NoiseKind> noise_kinds();

}  // namespace batchtune::synthetic
