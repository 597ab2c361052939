#include "tests/storage/fixture.h"

#include <stdlib.h>

#include <fstream>
#include <sstream>

#include "storage/detail/database.h"
#include "tests/support/catch.h"

namespace batchtune::test {
namespace {

const CandidateGroup kGroup{"cpu", DType::bf16, 2, 3, {{"seq", 384}, {"beam", 4}}};

DeviceInfo example_device() {
  DeviceInfo device;
  device.name = "AMD EPYC, 2 CPUs";
  device.backend = "cpu";
  device.version = "oneTBB 2021.8";
  device.peaks = {
      {DType::bf16, "avx512bf16", 512e9, FigureOrigin::measured, "calibrate, 2 threads"},
      {DType::f32, "", 1.0 / 3, FigureOrigin::user, "--peak"}};
  device.memory_levels = {{"L2", 1048576.0, 2e11, FigureOrigin::measured, "calibrate"},
                          {"DRAM", std::nullopt, 2.5e10, FigureOrigin::catalogue, "page"}};
  device.memory_bytes = 8e9;
  device.run_overhead = 1e-6;
  device.layer_overhead = 2e-7;
  device.cores = 2;
  device.load_seconds = 1.25;
  device.simulated = true;
  device.isa_in_use = {{DType::bf16, "avx512bf16"}};
  return device;
}

Estimate example_estimate() {
  Estimate estimate;
  estimate.group = kGroup;
  estimate.batch = 5;
  estimate.bound = Bound::memory;
  estimate.formula =
      FormulaEstimate{64e12, 50e9, 77.3e9, 302e6, 2, 1280, 128, 5.000000001, 5, 6, 4, 6};
  estimate.curve = {{1, 0.1, 10, 1e9, Bound::memory}, {8, 0.3, 26.7, 1.5e9, Bound::compute}};
  return estimate;
}

}  // namespace

TempFolder::TempFolder() {
  std::string pattern =
      (std::filesystem::temp_directory_path() / "batchtune-storage-XXXXXX").string();
  REQUIRE(mkdtemp(pattern.data()) != nullptr);
  path_ = pattern;
}

TempFolder::~TempFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

SessionHeader example_header(const std::string& uuid, const std::string& model) {
  SessionHeader header;
  header.uuid = uuid;
  header.command = "tune";
  header.started_at = "2026-01-02T03:04:05Z";
  header.seed = 0xfedcba9876543210u;
  header.strategy = "seed_outwards";
  header.model = {model, "00112233445566aa", 340e6, 78.9e9, 302e6, 77.3e9, 1e8};
  header.model_json = R"({"name":"x"})";
  header.wishes.objective = Objective::throughput;
  header.wishes.give_up = 0.03;
  header.wishes.latency_limits = {{LatencyMetric::p99_9, 0.02}, {LatencyMetric::max, 1}};
  header.wishes.memory_limit = 1 << 30;
  header.wishes.precision = 0.005;
  header.wishes.tolerance = 0.02;
  header.wishes.throughput_floor = 500;
  header.wishes.prices = {{"", 0.34}, {"cpu", 2}};
  header.settings.requested = {{"budget", 60.0, "--budget"}, {"db", std::monostate{}, "default"}};
  header.settings.effective = {{"threads", std::int64_t{2}, "affinity"},
                               {"pinned", true, "default"},
                               {"isa", std::string("avx512"), "default"},
                               {"whole", 2.0, "a double that looks like an integer"}};
  header.environment = {{"cpu.model", std::string("AMD EPYC \"9R14\"")},
                        {"kernel", std::string("6.1")},
                        {"cpus", std::int64_t{2}},
                        {"a", false},
                        {"load", 0.25},
                        {"none", std::monostate{}}};
  header.devices = {example_device(), example_device()};
  header.devices[1].backend = "onednn";
  header.estimates = {example_estimate(), example_estimate()};
  header.estimates[1].formula.reset();
  header.reference_hash = "abc";
  header.simulated = true;
  header.revision = "v1.2-3-gabc";
  header.branch = "main";
  header.label = "nightly; 'quoted'";
  return header;
}

HostState example_host_state() {
  HostState host;
  host.compute_canary = {1e-4, 1.0 / 3};
  host.cache_canary = {2e-4, 3e-4};
  host.exchange_canary = {8e-8};
  host.compute_cycles = {1.2e5, 1.0 / 7};
  host.clock_hz = 3.7e9;
  host.involuntary_switches = 3;
  host.minor_faults = 0;
  host.major_faults = std::int64_t{1} << 40;
  host.cpu_pressure = 0.0;
  host.load = 2;
  host.steal = 0.01;
  host.parked_cpu = 1e-3;
  return host;
}

Observation example_preparation() {
  return {
      Preparation{1,
                  {kGroup, 8},
                  {},
                  0.5,
                  1.5,
                  0.021,
                  MemoryUse{100, 20, 3, MemoryKind::account},
                  0.25,
                  {2, 8}},
      0.25, 2.021, 2.5, 0};
}

Observation example_round(int sequence) {
  const double third = sequence + 1.0 / 3;
  HostState partly;  // most of it could not be read
  partly.load = 0.5;
  Round round;
  round.visits = {{1, "", 0, 0, 1, false, std::nullopt, {third, 0.1, 0.2, 0.4}},
                  {1, "", 0, 1, 2, true, example_host_state(), {third, 5e-324, 0.2}},
                  {0, "cache", 1, 0, 0, false, partly, {}}};
  round.failures = {{2, {TrialStatus::crashed, "the worker died", "signal 11", ""}}};
  return {round, 3.5 + sequence, 0.9, 1.25, 0.125};
}

Observation example_probe() {
  Probe probe;
  probe.candidate = {kGroup, 212};
  probe.limit = Bytes{1} << 31;
  probe.limiter = LimiterKind::account;
  probe.ending = {TrialStatus::out_of_memory, "too large", "account: wanted 3.1 GiB of 2.0 GiB",
                  "host"};
  probe.memory = MemoryUse{1, 2, 3, MemoryKind::rss};
  probe.seconds = 4.5;
  probe.soak = 30;
  probe.runs = 1234;
  probe.peak_resident = Bytes{3} << 30;
  probe.spill = Spill{4096, 17};
  probe.killed = true;
  return {probe, 9.75, 4.5, 5, 0.5};
}

Conclusion example_conclusion() {
  Measurement measurement;
  measurement.undisturbed = 0.021;
  measurement.undisturbed_ci95 = Interval{0.02, 0.022};
  measurement.p50 = 0.022;
  measurement.p90 = 0.025;
  measurement.max = 0.04;
  measurement.throughput_undisturbed = 412;
  measurement.throughput_as_seen = 390;
  measurement.ratio_to_anchor = 0.9;
  measurement.ratio_ci95 = Interval{0.89, 0.91};
  measurement.visits = 24;
  measurement.quiet_visits = 20;
  measurement.samples = 96;
  measurement.autocorrelation = 0.15;

  Trial good;
  good.id = 1;
  good.candidate = {kGroup, 8};
  good.measurement = measurement;
  good.memory = 1000;
  good.memory_kind = MemoryKind::account;
  good.prepare_seconds = 0.5;
  good.on_front = true;
  good.front_probability = 0.97;
  good.estimate = PointEstimate{8, 0.02, 400, 900, Bound::compute};
  good.limits = {{LatencyMetric::p99_9, 0.02, LimitDecision::unproven, 0.7, 118.5, 120, 0},
                 {LatencyMetric::max, 1, LimitDecision::broken, std::nullopt, 0, 0, 0}};
  Trial bad;
  bad.id = 2;
  bad.candidate = {kGroup, 16};
  bad.ending = {TrialStatus::crashed, "the worker died", "signal 11", ""};

  Verdict fits;
  fits.backend = "cpu";
  fits.trial = 1;
  fits.batch = 8;
  fits.reason = "98 % of the best";
  fits.runner_up = 2;
  fits.stability = 0.94;
  fits.headroom = 1e6;
  fits.headroom_share = 0.25;
  fits.soaked = Soaked{30, 1400, Bytes{5} << 20, {TrialStatus::unstable, "slower", "20 %", ""}};
  Verdict none;
  none.backend = "onednn";
  none.reason = "nothing";
  none.nothing_fits = NothingFits{2, "1.5 x the limit", {"bf16", "a 'smaller' model"}};

  Conclusion conclusion;
  conclusion.anchor = 1;
  conclusion.trials = {good, bad};
  conclusion.fronts = {{kGroup, {1}}};
  Boundary boundary;
  boundary.group = kGroup;
  boundary.kind = BoundaryKind::probed;
  boundary.limiter = LimiterKind::rlimit;
  boundary.largest_fitting = 212;
  boundary.smallest_failing = 213;
  boundary.exact = false;
  boundary.kills = 2;
  boundary.evidence = "probed twice";
  conclusion.boundaries = {boundary};
  conclusion.verdicts = {fits, none};
  conclusion.best = Best{1, "cpu", 8, false};
  conclusion.quiet_share = 0.75;
  conclusion.kills = 2;
  return conclusion;
}

SessionRecord ended(std::int64_t session, int observations, SessionEnd end,
                    const std::string& reason) {
  SessionRecord record;
  record.header.number = session;
  record.observations.resize(static_cast<std::size_t>(observations));
  record.end = end;
  record.end_reason = reason;
  record.overhead = Overhead{4e-8, 1.5e-5, 0.03};
  return record;
}

std::unique_ptr<Store> open_store(const std::string& path) {
  auto store = Store::open(path, false);
  INFO((store ? "" : to_string(store.error())));
  REQUIRE(store);
  return std::move(*store);
}

std::string query(const std::string& path, const std::string& sql) {
  auto database = detail::Database::open(path, detail::Access::read);
  REQUIRE(database);
  detail::Statement statement(*database, sql);
  auto row = statement.step();
  INFO(sql << ": " << (row ? "" : to_string(row.error())));
  REQUIRE(row);
  return *row ? statement.text(0) : "";
}

std::string read_file(const std::string& path) {
  std::ostringstream content;
  content << std::ifstream(path, std::ios::binary).rdbuf();
  return content.str();
}

void write_file(const std::string& path, const std::string& content) {
  std::ofstream(path, std::ios::binary) << content;
}

}  // namespace batchtune::test
