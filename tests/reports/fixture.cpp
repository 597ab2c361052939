#include "tests/reports/fixture.h"

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "tests/support/catch.h"

namespace batchtune::test {
namespace {

const CandidateGroup kCpu{"cpu", DType::f32, 2, 1, {}};
const CandidateGroup kSimulated{"simulated", DType::bf16, 2, 2, {{"seq", 128}}};

DeviceInfo cpu_device() {
  DeviceInfo device;
  device.name = "AMD EPYC 9R14, 2 CPUs";
  device.backend = "cpu";
  device.version = "oneTBB 2021.8";
  device.peaks = {{DType::f32, "avx2", 100e9, FigureOrigin::measured, "calibrate, 2 threads"},
                  {DType::f32, "avx512", 256e9, FigureOrigin::measured, "calibrate, 2 threads"}};
  device.memory_levels = {{"L2", 1048576.0, 2e11, FigureOrigin::measured, "calibrate"},
                          {"DRAM", std::nullopt, 25.6e9, FigureOrigin::measured, "calibrate"}};
  device.memory_bytes = 8e9;
  device.cores = 2;
  device.load_seconds = 1.2;
  device.isa_in_use = {{DType::f32, "avx512"}};
  return device;
}

Estimate cpu_estimate() {
  Estimate estimate;
  estimate.group = kCpu;
  estimate.batch = 5;
  estimate.bound = Bound::compute;
  estimate.formula =
      FormulaEstimate{256e9, 25.6e9, 7.71e9, 25.5e6, 4, 10, 75.59, 0.06615, 1, 2, 1, 2};
  for (std::int64_t batch : {1, 2, 5, 8, 16}) {
    const double latency = 0.01 + 0.03 * static_cast<double>(batch);
    estimate.curve.push_back({batch, latency, static_cast<double>(batch) / latency,
                              1e8 + 1e7 * static_cast<double>(batch),
                              batch < 5 ? Bound::memory : Bound::compute});
  }
  return estimate;
}

Trial measured_trial(TrialId id, const CandidateGroup& group, std::int64_t batch, double latency,
                     bool front) {
  const double throughput = static_cast<double>(batch) / latency;
  Measurement m;
  m.undisturbed = latency;
  m.undisturbed_ci95 = Interval{latency * 0.99, latency * 1.01};
  m.p50 = latency * 1.05;
  m.p90 = latency * 1.3;
  m.max = latency * 2;
  m.throughput_undisturbed = throughput;
  m.throughput_as_seen = throughput * 0.93;
  m.ratio_to_anchor = 0.9;
  m.ratio_ci95 = Interval{0.89, 0.91};
  m.visits = 24;
  m.quiet_visits = 20;
  m.autocorrelation = 0.12;
  m.samples = 96;
  Trial trial;
  trial.id = id;
  trial.candidate = {group, batch};
  trial.measurement = m;
  trial.memory = 104857600 + batch * 10485760;
  trial.memory_kind = MemoryKind::account;
  trial.prepare_seconds = 0.25;
  trial.on_front = front;
  trial.front_probability = front ? std::optional(0.97) : std::nullopt;
  trial.estimate = PointEstimate{batch, latency * 0.8, throughput / 0.8, 1e8, Bound::compute};
  return trial;
}

Trial failed_trial(TrialId id, const CandidateGroup& group, std::int64_t batch) {
  Trial trial;
  trial.id = id;
  trial.candidate = {group, batch};
  trial.ending = {TrialStatus::out_of_memory, "the account limit was passed",
                  "account: wanted 3.1 GiB of 2.0 GiB", "host"};
  return trial;
}

Boundary boundary_of(const CandidateGroup& group, BoundaryKind kind, LimiterKind limiter) {
  Boundary boundary;
  boundary.group = group;
  boundary.kind = kind;
  boundary.limiter = limiter;
  return boundary;
}

// For batch 8.
Verdict verdict_of(const std::string& backend, TrialId trial, const std::string& reason) {
  Verdict verdict;
  verdict.backend = backend;
  verdict.trial = trial;
  verdict.batch = 8;
  verdict.reason = reason;
  return verdict;
}

// Two visits beside canaries, one of them disturbed, and one that nothing judged.
Observation observed_round() {
  Visit quiet;
  quiet.trial = 1;
  quiet.host = HostState{};
  quiet.host->compute_canary = {32e-6, 33e-6};
  quiet.host->cache_canary = {105e-6, 106e-6};
  quiet.host->clock_hz = 3.7e9;
  quiet.host->involuntary_switches = 2;
  quiet.host->cpu_pressure = 0.01;
  Visit disturbed = quiet;
  disturbed.disturbed = true;
  disturbed.host->clock_hz = 3.6e9;
  disturbed.host->cpu_pressure = 0.04;
  Visit unjudged;
  unjudged.reference = "compute";
  Observation observation;
  observation.what = Round{{quiet, disturbed, unjudged}, {}};
  return observation;
}

SessionHeader header_of(const DeviceInfo& device, const Estimate& estimate) {
  SessionHeader header;
  header.uuid = "0a1b2c3d-0000-4000-8000-000000000000";
  header.number = 12;
  header.database = "/home/me/.local/share/batchtune/batchtune.db";
  header.command = "tune";
  header.started_at = "2026-01-02T03:04:05Z";
  header.model = {"resnet-50", "00112233445566aa", 25557032, 7.72e9, 25.5e6, 7.71e9, 44.5e6};
  header.wishes.latency_limits = {{LatencyMetric::p50, 0.5}, {LatencyMetric::p99, 0.6}};
  header.wishes.memory_limit = Bytes{2} << 30;
  header.settings.requested = {{"threads", std::monostate{}, "default"}};
  header.settings.effective = {{"threads", std::int64_t{2}, "affinity"},
                               {"budget", 60.0, "default"},
                               {"precision", 0.01, "default"},
                               {"soak", 6.0, "a tenth of --budget"},
                               {"boundary", std::string("probed"), "--memory-limit"}};
  header.devices = {device};
  header.estimates = {estimate};
  return header;
}

// Of the first four trials three keep p50, one keeps p99; the last one was hardly judged.
void judge_by_limits(std::vector<Trial>& trials) {
  for (std::size_t i = 0; i < 4; ++i) {
    const bool kept = *trials[i].measurement->p50 < 0.3;
    trials[i].limits = {
        {LatencyMetric::p50, 0.5, kept ? LimitDecision::kept : LimitDecision::broken, 0.9996, 80.7,
         96, kept ? 1 : 60},
        {LatencyMetric::p99, 0.6, LimitDecision::unproven, 0.7, 96, 96, 0}};
  }
  trials[2].limits[1] = {LatencyMetric::p99, 0.6, LimitDecision::kept, 0.99, 662.3, 900, 1};
  trials[5].limits = {{LatencyMetric::p50, 0.5, LimitDecision::unproven, std::nullopt}};
}

}  // namespace

TuneReport full_report() {
  TuneReport report;
  report.record.header = header_of(cpu_device(), cpu_estimate());
  report.record.observations.resize(42);
  report.record.anchor = 1;
  report.record.end = SessionEnd::converged;
  report.record.end_reason = "three batches are within 1 %";
  Conclusion& conclusion = report.conclusion;
  conclusion.anchor = 1;
  conclusion.trials = {measured_trial(1, kCpu, 5, 0.16, false),
                       measured_trial(2, kCpu, 1, 0.045, true),
                       measured_trial(3, kCpu, 8, 0.24, true),
                       measured_trial(4, kCpu, 16, 0.47, true),
                       failed_trial(5, kCpu, 256),
                       measured_trial(6, kCpu, 4, 0.125, true)};
  conclusion.trials[0].ending = {TrialStatus::unstable, "levels differ by 20 % between halves", "",
                                 ""};
  judge_by_limits(conclusion.trials);
  conclusion.quiet_share = 0.83;
  report.record.observations.push_back(observed_round());
  report.record.overhead = Overhead{45e-9, 9e-6, 0.031};
  conclusion.fronts = {{kCpu, {2, 6, 3, 4}}};
  conclusion.boundaries = {boundary_of(kCpu, BoundaryKind::predicted, LimiterKind::none)};
  conclusion.boundaries[0].largest_fitting = 212;
  conclusion.boundaries[0].shape = BoundaryShape::smooth;
  conclusion.boundaries[0].shape_evidence = "batch 24 gives 3.1 % less than batch 16";
  conclusion.boundaries[0].evidence = "line through batches 1, 5, 8: 100 MiB + 10.0 MiB a sample";
  Verdict verdict = verdict_of("cpu", 3, "98 % of the best (16) at half of the latency");
  verdict.runner_up = 6;
  verdict.stability = 0.94;
  verdict.expected_regret = 0.006;
  verdict.down = Step{5, 0.94, 0.67};
  verdict.up = Step{16, 1.02, 1.96};
  verdict.limit_slack = 0.496;
  verdict.tightening = Tightening{{LatencyMetric::p50, 0.5}, 0.252, 6};
  verdict.binding = "p50 <= 500 ms: batch 16 breaks it";
  verdict.headroom = 1.9e9;
  verdict.headroom_share = 0.885;
  verdict.soaked = Soaked{6, 25, Bytes{188743680}, {}};
  conclusion.verdicts = {verdict};
  conclusion.best = Best{3, "cpu", 8, true};
  conclusion.effort = Effort{6, 40, 180, 43.2, 12.5, 16, 412.0};
  return report;
}

TuneReport nothing_fits_report() {
  TuneReport report = full_report();
  Verdict& verdict = report.conclusion.verdicts[0];
  verdict = {};
  verdict.backend = "cpu";
  report.conclusion.quiet_share.reset();  // no canaries ran
  report.record.observations.pop_back();
  report.record.overhead.reset();
  verdict.reason = "every batch breaks p50 <= 20 ms";
  verdict.nothing_fits =
      NothingFits{2, "p50 47.3 ms, 2.36 x the limit", {"a smaller dtype (bf16)", "more threads"}};
  report.conclusion.best.reset();
  return report;
}

TuneReport priced_report() {
  TuneReport report = full_report();
  Wishes& wishes = report.record.header.wishes;
  wishes.objective = Objective::cost;
  wishes.prices = {{"cpu", 0.34}};
  wishes.latency_limits.clear();
  for (Trial& trial : report.conclusion.trials) trial.limits.clear();
  Verdict& verdict = report.conclusion.verdicts[0];
  verdict.objective = Objective::cost;
  verdict.reason = "batch 8: 98 % of the best (16) at half of the latency";
  verdict.indistinguishable = {4};
  verdict.tightening.reset();
  verdict.limit_slack.reset();
  verdict.binding = "the objective: neither smaller nor larger batches give more";
  return report;
}

TuneReport several_groups_report() {
  TuneReport report = full_report();
  SessionHeader& header = report.record.header;
  header.simulated = true;
  header.devices.push_back(cpu_device());
  header.devices[1].backend = "simulated";
  header.devices[1].simulated = true;
  header.estimates.push_back(cpu_estimate());
  header.estimates[1].group = kSimulated;
  header.estimates[1].formula.reset();
  Conclusion& conclusion = report.conclusion;
  conclusion.trials.push_back(measured_trial(7, kSimulated, 8, 0.9, true));
  conclusion.fronts.push_back({kSimulated, {7}});
  Boundary probed = boundary_of(kSimulated, BoundaryKind::probed, LimiterKind::rlimit);
  probed.largest_fitting = 212;
  probed.smallest_failing = 216;
  probed.exact = false;
  probed.kills = 1;
  probed.evidence = "each was tried twice";
  conclusion.boundaries.push_back(probed);
  conclusion.kills = 3;
  Verdict second = verdict_of("simulated", 7, "the only one");
  second.soaked =
      Soaked{1.5, 2, std::nullopt, {TrialStatus::crashed, "the worker died", "signal 11", ""}};
  conclusion.verdicts.push_back(second);
  conclusion.best->proven = false;
  conclusion.trials[2].limits[1] = {
      LatencyMetric::p99, 0.6, LimitDecision::unproven, 0.7, 120, 120, 0};
  return report;
}

TuneReport empty_report() {
  TuneReport report = full_report();
  report.record.header.number = 0;
  report.record.end = SessionEnd::interrupted;
  report.record.end_reason = "";
  report.record.observations.clear();
  report.record.overhead.reset();
  report.conclusion = {};
  return report;
}

TuneReport unknown_report() {
  TuneReport report = full_report();
  SessionHeader& header = report.record.header;
  header.model = {.name = "encoder@seq=128", .hash = "00c0ffee00c0ffee"};
  Estimate unknown;
  unknown.group = header.estimates[0].group;
  header.estimates = {unknown};
  for (Trial& trial : report.conclusion.trials) trial.estimate.reset();
  return report;
}

void check_golden(const std::string& name, const std::string& content) {
  const std::string path = std::string(BT_TEST_GOLDEN) + "/" + name;
  if (const char* approve = std::getenv("BATCHTUNE_APPROVE");
      approve != nullptr && std::string(approve) == "1") {
    std::ofstream(path, std::ios::binary) << content;
    return;
  }
  std::ostringstream expected;
  expected << std::ifstream(path, std::ios::binary).rdbuf();
  INFO("golden file " << name << "; BATCHTUNE_APPROVE=1 writes what is found");
  CHECK(content == expected.str());
}

}  // namespace batchtune::test
