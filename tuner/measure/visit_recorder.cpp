#include "tuner/measure/visit_recorder.h"

#include <iterator>

#include "tuner/measure/host_state.h"
#include "tuner/measure/session_references.h"

namespace batchtune {

void VisitRecorder::add(const TurnResult& turn, bool reference, Round& round) {
  for (const protocol::ShareDone& done : turn.share.parts) {
    for (const CanaryReading& reading : done.bursts) quiet_.add(reading);
    for (std::size_t i = 0; i < done.visits.size(); ++i)
      if (done.visits[i].ending.status == TrialStatus::ok)
        add_visit(done, i, turn.host, reference, round);
  }
}

// One Visit for each instance; all of them share the position and the host's state.
void VisitRecorder::add_visit(const protocol::ShareDone& done, std::size_t number,
                              const HostState& turn, bool reference, Round& round) {
  const protocol::Visited& visited = done.visits[number];
  Visit visit;
  if (reference)
    visit.reference = reference_name(visited.program);
  else
    visit.trial = visited.program;
  visit.position = round.visits.empty() ? 0 : round.visits.back().position + 1;
  visit.warm = visited.warm;
  if (judged_) {
    visit.host = state_of_visit(turn, done, number);
    visit.disturbed = quiet_.disturbed(*visit.host);
  }
  for (int instance = 0; instance < std::ssize(visited.instances); ++instance) {
    visit.instance = instance;
    visit.seconds = visited.instances[static_cast<std::size_t>(instance)];
    round.visits.push_back(visit);
  }
}

}  // namespace batchtune
