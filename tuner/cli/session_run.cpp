#include "tuner/cli/session_run.h"

#include <unistd.h>

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "tuner/cli/ceilings.h"
#include "tuner/cli/command.h"
#include "tuner/cli/corrections.h"
#include "tuner/cli/database.h"
#include "tuner/cli/interrupt.h"
#include "tuner/cli/kernel_notes.h"
#include "tuner/cli/loaded_settings.h"
#include "tuner/cli/outside_share.h"
#include "tuner/cli/progress.h"
#include "tuner/cli/quiet_notes.h"
#include "tuner/core/clock.h"
#include "tuner/search/conclude.h"
#include "tuner/search/driver.h"
#include "tuner/search/proof.h"

namespace batchtune {
namespace {

int last_signal = 0;

Seconds age_of(const SessionRecord& record) {
  Seconds age = 0;
  for (const Observation& observation : record.observations)
    age = std::max(age, observation.started + observation.device_time);
  return age;
}

// The most warm runs that each trial had in a stored round.
std::map<TrialId, int> warm_runs_of(const SessionRecord& record) {
  std::map<TrialId, int> warm;
  for (const Observation& observation : record.observations)
    if (const auto* round = std::get_if<Round>(&observation.what))
      for (const Visit& visit : round->visits)
        if (visit.trial != 0) warm[visit.trial] = std::max(warm[visit.trial], visit.warm);
  return warm;
}

// What the store's hook needs; the anchor is stored with the first observation after it was fixed.
class Recorder {
 public:
  Recorder(Store& store, const SessionRecord& record) : store_(store), record_(record) {}

  Status keep(const Observation& observation) {
    BT_TRY_VOID(keep_anchor());
    const auto stored = static_cast<std::int64_t>(record_.observations.size());
    return store_.append(record_.header.number, stored + 1, observation);
  }
  Status keep_anchor() {
    if (record_.anchor == stored_anchor_) return {};
    stored_anchor_ = record_.anchor;
    return store_.set_anchor(record_.header.number, record_.anchor);
  }

