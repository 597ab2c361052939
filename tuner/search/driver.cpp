// See driver.h. On resume the strategy is asked and told as it was then; the programs that it
// believes to be prepared are prepared again just before the next round that visits them, untold
// and unstored.
#include "tuner/search/driver.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

namespace batchtune {
namespace {

using Live = std::map<TrialId, Candidate>;

class Driver {
 public:
  Driver(Strategy& strategy, Measurer& measurer, SessionRecord& record, const DriverHooks& hooks)
      : strategy_(strategy), measurer_(measurer), record_(record), hooks_(hooks) {}

  Result<DriverEnd> run() {
    BT_TRY_VOID(tell_again());
    while (true) {
      if (hooks_.interrupted && hooks_.interrupted->load())
        return DriverEnd{SessionEnd::interrupted, "interrupted"};
      const Ask ask = strategy_.ask();
      if (hooks_.progress) hooks_.progress(ask, record_.observations);
      if (const auto* stop = std::get_if<AskStop>(&ask)) return DriverEnd{stop->end, stop->reason};
      if (const auto* release = std::get_if<AskRelease>(&ask)) {
        if (stale_.erase(release->trial) == 0) measurer_.release(release->trial);
        continue;
      }
      if (const auto* compile = std::get_if<AskCompile>(&ask)) {
        measurer_.compile_ahead(compile->candidate);
        continue;
      }
      BT_TRY(observation, measure(ask));
      if (hooks_.store) BT_TRY_VOID(hooks_.store(observation));
      record_.observations.push_back(observation);
      strategy_.tell(record_.observations.back());
    }
  }

 private:
  Status tell_again();
  Result<Observation> measure(const Ask& ask);
  Result<Observation> run_round(RoundRequest request);
  void note_anchor(const Ask& ask);

