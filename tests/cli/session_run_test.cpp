// How a session that is run ends, with a scripted strategy and a store that keeps nothing: signals
// at the worst moments, notes that cannot be written, exit codes.
#include "tuner/cli/session_run.h"

#include <csignal>
#include <functional>
#include <string>

#include "tests/cli/silent_store.h"
#include "tests/support/catch.h"
#include "tuner/cli/command.h"
#include "tuner/cli/interrupt.h"

using namespace batchtune;

namespace {

// Tests say what happens when a session is finished, and whether notes can be kept.
class ScriptedStore final : public SilentStore {
 public:
  std::function<void()> on_finish = [] {};
  bool takes_notes = true;
  int finished = 0, notes_refused = 0;

  Status finish_session(const SessionRecord&, const Conclusion&) override {
    on_finish();
    ++finished;
    return {};
  }
  Status put_note(const Note&) override {
    if (takes_notes) return {};
    ++notes_refused;
    return environment_error("to write a note", "a full disk", path());
  }
};

// Says its releases and observations, if any, and then that all is done.
class ScriptedStrategy final : public Strategy {
 public:
  std::function<void()> on_ask = [] {};
  int releases = 0;  // asks that need no device
  Ask ask() override {
    on_ask();
    if (releases-- > 0) return AskRelease{1};
    if (told_ < static_cast<int>(probes_.size()))
      return AskProbe{{probes_[static_cast<std::size_t>(told_)], 1000, 0}};
    return AskStop{SessionEnd::converged, "all is done"};
  }
  void tell(const Observation&) override { ++told_; }
  void expect(const Candidate& candidate) { probes_.push_back(candidate); }

 private:
  std::vector<Candidate> probes_;
  int told_ = 0;
};

SessionRecord record_of(const std::string& command) {
  SessionRecord record;
  record.header.command = command;
  record.header.number = 1;
  record.header.simulated = true;
  record.header.wishes.memory_limit = 1000;
  return record;
}

Result<TuneReport> run(ScriptedStore& store, ScriptedStrategy& strategy, SessionRecord record) {
  return run_session(store, std::move(record), strategy, SessionPlan{}, true);
}

Trial trial_of(std::vector<LimitDecision> decisions) {
  Trial trial;
  trial.measurement = Measurement{};
  for (const LimitDecision decision : decisions) {
    LimitVerdict limit;
    limit.decision = decision;
    trial.limits.push_back(limit);
  }
  return trial;
}

int finding_of_list(std::vector<Trial> trials) {
  TuneReport report{record_of("measure"), {}};
  report.conclusion.trials = std::move(trials);
  return finding_of(report);
}

}  // namespace

TEST_CASE("a signal while a session is closed neither leaves it running nor changes its end",
          "[cli]") {
  for (const int signal : {SIGINT, SIGTERM}) {
    ScriptedStore store;
    ScriptedStrategy strategy;
    store.on_finish = [&] { std::raise(signal); };  // without a watch the test ends here
    const auto report = run(store, strategy, record_of("tune"));
    REQUIRE(report.has_value());
    CHECK(store.finished == 1);
    CHECK(report->record.end == SessionEnd::converged);
    CHECK(exit_code(*report) == kFinding);  // nothing was measured
    CHECK(interrupting_signal() == signal);
  }
}

TEST_CASE("a signal that leaves something to be measured is told by the exit code", "[cli]") {
  for (const int signal : {SIGINT, SIGTERM}) {
    ScriptedStore store;
    ScriptedStrategy strategy;
    strategy.releases = 2;
    strategy.on_ask = [&] { std::raise(signal); };
    const auto report = run(store, strategy, record_of("tune"));
    REQUIRE(report.has_value());
    CHECK(report->record.end == SessionEnd::interrupted);
    CHECK(exit_code(*report) == 128 + signal);
  }
}

// It used to be 130 beside "ended": "converged", and --resume then found nothing to go on with.
TEST_CASE("after all was measured a signal stops the next session and this one's code is its own",
          "[cli]") {
  ScriptedStore store;
  ScriptedStrategy strategy;
  strategy.on_ask = [] { std::raise(SIGINT); };
  const auto report = run(store, strategy, record_of("tune"));
  REQUIRE(report.has_value());
  CHECK(report->record.end == SessionEnd::converged);
  CHECK(interrupting_signal() == SIGINT);
  CHECK(exit_code(*report) == kFinding);
  strategy.on_ask = [] {};
  const auto next = run(store, strategy, record_of("tune"));
  REQUIRE(next.has_value());
  CHECK(interrupting_signal() == 0);
  CHECK(exit_code(*next) == kFinding);  // nothing was measured
}

TEST_CASE("a signal between two sessions is kept, and one that is begun nevertheless ends at once",
          "[cli]") {
  ScriptedStore store;
  ScriptedStrategy strategy;
  const InterruptWatch of_all;
  REQUIRE(run(store, strategy, record_of("tune")).has_value());
  std::raise(SIGTERM);  // without a watch the test ends here
  CHECK(of_all.signal() == SIGTERM);
  strategy.releases = 2;
  const auto report = run(store, strategy, record_of("tune"));
  REQUIRE(report.has_value());
  CHECK(report->record.end == SessionEnd::interrupted);
  CHECK(exit_code(*report) == 128 + SIGTERM);
  CHECK(of_all.signal() == SIGTERM);
}

TEST_CASE("a ceiling that cannot be kept for later sessions does not cost this one", "[cli]") {
  ScriptedStore store;
  store.takes_notes = false;
  ScriptedStrategy strategy;
  SessionRecord record = record_of("tune");
  Estimate estimate;
  estimate.group = {"simulated", DType::f32, 1, 1, {}};
  record.header.estimates = {estimate};
  for (const std::int64_t batch : {1, 2}) {
    Probe probe;
    probe.candidate = {estimate.group, batch};
    probe.limit = 1000;
    probe.limiter = LimiterKind::account;
    if (batch == 2) probe.ending = {TrialStatus::out_of_memory, "too much", "account", "device"};
    strategy.expect(probe.candidate);
    record.observations.push_back({probe, 0, 1, 1, 0});
  }
  const auto report = run(store, strategy, record);
  REQUIRE(report.has_value());
  REQUIRE(report->conclusion.boundaries.size() == 1);
  CHECK(report->conclusion.boundaries[0].kind == BoundaryKind::probed);
  CHECK(store.finished == 1);
  CHECK(store.notes_refused == 1);
}

TEST_CASE("a list's exit code is of the batch that does best in its limits", "[cli]") {
  using enum LimitDecision;
  CHECK(finding_of_list({}) == kFinding);
  CHECK(finding_of_list({Trial{}}) == kFinding);  // not measured
  CHECK(finding_of_list({trial_of({})}) == kDone);
  CHECK(finding_of_list({trial_of({broken}), trial_of({kept, kept})}) == kDone);
  CHECK(finding_of_list({trial_of({kept, broken}), trial_of({kept, unproven})}) == kInconclusive);
  CHECK(finding_of_list({trial_of({unproven, broken})}) == kFinding);
  CHECK(finding_of_list({trial_of({kept, broken}), trial_of({broken, kept})}) == kFinding);
}
