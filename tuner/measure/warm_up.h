// How many warm runs each program needs after a switch, learned from its own visits: more, while
// its first timed runs are unlike the later ones; never fewer, so that visits stay comparable.
#pragma once

#include <map>
#include <vector>

#include "tuner/core/observation.h"

namespace batchtune {

class WarmUps {
 public:
  // Warm runs of a program whose run takes so long: those of the table, and what it needs more, but
  // never fewer than it had.
  int warm_runs(TrialId program, Seconds run) const;
  // `timed`: the timed runs of one visit that had `warm` warm ones.
  void add(TrialId program, Seconds run, int warm, std::vector<Seconds> timed);
  // It needed so many in an earlier part of the session.
  void know(TrialId program, int warm) { seen_[program].warm = warm; }
  void forget(TrialId program) { seen_.erase(program); }

 private:
  struct Seen {
    int warm = 0;                              // the most that it had, or is known to need
    std::vector<std::vector<Seconds>> visits;  // latest ones since it was learned
  };
  std::map<TrialId, Seen> seen_;
};

}  // namespace batchtune
