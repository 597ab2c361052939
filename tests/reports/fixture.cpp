#include "tests/reports/fixture.h"

#include <cmath>
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
  for (std::size_t i = 0; i < 4; ++i) {
    const bool kept = *conclusion.trials[i].measurement->p50 < 0.3;
    conclusion.trials[i].limits = {
        {LatencyMetric::p50, 0.5, kept ? LimitDecision::kept : LimitDecision::broken, 0.9996, 80.7,
         96, kept ? 1 : 60},
        {LatencyMetric::p99, 0.6, LimitDecision::unproven, 0.7, 96, 96, 0}};
  }
  conclusion.trials[5].limits = {{LatencyMetric::p50, 0.5, LimitDecision::unproven, std::nullopt}};
  conclusion.quiet_share = 0.83;
  report.record.observations.push_back(observed_round());
  report.record.overhead = Overhead{45e-9, 9e-6, 0.031};
  conclusion.fronts = {{kCpu, {2, 6, 3, 4}}};
  conclusion.boundaries = {boundary_of(kCpu, BoundaryKind::predicted, LimiterKind::none)};
  conclusion.boundaries[0].largest_fitting = 212;
  conclusion.boundaries[0].evidence = "line through batches 1, 5, 8: 100 MiB + 10.0 MiB a sample";
  Verdict verdict = verdict_of("cpu", 3, "98 % of the best (16) at half of the latency");
  verdict.runner_up = 6;
  verdict.stability = 0.94;
  verdict.headroom = 1.9e9;
  verdict.headroom_share = 0.885;
  verdict.soaked = Soaked{6, 25, Bytes{188743680}, {}};
  conclusion.verdicts = {verdict};
  conclusion.best = Best{3, "cpu", 8, true};
  return report;
}

TuneReport nothing_fits_report() {
  TuneReport report = full_report();
  Verdict& verdict = report.conclusion.verdicts[0];
  verdict.trial.reset();
  verdict.batch = 0;
  verdict.runner_up.reset();
  verdict.stability.reset();
  verdict.headroom.reset();
  verdict.headroom_share.reset();
  verdict.soaked.reset();
  report.conclusion.quiet_share.reset();  // no canaries ran
  report.record.observations.pop_back();
  report.record.overhead.reset();
  verdict.reason = "every batch breaks p50 <= 20 ms";
  verdict.nothing_fits =
      NothingFits{2, "p50 47.3 ms, 2.36 x the limit", {"a smaller dtype (bf16)", "more threads"}};
  report.conclusion.best.reset();
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

EstimateReport full_estimate() {
  EstimateReport report;
  report.model = full_report().record.header.model;
  report.device = cpu_device();
  report.estimate = cpu_estimate();
  report.estimate.formula =
      FormulaEstimate{64e12, 50e9, 77.312e9, 302e6, 2, 1280, 128, 5, 5, 6, 9, 11};
  return report;
}

DescribeReport full_describe() {
  return {full_report().record.header.model,
          "v1.5, stride in the 3x3 convolutions",
          {{"seq", 128}},
          {{"stem", "conv2d", "7x7 / 2, 64 channels", {112, 112, 64}, 236e6, 9408, 802816},
           {"stem.pool", "max_pool", "", {56, 56, 64}, 0, 0, 200704}}};
}

CompareReport full_compare() {
  CompareReport report{"session 11, resnet-50", "session 12, resnet-50", {}};
  Comparison& comparison = report.comparison;
  comparison.differences = {"threads: 2 -> 4"};
  comparison.threshold = 0.03;
  comparison.by_reference = true;
  comparison.pairs = {
      {{kCpu, 1}, "latency", 0.045, 0.0452, 1.0044, Interval{0.99, 1.02}, PairVerdict::same, ""},
      {{kCpu, 8}, "latency", 0.24, 0.27, 1.125, Interval{1.1, 1.15}, PairVerdict::slower, ""},
      {{kCpu, 16},
       "latency",
       0.47,
       0.42,
       0.894,
       std::nullopt,
       PairVerdict::inconclusive,
       "only 3 rounds in the base"}};
  comparison.base_batch = 8;
  comparison.new_batch = 16;
  comparison.moved = true;
  comparison.base_boundary = 212;
  comparison.base_quiet_share = 0.83;
  return report;
}

Listing full_listing() {
  Listing listing;
  listing.command = "list";
  listing.what = "sessions";
  listing.columns = {{"number", "no.", true, 0},
                     {"model", "model", false, 0},
                     {"best_batch", "batch", true, 0},
                     {"simulated", "sim.", false, 1}};
  const auto row = [](std::int64_t number, std::string model, Value batch, bool simulated) {
    return std::vector<Value>{number, std::move(model), std::move(batch), simulated};
  };
  listing.rows = {row(1, "resnet-50", std::int64_t{8}, false),
                  row(12, "a \"model\", odd", std::monostate{}, true)};
  listing.when_empty = "No sessions yet: run `batchtune tune`.";
  return listing;
}

FactSheet full_facts() {
  return {"calibrate",
          "This machine, 2 threads",
          {{"peak_f32", "peak f32", 256e9, "256 GFLOP/s on avx512"},
           {"cores", "cores that scale", std::int64_t{2}, ""}},
          "stored as a note"};
}

DoctorReport full_doctor() {
  DoctorReport report;
  report.title = "AMD EPYC 9R14, 2 CPUs";
  MachineLook look;
  look.seconds = 30;
  look.bursts = 2400;
  look.quiet_share = 0.71;
  look.compute_levels = {{1, 0.83}, {0.62, 0.17}};
  look.cache_levels = {{1, 0.71}, {0.8, 0.2}, {0.55, 0.09}};
  look.cores_shared = false;
  look.cores_evidence = "both CPUs together do 1.98 x the arithmetic of one";
  look.clock_hz = Interval{3.6e9, 3.7e9};
  look.cpu_pressure = 0.003;
  look.load = 0.42;
  look.steal = 0;
  report.look = look;
  using enum FindingVerdict;
  report.findings = {
      {"machine", "cpu.governor", "governor", std::string("powersave"), "", "",
       "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", bad,
       "set it to performance (cpupower frequency-set -g performance)"},
      {"machine", "cpu.smt", "SMT", false, "", "off", "/sys/devices/system/cpu/smt/active", good,
       ""},
      {"machine", "cpu.turbo", "turbo", std::monostate{}, "", "",
       "/sys/devices/system/cpu/cpufreq/boost", unknown, ""},
      {"limits", "memory.cgroup", "memory", std::int64_t{2147483648}, "bytes", "2.00 GiB",
       "/sys/fs/cgroup/memory.max", fact, ""},
      {"limits", "cpu.cgroup", "CPUs", 1.5, "CPUs", "", "/sys/fs/cgroup/cpu.max", bad,
       "a quota that is no whole number stops threads in the middle of a run: raise it to 2"},
      {"storage", "storage.journal", "journal", std::string("wal"), "", "", "", good, ""},
      {"libraries", "library.sqlite", "SQLite", std::string("3.40.1"), "", "", "", fact, ""}};
  report.overhead = Overhead{45e-9, 9e-6, std::nullopt};
  report.conclusion = "noisy: quiet in 71 % of the time; sessions here need about twice as long";
  return report;
}

std::vector<RuleEntry> full_rules() {
  return {{"precision",
           "stops when the interval of what is asked is narrow enough",
           {{"precision", "half width of the interval, relative", "share", 0.01, "1 %"},
            {"rounds", "fewest rounds", "rounds", std::int64_t{8}, ""}}},
          {"budget", "stops when the time is spent", {}}};
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