 private:
  Store& store_;
  const SessionRecord& record_;
  TrialId stored_anchor_ = 0;
};

// What is learned for later sessions is worth a warning when it cannot be kept, never this session.
void warn_unless(const Status& kept) {
  if (!kept) say("WARNING: not kept for later sessions: " + to_string(kept.error()));
}

// What is kept of a load: proofs of kernels, and the settings that the backend says are in force.
Status keep_load(Store& store, SessionHeader& header, const LoadNotice& notice) {
  warn_unless(keep_kernel_proofs(store, notice.group.backend, notice.report));
  if (!add_loaded_settings(header, notice)) return {};
  return store.update_settings(header.number, header.settings);
}

Status keep_outputs(Store& store, SessionHeader& header, const OutputNotice& notice) {
  if (!add_output_settings(header, notice)) return {};
  return store.update_settings(header.number, header.settings);
}

void say_outputs_differ(const OutputNotice& notice) {
  say("WARNING: the output of sample 0 of " + to_string(notice.group) + " differs from that of " +
      to_string(notice.against) + " by " + format_number(notice.error, 3) +
      " of the largest value; " + format_number(notice.allowed, 3) + " is allowed");
}

void say_reference_lost(const std::string& name, const Ending& ending) {
  say("WARNING: the reference program '" + name + "' is left out, so this session cannot be " +
      "compared by it: " + ending.reason + (ending.evidence.empty() ? "" : "; ") + ending.evidence);
}

// What the tool itself cost: measured last, when nothing waits. A resumed session has no share
// outside measuring, since its wall time holds only part of its observations.
std::optional<Overhead> overhead_of(const SessionRecord& record, WorkerMeasurer& measurer,
                                    bool resumed, Seconds wall) {
  auto overhead = measurer.measure_overhead();
  if (!overhead) return std::nullopt;
  if (!resumed) overhead->outside_share = outside_share(record.observations, wall);
  return *overhead;
}

Result<DriverEnd> drive_session(Store& store, SessionRecord& record, Strategy& strategy,
                                SessionPlan& plan, const InterruptWatch& watch, bool quiet) {
  const SteadyClock clock;
  const double started = clock.now();
  const bool resumed = !record.observations.empty();
  Recorder recorder(store, record);
  ProgressLine line(!quiet);
  Status load_kept;
  plan.measuring.session_age = age_of(record);
  plan.measuring.warm = warm_runs_of(record);
  plan.measuring.on_load = [&](const LoadNotice& notice) {
    line.clear();
    if (Status kept = keep_load(store, record.header, notice); !kept) load_kept = kept;
  };
  plan.measuring.on_outputs = [&](const OutputNotice& notice) {
    line.clear();
    if (!notice.agree()) say_outputs_differ(notice);
    if (Status kept = keep_outputs(store, record.header, notice); !kept) load_kept = kept;
  };
  plan.measuring.on_reference_lost = [&](const std::string& name, const Ending& ending) {
    line.clear();
    say_reference_lost(name, ending);
  };
  DriverHooks hooks;
  hooks.store = [&](const Observation& observation) {
    return load_kept ? recorder.keep(observation) : load_kept;
  };
  if (line.active())
    hooks.progress = [&](const Ask& ask, std::span<const Observation> seen) {
      line.show(progress_text(record.header, ask, seen, plan.problem.budget.racing,
                              terminal_width(STDERR_FILENO) - 1));
    };
  hooks.interrupted = &watch.interrupted();
  WorkerMeasurer measurer(plan.measuring);
  auto end = drive(strategy, measurer, record, hooks);
  if (!end) return end;
  BT_TRY_VOID(recorder.keep_anchor());
  if (record.header.simulated) return end;
  warn_unless(keep_quiet_levels(store, canary_cpus(), measurer.quiet_levels()));
  if (!watch.interrupted())
    record.overhead = overhead_of(record, measurer, resumed, clock.now() - started);
  return end;
}

// Of `measure`, which recommends nothing: whether some batch was measured that keeps all limits.
int finding_of_list(const std::vector<Trial>& trials) {
  const auto some_trial = [&](auto keeps) {
    return std::any_of(trials.begin(), trials.end(), [&](const Trial& trial) {
      return trial.measurement && std::all_of(trial.limits.begin(), trial.limits.end(), keeps);
    });
  };
  if (some_trial([](const LimitVerdict& limit) { return limit.decision == LimitDecision::kept; }))
    return kDone;
  if (some_trial([](const LimitVerdict& limit) { return limit.decision != LimitDecision::broken; }))
    return kInconclusive;
  return kFinding;
}

Result<TuneReport> run_watched(Store& store, SessionRecord record, Strategy& strategy,
                               SessionPlan& plan, const InterruptWatch& watch, bool quiet) {
  const auto end = drive_session(store, record, strategy, plan, watch, quiet);
  record.end = end ? end->end : SessionEnd::failed;
  record.end_reason = end ? end->reason : to_string(end.error());
  note_loading(record);
  TuneReport report{std::move(record), {}};
  report.conclusion = conclude(report.record, report.record.header.wishes);
  const Status finished = store.finish_session(report.record, report.conclusion);
  if (!end) return tl::make_unexpected(end.error());  // the first fault is the one to tell
  BT_TRY_VOID(finished);
  warn_unless(
      keep_ceilings(store, plan.backends, report.record.header, report.conclusion.boundaries));
  if (report.record.header.command == "tune" && report.record.end != SessionEnd::interrupted)
    warn_unless(
        keep_corrections(store, plan.backends, report.record.header, report.conclusion.trials));
  return report;
}

}  // namespace

int interrupting_signal() {
  return last_signal;
}

Result<TuneReport> run_session(Store& store, SessionRecord record, Strategy& strategy,
                               SessionPlan plan, bool quiet) {
  if (const std::string cost = proof_cost(plan.problem).words; !quiet && !cost.empty()) say(cost);
  const InterruptWatch watch;
  auto report = run_watched(store, std::move(record), strategy, plan, watch, quiet);
  last_signal = watch.signal();
  return report;
}

int finding_of(const TuneReport& report) {
  if (report.record.header.command == "measure") return finding_of_list(report.conclusion.trials);
  if (!report.conclusion.best) return kFinding;
  return report.conclusion.best->proven ? kDone : kInconclusive;
}

int exit_code(const TuneReport& report) {
  const bool cut_short = report.record.end == SessionEnd::interrupted;
  return cut_short ? kInterrupted + interrupting_signal() : finding_of(report);
}

}  // namespace batchtune
