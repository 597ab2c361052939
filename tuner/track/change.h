// How a program's figure changed between two sessions, and how surely. Private to tuner/track.
#pragma once

#include "tuner/track/figure.h"

namespace batchtune {

// The change of a program between two sessions. Levels and pairs are mixed by their precision (in
// both sessions alike, since they differ by more than noise); where they disagree, the change is
// uncertain by as much.
struct Change {
  double log_ratio = 0;
  double base_error = 0, now_error = 0;  // standard errors from the rounds
  int base_freedom = 1, now_freedom = 1;
  double disagreement = 0;
  bool known = false;  // false: too few rounds for any interval

  double reach(double confidence) const;  // half width of the interval of the log ratio
};
Change change_of(const Figure& base, const Figure& now);

}  // namespace batchtune
