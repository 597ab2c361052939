// Which solo runs to make. Before the race: where the smallest batch is predicted not to fit, that.
// After it: memory at up to three batches of each group, then,
// when a probed boundary is wished, the bracket or band around it (a remembered one is verified),
// at last the soak of the chosen one. Private to tuner/search.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tuner/search/ledger.h"
#include "tuner/search/strategy.h"

namespace batchtune {

// Before anything else: whether the smallest batch of any group fits in the memory limit.
struct SmallestCheck {
  std::optional<AskProbe> ask;  // it is predicted not to: asked alone, under the limit
  std::string why_not;          // in words, when no group's fits; else ""
};
SmallestCheck check_smallest(const Ledger& ledger, const Problem& problem);

class ProbePlan {
 public:
  // nullopt: done, or the probing budget is spent. `ledger` must not see rounds any more; `chosen`
  // may change when a soak fails.
  std::optional<AskProbe> next(const Ledger& ledger, const Problem& problem, TrialId chosen);

 private:
  struct Point {
    Candidate candidate;
    bool asked = false;
  };
  void plan(const Ledger& ledger, const Problem& problem, TrialId chosen);
  std::optional<AskProbe> next_point(const Ledger& ledger, const Problem& problem);

  bool planned_ = false;
  std::vector<Point> points_;
};

}  // namespace batchtune
