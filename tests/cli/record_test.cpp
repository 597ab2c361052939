// From a session to recorded tables: every candidate with its samples, rounds and memory.
#include "tuner/cli/record.h"

#include <filesystem>
#include <string>

#include "tests/support/catch.h"

using namespace batchtune;

namespace {

const CandidateGroup kGroup{"cpu", DType::bf16, 2, 1, {}};
const CandidateGroup kPair{"cpu", DType::bf16, 1, 2, {}};

Observation prepared(TrialId trial, const Candidate& candidate,
                     TrialStatus status = TrialStatus::ok) {
  Preparation preparation;
  preparation.trial = trial;
  preparation.candidate = candidate;
  preparation.ending.status = status;
  preparation.prepare_seconds = 0.25 * trial;
  if (status == TrialStatus::ok) preparation.memory = MemoryUse{100, trial, 10, {}};
  return {preparation};
}

Visit visit(TrialId trial, int position, std::vector<Seconds> seconds, int instance = 0) {
  Visit visit;
  visit.trial = trial;
  visit.position = position;
  visit.instance = instance;
  visit.warm = 1;
  visit.seconds = std::move(seconds);
  return visit;
}

Observation round_of(double started, std::vector<Visit> visits) {
  Observation observation{Round{std::move(visits), {}}};
  observation.started = started;
  return observation;
}

Trial trial(TrialId id, const Candidate& candidate, TrialStatus status = TrialStatus::ok) {
  Trial trial;
  trial.id = id;
  trial.candidate = candidate;
  trial.ending.status = status;
  return trial;
}

// Batches 2 (the anchor) and 1 measured, 4 out of memory, 3 prepared and never visited.
TuneReport small_session() {
  TuneReport report;
  SessionHeader& header = report.record.header;
  header.number = 12;
  header.uuid = "u";
  header.command = "tune";
  header.strategy = "exhaustive";
  header.started_at = "2026-01-02T03:04:05Z";
  header.model.name = "m";
  header.model.parameters = 1000;
  header.model.flops_per_sample = 2e6;
  header.model.activation_bytes_per_sample = 400;
  header.wishes.memory_limit = 4096;
  DeviceInfo device;
  device.name = "CPU";
  device.backend = "cpu";
  device.peaks = {{DType::bf16, "", 1e11, FigureOrigin::measured, ""}};
  device.memory_levels = {{"DRAM", std::nullopt, 2e10, FigureOrigin::measured, ""}};
  header.devices = {device};
  Visit compute = visit(0, 1, {0.5, 0.5});
  compute.reference = "compute";
  report.record.anchor = 1;
  Probe probe;
  probe.candidate = {kGroup, 1};
  probe.memory = MemoryUse{1000, 0, 0, {}};
  report.record.observations = {
      prepared(1, {kGroup, 2}),
      prepared(2, {kGroup, 1}),
      prepared(3, {kGroup, 4}, TrialStatus::out_of_memory),
      prepared(4, {kGroup, 3}),
      round_of(10, {visit(2, 2, {0.1, 0.11}), visit(1, 0, {0.2, 0.21, 0.22}), compute}),
      round_of(20, {visit(2, 0, {0.1, 0.12})}),  // without the anchor
      round_of(30, {visit(1, 0, {0.2, 0.23})}),
      Observation{probe}};
  report.conclusion.trials = {trial(1, {kGroup, 2}), trial(2, {kGroup, 1}, TrialStatus::unstable),
                              trial(3, {kGroup, 4}, TrialStatus::out_of_memory),
                              trial(4, {kGroup, 3})};
  return report;
}

}  // namespace

TEST_CASE("a session's candidates become the rows of a table", "[cli][record]") {
  const TuneReport report = small_session();
  const auto tables = tables_of(report.record, report.conclusion);
  REQUIRE(tables.size() == 1);
  const RecordedTable& table = tables.front();
  CHECK(table.model == "m");
  CHECK(table.device == "CPU");
  CHECK(table.source == "batchtune tune, session u, 2026-01-02T03:04:05Z");
  CHECK(table.group == kGroup);
  CHECK(table.anchor == 2);
  CHECK_FALSE(table.memory_limit.has_value());  // it was not asked for
  // Counts are of f32, the data type here has half of its bytes.
  CHECK(table.problem == TableProblem{2e6, 200.0, 2000.0, 1e11, 2e10});
  REQUIRE(table.rows.size() == 3);

  const TableRow& one = table.rows[0];
  CHECK(one.batch == 1);
  CHECK(one.status == TrialStatus::unstable);
  CHECK(one.prepare == 0.5);
  CHECK(one.memory == 1000);  // of the probe
  CHECK(one.latency == std::vector<Seconds>{0.11});
  CHECK(one.round == std::vector<int>{0});
  REQUIRE(one.start.size() == 1);
  CHECK(one.start[0] == Approx(10 + 0.63 + 1 + 0.1));  // after the anchor and the reference

  const TableRow& two = table.rows[1];
  CHECK(two.batch == 2);
  CHECK(two.memory == 111);  // accounted
  CHECK(two.latency == std::vector<Seconds>{0.21, 0.22, 0.23});
  CHECK(two.round == std::vector<int>{0, 0, 2});

  CHECK(table.rows[2].batch == 4);
  CHECK(table.rows[2].status == TrialStatus::out_of_memory);
  CHECK(table.rows[2].latency.empty());
  CHECK_FALSE(table.rows[2].memory.has_value());
}

