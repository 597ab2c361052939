// Makes visits of a round of what a worker answered, judged by the session's canaries.
#pragma once

#include <utility>

#include "tuner/core/observation.h"
#include "tuner/measure/canary.h"
#include "tuner/measure/turns.h"

namespace batchtune {

class VisitRecorder {
 public:
  // `judged`: there are canaries. `known`: their levels of earlier sessions.
  VisitRecorder(bool judged, QuietLevels known) : judged_(judged), quiet_(std::move(known)) {}

  // Appends the visits of `turn` that ended ok; of a reference program where `reference`.
  void add(const TurnResult& turn, bool reference, Round& round);
  const QuietLevels& quiet_levels() const { return quiet_.levels(); }

 private:
  void add_visit(const protocol::ShareDone& done, std::size_t number, const HostState& turn,
                 bool reference, Round& round);

  bool judged_;
  QuietLearner quiet_;
};

}  // namespace batchtune
