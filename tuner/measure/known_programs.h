// What a session knows of the programs that it may visit: how long a run takes and how many warm
// runs it needs. Rounds are planned with it.
#pragma once

#include <map>

#include "tuner/core/observation.h"
#include "tuner/measure/protocol.h"
#include "tuner/measure/round_plan.h"
#include "tuner/measure/warm_up.h"

namespace batchtune {

class KnownPrograms {
 public:
  // `warm`: runs that it is known to need; 0: nothing is known.
  void prepared(TrialId program, Seconds first_run, int warm = 0);
  void visited(const protocol::Visited& visited);  // one that ended ok
  void forget(TrialId program);

  const std::map<TrialId, Seconds>& run_seconds() const { return run_seconds_; }
  // What a visit of at most `most` seconds costs.
  PricedContender price(const Contender& contender, Seconds most) const;

 private:
  std::map<TrialId, Seconds> run_seconds_;  // of the last visit, or of the first run
  std::map<TrialId, Seconds> extra_;        // of the last visit, beside its runs
  WarmUps warm_ups_;
};

}  // namespace batchtune
