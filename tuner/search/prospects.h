// Where the verdict may still be wrong, and what a look would do about it. From draws of the curve
// (curve.h) over every batch that could be chosen, measured or not:
// - how likely the choice loses more than the tolerance, and what it loses on average;
// - whose looks would take how much of that loss away, per second.
// Private to tuner/search; it asks for nothing.
//
// A look at one batch also tells of others, as far as they move together in the draws. Its gain is
// the expected loss of the choice, by whom it would be lost to, times the share of the difference's
// variance that the look explains: the idea of the knowledge gradient with correlated beliefs
// (Frazier, Powell, Dayanik 2009), by the second as looks differ in cost. Since the choice is a
// part of every difference it gets about as many rounds as all its rivals together, and each rival
// as many as its chance asks for: what top-two sampling (Russo 2016) and OCBA (Chen et al. 2000)
// arrive at.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "tuner/search/curve.h"
#include "tuner/search/strategy.h"

namespace batchtune {

// A candidate that may be chosen or looked at.
struct Prospect {
  Candidate candidate;
  TrialId trial = 0;       // 0: never asked for
  bool measured = false;   // has a look, so that it may be recommended
  bool live = false;       // else a look begins with its preparation
  double visit_error = 0;  // standard deviation of the log of one visit's rate
  Seconds visit = 0;       // cost of one visit
  Seconds prepare = 0;     // of the device's; 0 where it is live
  Seconds compile = 0;     // that preparing it is expected to wait for a compiler
  bool affordable = true;  // else a look would take too much of what is left of the budget
  bool alive = false;      // may be as good as the best by what the model knows
  double gain = 0;         // of kFirstVisits visits: expected loss that they take away, relative
};

inline constexpr int kFirstVisits = 3;  // of a new candidate: enough to see who is clearly worse

struct Standing {
  double wrong = 1;   // probability that the choice loses more than the tolerance
  double regret = 0;  // what it loses on average
};

// `choice` is the index of the recommended one in `prospects`, whose `alive` and gains are filled.
// `longest`: seconds of one batch above which an unmeasured candidate would break a latency limit.
// By draws from `seed`.
Standing weigh_up(std::vector<Prospect>& prospects, std::size_t choice, const CurveModel& curve,
                  const Wishes& wishes, Seconds longest, std::uint64_t seed);

// What the choice loses to the best of all candidates by their rates, and to whom. By the knee and
// by latency a threshold is met or missed by less than the tolerance without loss.
struct Loss {
  double share = 0;
  std::size_t to = 0;
};
Loss loss_of(std::size_t choice, std::span<const Candidate> candidates,
             std::span<const double> rates, const Wishes& wishes);

}  // namespace batchtune
