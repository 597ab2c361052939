// The fixtures of every report but that of `tune` and `measure`.
#include "tests/reports/fixture.h"

namespace batchtune::test {
namespace {

const CandidateGroup kCpu{"cpu", DType::f32, 2, 1, {}};

}  // namespace

EstimateReport full_estimate() {
  EstimateReport report;
  report.model = full_report().record.header.model;
  report.device = full_report().record.header.devices[0];
  report.estimate = full_report().record.header.estimates[0];
  report.estimate.formula =
      FormulaEstimate{64e12, 50e9, 77.312e9, 302e6, 2, 1280, 128, 5, 5, 6, 9, 11};
  return report;
}

DescribeReport full_describe() {
  return {full_report().record.header.model,
          "v1.5, stride in the 3x3 convolutions",
          {{"seq", 128}},
          {{"stem", "conv2d", "7x7 / 2, 64 channels", {112, 112, 64}, 236e6, 9408, 802816},
           {"stem.pool", "max_pool", "", {56, 56, 64}, 0, 0, 200704}},
          std::nullopt};
}

DescribeReport unknown_describe() {
  return {unknown_report().record.header.model,
          "ONNX Runtime's own format, 12.0 MiB, which its runtime alone can read: operations, shapes "
          "and work are unknown here",
          {{"seq", 128}},
          {},
          RuntimeDeclaration{"ONNX Runtime 1.23.0",
                             "input_ids int64 [batch, 128], attention_mask int64 [batch, 128]",
                             "logits float [batch, 2]", "input_ids below 16", ""}};
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

std::vector<DeploymentPoint> full_points() {
  const TuneReport report = full_report();
  DeploymentPoint current;
  current.session = 12;
  current.measured_at = "2026-08-21T14:03:22Z";
  current.age = 3 * 86400.0;
  current.model = report.record.header.model.name;
  current.model_hash = report.record.header.model.hash;
  current.backend = "cpu";
  current.device = "AMD EPYC, 2 CPUs";
  current.dtypes = {DType::f32};
  for (const Trial& trial : report.conclusion.trials)
    if (trial.id == report.conclusion.best->trial) current.trial = trial;
  current.price = 0.5;
  current.cost = 0.337;
  DeploymentPoint stale = current;
  stale.session = 3;
  stale.model = "bert-large@seq=384";
  stale.dims = {{"seq", 384}};
  stale.age = 5000;
  stale.wishes.latency_limits = {{LatencyMetric::p99, 0.02}};
  stale.wishes.memory_limit = Bytes{2} << 30;
  stale.proven = false;
  stale.price.reset();
  stale.cost.reset();
  stale.stale = {"runtime: oneTBB 2021.8 then, oneTBB 2022.0 now",
                 "batchtune: 0.1.0 then, 0.2.0 now"};
  DeploymentPoint none = current;
  none.session = 9;
  none.model = "mlp";
  none.backend = "simulated:wall=2GiB";
  none.device = "simulated device";
  none.simulated = true;
  none.dtypes = {DType::f32, DType::bf16};
  none.wishes.latency_limits = {{LatencyMetric::p50, 1e-6}};
  none.trial.reset();
  none.gap = "p50 31 ms, 1.55 x the limit";
  none.cost.reset();
  none.age.reset();
  none.unchecked = {"model"};
  return {current, stale, none};
}

std::vector<TunedModel> full_several() {
  return {{"resnet-50", full_report(), std::nullopt},
          {"vgg-16", std::nullopt,
           Error{ErrorKind::environment, "room for a row", "a full disk", "sessions.db",
                 "Make room, then go on with --resume"}},
          {"mlp", nothing_fits_report(), std::nullopt}};
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
  look.exchange_levels = {{1, 0.9}, {0.23, 0.1}};
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

}  // namespace batchtune::test