TEST_CASE("a memory limit that was asked for is recorded", "[cli][record]") {
  TuneReport report = small_session();
  report.record.header.settings.requested = {{"memory_limit", std::string("4KiB"), ""}};
  CHECK(tables_of(report.record, report.conclusion).front().memory_limit == 4096);
}

TEST_CASE("each group has a table, and instances run side by side", "[cli][record]") {
  TuneReport report = small_session();
  report.record.observations.push_back(prepared(5, {kPair, 1}));
  report.record.observations.push_back(round_of(
      50, {visit(5, 0, {0.4, 0.41}, 0), visit(5, 0, {0.5, 0.51}, 1), visit(1, 1, {1, 2})}));
  report.conclusion.trials.push_back(trial(5, {kPair, 1}));
  const auto tables = tables_of(report.record, report.conclusion);
  REQUIRE(tables.size() == 2);
  const RecordedTable& pair = tables[0].group == kPair ? tables[0] : tables[1];
  const RecordedTable& alone = tables[0].group == kPair ? tables[1] : tables[0];
  CHECK_FALSE(pair.anchor.has_value());
  CHECK(alone.anchor == 2);
  REQUIRE(pair.rows.size() == 1);
  CHECK(pair.rows[0].latency == std::vector<Seconds>{0.41, 0.51});
  CHECK(pair.rows[0].round == std::vector<int>{3, 3});
  CHECK(alone.rows[1].round.back() == 3);  // rounds are those of the session in both
  CHECK(alone.rows[1].start.back() == Approx(50 + 1.01 + 1));
}

TEST_CASE("only a sweep is recorded, and only where it can be written", "[cli][record]") {
  CHECK(check_record("", "doubling", {}).has_value());
  CHECK(check_record("", "", {}).has_value());
  const Status searched = check_record("/tmp/t.json", "doubling", {});
  REQUIRE_FALSE(searched.has_value());
  CHECK(searched.error().wanted == "the strategy exhaustive with --record");
  const Status nowhere = check_record("/no/such/folder/t.json", "exhaustive", {});
  REQUIRE_FALSE(nowhere.has_value());
  CHECK(nowhere.error().kind == ErrorKind::environment);
  for (const std::string link : {"track", "extend"}) {
    const Status follows =
        check_record("/tmp/t.json", "exhaustive", {{link, std::string("u"), "--" + link + " 1"}});
    REQUIRE_FALSE(follows.has_value());
    CHECK(follows.error().found.find("--" + link) == 0);
  }
}

TEST_CASE("part of a sweep replaces no table", "[cli][record]") {
  TuneReport report = small_session();
  SessionHeader& header = report.record.header;
  header.settings.requested = {{"batches", std::string("1:4"), "--batches"}};
  header.estimates.resize(1);
  report.record.end = SessionEnd::budget;
  const auto part = [&] {
    return part_of_sweep(report.record, tables_of(report.record, report.conclusion));
  };
  CHECK(part() == "3 of 4 candidates");
  const auto folder = std::filesystem::temp_directory_path() / "batchtune_record_test";
  std::filesystem::remove_all(folder);
  std::filesystem::create_directory(folder);
  const std::string file = folder / "t.json";
  CHECK(record_tables(file, report).has_value());  // nothing is lost
  const Status again = record_tables(file, report);
  REQUIRE_FALSE(again.has_value());
  CHECK(again.error().found == "one, and 3 of 4 candidates to record");
  report.record.end = SessionEnd::converged;
  CHECK(part().empty());
  CHECK(record_tables(file, report).has_value());
  report.record.end = SessionEnd::budget;
  header.settings.requested[0].value = std::string("1:3");
  CHECK(part().empty());  // all were reached
  header.settings.requested.clear();
  CHECK(part() == "3 candidates");
  std::filesystem::remove_all(folder);
}

TEST_CASE("a table that cannot be written says how to have it again", "[cli][record]") {
  const Status status = record_tables("/no/such/folder/t.json", small_session());
  REQUIRE_FALSE(status.has_value());
  CHECK(status.error().todo.find("batchtune report 12 --record") != std::string::npos);
  CHECK_FALSE(record_tables("/no/such/folder/t.json", TuneReport{}).has_value());
}
