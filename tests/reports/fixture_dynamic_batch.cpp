// Sessions with dynamic batching: a mix of user batches, and user batches in runs of what was compiled.
#include "tests/reports/fixture.h"
#include "tuner/core/user_batches.h"

namespace batchtune::test {
namespace {

// As full_report() has them, but whole or split.
Trial trial_of(const TuneReport& report, TrialId id, std::int64_t compiled, std::int64_t batch, Seconds latency) {
  Trial trial = report.conclusion.trials[0];
  trial.id = id;
  trial.candidate = {trial.candidate.group, batch};
  trial.candidate.group.compiled_batch = compiled;
  trial.ending = {};
  trial.limits.clear();
  trial.estimate.reset();
  trial.on_front = false;
  trial.front_probability.reset();
  Measurement& m = *trial.measurement;
  m.undisturbed = latency;
  m.undisturbed_ci95 = Interval{latency * 0.99, latency * 1.01};
  m.p50 = latency * 1.05;
  m.p90.reset();
  m.max = latency * 2;
  m.throughput_undisturbed = static_cast<double>(batch) / latency;
  m.throughput_as_seen = m.throughput_undisturbed * 0.93;
  return trial;
}

TuneReport plain_report() {
  TuneReport report = full_report();
  report.record.header.wishes.latency_limits.clear();
  return report;
}

}  // namespace

TuneReport mix_report() {
  TuneReport report = plain_report();
  Wishes& wishes = report.record.header.wishes;
  wishes.objective = Objective::throughput;
  wishes.user_batches = {{1, 0.4}, {8, 0.3}, {12, 0.3}};
  Conclusion& conclusion = report.conclusion;
  conclusion.trials = {trial_of(report, 1, 0, 1, 0.045), trial_of(report, 2, 0, 4, 0.125),
                       trial_of(report, 3, 0, 8, 0.24),  trial_of(report, 4, 0, 12, 0.35),
                       trial_of(report, 5, 4, 1, 0.127), trial_of(report, 6, 4, 8, 0.254),
                       trial_of(report, 7, 4, 12, 0.381)};
  conclusion.fronts.clear();
  Verdict& verdict = conclusion.verdicts[0];
  verdict = {};
  verdict.backend = "cpu";
  verdict.trial = 2;
  verdict.batch = 4;
  verdict.objective = Objective::throughput;
  verdict.reason =
      "batch 4: the best throughput, 26.5 samples/s; 84 % of what it computes is of use: 1 in 1 run, 8 in 2, "
      "12 in 3; run with these user batches, -1.6 % of what its own runs promise";
  verdict.runner_up = 1;
  conclusion.best = Best{2, "cpu", 4, true};
  return report;
}

TuneReport split_report() {
  TuneReport report = plain_report();
  report.record.header.command = "measure";
  Conclusion& conclusion = report.conclusion;
  conclusion.trials = {trial_of(report, 1, 0, 4, 0.125), trial_of(report, 2, 4, 1, 0.127),
                       trial_of(report, 3, 4, 4, 0.127), trial_of(report, 4, 4, 5, 0.253),
                       trial_of(report, 5, 4, 12, 0.381)};
  Trial failed = trial_of(report, 6, 8, 12, 0);
  failed.measurement.reset();
  failed.memory.reset();
  failed.ending = {TrialStatus::out_of_memory, "no memory for splitting a user's batch",
                   "account: wanted 3.1 GiB of 2.0 GiB", "host"};
  conclusion.trials.push_back(failed);
  conclusion.trials.push_back(trial_of(report, 7, 8, 3, 0.25));  // what was compiled was not measured alone
  conclusion.fronts.clear();
  conclusion.verdicts.clear();
  conclusion.best.reset();
  return report;
}

}  // namespace batchtune::test
