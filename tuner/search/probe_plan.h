// Which solo runs to make once the race is over: memory at up to three batches of each group, then,
// when a probed boundary is wished, the bracket around it. Private to tuner/search.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "tuner/search/ledger.h"
#include "tuner/search/strategy.h"

namespace batchtune {

class ProbePlan {
 public:
  // nullopt: done, or the probing budget is spent. `ledger` must not see rounds any more.
  std::optional<AskProbe> next(const Ledger& ledger, const Problem& problem, TrialId chosen);

 private:
  struct Point {
    Candidate candidate;
    bool asked = false;
  };
  void plan(const Ledger& ledger, const Problem& problem, TrialId chosen);
  std::optional<AskProbe> bracket(const Ledger& ledger, const Problem& problem);

  bool planned_ = false;
  std::vector<Point> points_;
};

}  // namespace batchtune
