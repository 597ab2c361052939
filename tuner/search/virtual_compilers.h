// Compilers on a virtual clock, for replay: a few programs at a time, in the order in which they
// were begun, while the clock goes on. Private to tuner/search.
#pragma once

#include <map>
#include <vector>

#include "tuner/core/candidate.h"
#include "tuner/core/units.h"

namespace batchtune {

class VirtualCompilers {
 public:
  // `count` >= 1: at the same time.
  explicit VirtualCompilers(int count) : free_(static_cast<std::size_t>(count), 0) {}

  void know(const Candidate& candidate);  // compiled before
  // Nothing where it was begun before. Groups that run the same programs share them.
  void begin(const Candidate& candidate, Seconds takes, Seconds now);
  // Seconds from now until it is ready; begins it where nobody has.
  Seconds wait(const Candidate& candidate, Seconds takes, Seconds now);
  // Batches of the group that are ready, ascending.
  std::vector<std::int64_t> ready(const CandidateGroup& group, Seconds now) const;
  int begun() const { return begun_; }  // compilations, without what was known

 private:
  std::vector<Seconds> free_;           // when each compiler is
  std::map<Candidate, Seconds> ready_;  // when each program is; of groups without what they share
  int begun_ = 0;
};

}  // namespace batchtune