  Strategy& strategy_;
  Measurer& measurer_;
  SessionRecord& record_;
  const DriverHooks& hooks_;
  Live stale_;  // prepared according to the stored observations, but not in this measurer
};

std::string words_of(const Ask& ask) {
  if (const auto* prepare = std::get_if<AskPrepare>(&ask))
    return fmt::format("preparation of trial {} ({})", prepare->trial,
                       to_string(prepare->candidate));
  if (const auto* probe = std::get_if<AskProbe>(&ask))
    return "probe of " + to_string(probe->request.candidate);
  if (const auto* round = std::get_if<AskRound>(&ask)) {
    std::string trials;
    for (const Contender& contender : round->request.contenders)
      trials += fmt::format("{}{}", trials.empty() ? "" : ", ", contender.trial);
    return fmt::format("round of the anchor {} and trials {}", round->request.anchor, trials);
  }
  return std::get<AskStop>(ask).reason;
}

std::string words_of(const Observation& observation) {
  if (const auto* preparation = std::get_if<Preparation>(&observation.what))
    return fmt::format("preparation of trial {} ({})", preparation->trial,
                       to_string(preparation->candidate));
  if (const auto* probe = std::get_if<Probe>(&observation.what))
    return "probe of " + to_string(probe->candidate);
  std::string trials;
  for (const Visit& visit : std::get<Round>(observation.what).visits)
    if (visit.reference.empty())
      trials += fmt::format("{}{}", trials.empty() ? "" : ", ", visit.trial);
  return "round of trials " + trials;
}

bool answers(const Observation& observation, const Ask& ask) {
  if (const auto* prepare = std::get_if<AskPrepare>(&ask)) {
    const auto* preparation = std::get_if<Preparation>(&observation.what);
    return preparation && preparation->trial == prepare->trial &&
           preparation->candidate == prepare->candidate;
  }
  if (const auto* wanted = std::get_if<AskProbe>(&ask)) {
    const auto* probe = std::get_if<Probe>(&observation.what);
    return probe && ProbeRequest{probe->candidate, probe->limit, probe->soak} == wanted->request;
  }
  const auto* request = std::get_if<AskRound>(&ask);
  const auto* round = std::get_if<Round>(&observation.what);
  if (!request || !round) return false;
  const auto asked = [&](TrialId trial) {
    const auto& contenders = request->request.contenders;
    return trial == request->request.anchor ||
           std::any_of(contenders.begin(), contenders.end(),
                       [&](const Contender& contender) { return contender.trial == trial; });
  };
  return std::all_of(round->visits.begin(), round->visits.end(), [&](const Visit& visit) {
    return !visit.reference.empty() || asked(visit.trial);
  });
}

void Driver::note_anchor(const Ask& ask) {
  const auto* round = std::get_if<AskRound>(&ask);
  if (round && record_.anchor == 0) record_.anchor = round->request.anchor;
}

Status Driver::tell_again() {
  for (const Observation& observation : record_.observations) {
    Ask ask = strategy_.ask();
    for (;; ask = strategy_.ask()) {
      if (const auto* release = std::get_if<AskRelease>(&ask))
        stale_.erase(release->trial);
      else if (!std::holds_alternative<AskCompile>(ask))  // of then: its compiler is gone
        break;
    }
    if (!answers(observation, ask))
      return environment_error(
          "the stored observations to be what the strategy asks for now",
          fmt::format("a stored {} where it asks: {}", words_of(observation), words_of(ask)),
          "session " + record_.header.uuid,
          "Resume with the same settings and version, or start a new session.");
    note_anchor(ask);
    if (const auto* preparation = std::get_if<Preparation>(&observation.what))
      if (preparation->ending.status == TrialStatus::ok)
        stale_[preparation->trial] = preparation->candidate;
    if (const auto* round = std::get_if<Round>(&observation.what))
      for (const RoundFailure& failure : round->failures) stale_.erase(failure.trial);
    strategy_.tell(observation);
  }
  return {};
}

Result<Observation> Driver::measure(const Ask& ask) {
  note_anchor(ask);
  if (const auto* prepare = std::get_if<AskPrepare>(&ask)) {
    stale_.erase(prepare->trial);
    return measurer_.prepare(prepare->trial, prepare->candidate);
  }
  if (const auto* probe = std::get_if<AskProbe>(&ask)) return measurer_.probe(probe->request);
  return run_round(std::get<AskRound>(ask).request);
}

// Contenders that cannot be prepared again have ended: the round says so, as if they had failed in
// it.
Result<Observation> Driver::run_round(RoundRequest request) {
  std::vector<RoundFailure> failures;
  const auto prepare_again = [&](TrialId trial) -> Result<bool> {
    const auto found = stale_.find(trial);
    if (found == stale_.end()) return true;
    BT_TRY(observation, measurer_.prepare(trial, found->second));
    stale_.erase(found);
    const Ending& ending = std::get<Preparation>(observation.what).ending;
    if (ending.status == TrialStatus::ok) return true;
    failures.push_back({trial, ending});
    return false;
  };
  if (request.anchor != 0) {
    BT_TRY(anchor_lives, prepare_again(request.anchor));
    if (!anchor_lives)
      return environment_error("the session's anchor to be prepared again",
                               failures[0].ending.reason, fmt::format("trial {}", request.anchor),
                               "Start a new session.");
  }
  std::vector<Contender> living;
  for (const Contender& contender : request.contenders) {
    BT_TRY(lives, prepare_again(contender.trial));
    if (lives) living.push_back(contender);
  }
  request.contenders = living;
  BT_TRY(observation, measurer_.run_round(request));
  auto& round = std::get<Round>(observation.what);
  round.failures.insert(round.failures.end(), failures.begin(), failures.end());
  return observation;
}

}  // namespace

Result<DriverEnd> drive(Strategy& strategy, Measurer& measurer, SessionRecord& record,
                        const DriverHooks& hooks) {
  return Driver(strategy, measurer, record, hooks).run();
}

}  // namespace batchtune
