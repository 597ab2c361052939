// How a chosen trial stands among the others that might have been: the runner-up, how stable the
// choice is, who cannot be told apart, the neighbours, and how far a limit may be tightened.
// Private to tuner/search; computes on what was measured and measures nothing.
#pragma once

#include <cstddef>
#include <vector>

#include "tuner/core/trial.h"
#include "tuner/search/facts.h"
#include "tuner/search/verdict.h"

namespace batchtune {

// The choosable trials of one backend and which of them was chosen.
struct Field {
  std::vector<const Trial*> trials;
  std::vector<Choice> choices;  // of the same, by rate_of()
  std::vector<Choice> own;      // of the same, by the figures that are reported
  std::size_t chosen = 0;

  void add(const Trial& trial, const Facts& facts);  // REQUIRES: it is measured
  const Trial& trial() const { return *trials[chosen]; }
  const Choice& choice() const { return choices[chosen]; }
};

// Fills runner_up, stability, expected_regret, indistinguishable, down, up, limit_slack and
// tightening.
void add_standing(Verdict& verdict, const Field& field, const Conclusion& conclusion,
                  const Facts& facts, const Wishes& wishes, const Alike& alike);

}  // namespace batchtune
