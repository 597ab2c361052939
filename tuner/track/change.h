// How a program's figure changed between two sessions, and how surely. Private to tuner/track.
#pragma once

#include "tuner/track/figure.h"

namespace batchtune {

// The change of a program between two sessions, by rounds. Where levels tell another one, it is
// uncertain by as much.
struct Change {
  double log_ratio = 0;
  StandardError noise;      // of both sessions together, from the rounds
  double disagreement = 0;  // a standard deviation
  bool known = false;       // false: too few rounds for any interval

  // Half width of the interval of the log ratio, for any of `pairs` changes together: the noise is
  // each pair's own, what sessions differ by is one for all of them.
  double reach(double confidence, std::size_t pairs = 1) const;
};
Change change_of(const Figure& base, const Figure& now);

}  // namespace batchtune
