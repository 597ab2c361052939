#include "tuner/search/replay.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "tests/support/catch.h"
#include "tests/support/curves.h"
#include "tuner/search/driver.h"

namespace batchtune {
namespace {

const CurveKind& kind_of(std::string_view name) {
  const auto kinds = curve_kinds();
  return *std::find_if(kinds.begin(), kinds.end(),
                       [&](const CurveKind& kind) { return kind.name == name; });
}

// Batches 1, 2 and 4 (the anchor) in four rounds, of which 1 and 3 are twice as slow; batch 2 was
// not visited in round 3. Batch 8 is out of memory.
RecordedTable small_table() {
  RecordedTable table;
  table.name = "small";
  table.group.threads = 2;
  table.anchor = 4;
  for (const std::int64_t batch : {1, 2, 4}) {
    TableRow row;
    row.batch = batch;
    row.prepare = 0.5;
    row.memory = 1000.0 + 100.0 * static_cast<double>(batch);
    for (int round = 0; round < 4; ++round) {
      if (batch == 2 && round == 3) continue;
      for (int run = 0; run < 2; ++run) {
        row.latency.push_back((round % 2 == 0 ? 1 : 2) * 0.020 * static_cast<double>(batch) +
                              1e-6 * round);
        row.round.push_back(round);
      }
    }
    table.rows.push_back(row);
  }
  TableRow full;
  full.batch = 8;
  full.prepare = 0.25;
  full.status = TrialStatus::out_of_memory;
  table.rows.push_back(full);
  return table;
}

Candidate candidate_of(const RecordedTable& table, std::int64_t batch) {
  return {table.group, batch};
}

Preparation prepared(ReplayMeasurer& measurer, TrialId trial, const Candidate& candidate) {
  const auto observation = measurer.prepare(trial, candidate);
  REQUIRE(observation);
  return std::get<Preparation>(observation->what);
}

Round round_of(ReplayMeasurer& measurer, std::uint64_t sequence, TrialId anchor = 1) {
  const auto observation =
      measurer.run_round({{{1, 1, 0}, {2, 1, 0}, {3, 1, 0}}, anchor, 10, sequence});
  REQUIRE(observation);
  return std::get<Round>(observation->what);
}

const Visit& visit_to(const Round& round, TrialId trial) {
  const auto found = std::find_if(round.visits.begin(), round.visits.end(),
                                  [&](const Visit& visit) { return visit.trial == trial; });
  REQUIRE(found != round.visits.end());
  return *found;
}

Problem settings_of(Objective objective = Objective::throughput) {
  Problem settings;
  settings.wishes.objective = objective;
  settings.boundary = BoundaryWish::none;
  return settings;
}

TEST_CASE("replay gives the samples of one recorded round together", "[replay]") {
  const TableGroup tables{small_table()};
  ReplayMeasurer measurer(tables, 1);
  for (TrialId trial = 1; trial <= 3; ++trial)
    prepared(measurer, trial, candidate_of(tables[0], std::int64_t{1} << (trial - 1)));
  std::set<int> drawn;
  for (std::uint64_t sequence = 0; sequence < 40; ++sequence) {
    const Round round = round_of(measurer, sequence);
    REQUIRE(round.visits.size() == 3);
    const Seconds of_one = visit_to(round, 1).seconds.back();
    const bool slow = of_one > 0.030;
    drawn.insert(static_cast<int>(std::lround(1e6 * (of_one - (slow ? 0.040 : 0.020)))));
    CHECK(visit_to(round, 2).seconds.back() == Approx(slow ? 0.080 : 0.040).epsilon(1e-3));
    CHECK(visit_to(round, 3).seconds.back() == Approx(slow ? 0.160 : 0.080).epsilon(1e-3));
  }
  CHECK(drawn == std::set<int>{0, 1, 2, 3});
}

TEST_CASE("a batch that was not in the drawn round is moved to it by the anchor", "[replay]") {
  RecordedTable table = small_table();
  TableRow& row = table.rows[1];  // all that is left of batch 2 is its quiet visit in round 0
  row.latency.resize(2);
  row.round.resize(2);
  const TableGroup tables{table};
  ReplayMeasurer measurer(tables, 1);
  for (TrialId trial = 1; trial <= 3; ++trial)
    prepared(measurer, trial, candidate_of(table, std::int64_t{1} << (trial - 1)));
  int slow = 0;
  for (std::uint64_t sequence = 0; sequence < 20; ++sequence) {
    const Round round = round_of(measurer, sequence);
    const double factor = visit_to(round, 3).seconds.back() / 0.080;
    slow += factor > 1.5;
    CHECK(visit_to(round, 2).seconds.back() == Approx(0.040 * factor).epsilon(1e-3));
  }
  CHECK(slow > 0);
  CHECK(slow < 20);
}

TEST_CASE("a table without an anchor leans on another one's", "[replay]") {
  RecordedTable with = small_table(), without = small_table();
  without.group.threads = 1;
  without.group.instances = 2;
  without.anchor.reset();
  without.rows[1].latency.resize(2);
  without.rows[1].round.resize(2);
  const TableGroup tables{with, without};
  ReplayMeasurer measurer(tables, 1);
  prepared(measurer, 1, candidate_of(with, 1));
  prepared(measurer, 2, candidate_of(without, 2));
  prepared(measurer, 3, candidate_of(with, 4));
  for (std::uint64_t sequence = 0; sequence < 20; ++sequence) {
    const Round round = round_of(measurer, sequence);
    CHECK(visit_to(round, 2).seconds.back() ==
          Approx(visit_to(round, 3).seconds.back() / 2).epsilon(1e-3));
  }
}

TEST_CASE("without any anchor samples are given as they are", "[replay]") {
  RecordedTable table = small_table();
  table.anchor.reset();
  table.rows[1].latency.resize(2);
  table.rows[1].round.resize(2);
  const TableGroup tables{table};
  ReplayMeasurer measurer(tables, 1);
  for (TrialId trial = 1; trial <= 3; ++trial)
    prepared(measurer, trial, candidate_of(table, std::int64_t{1} << (trial - 1)));
  for (std::uint64_t sequence = 0; sequence < 10; ++sequence)
    CHECK(visit_to(round_of(measurer, sequence), 2).seconds.back() == Approx(0.040));
}

TEST_CASE("each instance of a replayed group has its own visit", "[replay]") {
  RecordedTable table = small_table();
  table.group.instances = 2;
  const TableGroup tables{table};
  ReplayMeasurer measurer(tables, 1);
  prepared(measurer, 1, candidate_of(table, 1));
  const auto observation = measurer.run_round({{}, 1, 1, 0});
  REQUIRE(observation);
  const Round& round = std::get<Round>(observation->what);
  REQUIRE(round.visits.size() == 2);
  CHECK(round.visits[0].instance == 0);
  CHECK(round.visits[1].instance == 1);
  CHECK(round.visits[0].position == round.visits[1].position);
  // Side by side: one warm and one timed run each take as long as those of one of them.
  CHECK(observation->device_time == Approx(2 * round.visits[0].seconds.back()));
}

TEST_CASE("preparations cost what the table says and a first run", "[replay]") {
  const TableGroup tables{small_table()};
  ReplayMeasurer measurer(tables, 1);
  const auto observation = measurer.prepare(1, candidate_of(tables[0], 2));
  REQUIRE(observation);
  const auto& preparation = std::get<Preparation>(observation->what);
  CHECK(preparation.ending.status == TrialStatus::ok);
  CHECK(preparation.memory->total() == 1200);
  REQUIRE(preparation.first_run);
  CHECK(*preparation.first_run >= 0.040);
  CHECK(observation->device_time == Approx(0.5 + *preparation.first_run));
}

TEST_CASE("out-of-memory rows answer preparations and probes so, and so does all above",
          "[replay]") {
  TableGroup tables{small_table()};
  TableRow& above = tables[0].rows.emplace_back();  // recorded without samples
  above.batch = 16;
  ReplayMeasurer measurer(tables, 1);
  for (const std::int64_t batch : {8, 16}) {
    const Preparation preparation = prepared(measurer, 1, candidate_of(tables[0], batch));
    CHECK(preparation.ending.status == TrialStatus::out_of_memory);
    CHECK_FALSE(preparation.ending.reason.empty());
    CHECK_FALSE(preparation.memory);
  }
  for (const std::int64_t batch : {8, 9, 16}) {
    const auto probe = measurer.probe({candidate_of(tables[0], batch), std::nullopt, 0});
    REQUIRE(probe);
    CHECK(std::get<Probe>(probe->what).ending.status == TrialStatus::out_of_memory);
  }
}

TEST_CASE("probes answer from the memory of the rows beside them", "[replay]") {
  const TableGroup tables{small_table()};
  ReplayMeasurer measurer(tables, 1);
  const auto between = measurer.probe({candidate_of(tables[0], 3), std::nullopt, 0});
  REQUIRE(between);
  CHECK(std::get<Probe>(between->what).memory->total() == 1300);
  const auto limited = measurer.probe({candidate_of(tables[0], 4), Bytes{1350}, 0});
  REQUIRE(limited);
  CHECK(std::get<Probe>(limited->what).ending.status == TrialStatus::out_of_memory);
  const auto soaked = measurer.probe({candidate_of(tables[0], 1), Bytes{1350}, 2});
  REQUIRE(soaked);
  CHECK(std::get<Probe>(soaked->what).ending.status == TrialStatus::ok);
  CHECK(std::get<Probe>(soaked->what).runs > 10);
  CHECK(soaked->device_time == Approx(2.5));
}

TEST_CASE("a batch that no table has is an error, and so is another group", "[replay]") {
  const TableGroup tables{small_table()};
  ReplayMeasurer measurer(tables, 1);
  const auto between = measurer.prepare(1, candidate_of(tables[0], 3));
  REQUIRE_FALSE(between);
  CHECK(between.error().found == "3");
  Candidate foreign = candidate_of(tables[0], 2);
  foreign.group.threads = 7;
  CHECK_FALSE(measurer.prepare(1, foreign));
}

TEST_CASE("the guess of a table is the simplest roofline, and none without its figures",
          "[replay]") {
  TableGroup tables{small_table()};
  tables[0].problem = {1e9, 1e6, 2e7, 1e11, 1e10};
  const auto problem = problem_of(tables, settings_of());
  REQUIRE(problem);
  CHECK(problem->batches == std::vector<std::int64_t>{1, 2, 4, 8});
  REQUIRE(problem->groups.size() == 1);
  const Estimate& estimate = problem->groups[0];
  REQUIRE(estimate.curve.size() == 4);
  CHECK(estimate.curve[0].latency == Approx(10e-3));  // one sample's arithmetic
  CHECK(estimate.curve[0].bound == Bound::compute);
  tables[0].problem.bandwidth = 1e9;
  CHECK(problem_of(tables, settings_of())->groups[0].curve[1].latency == Approx(22e-3));
  CHECK(problem_of(tables, settings_of())->groups[0].batch == 4);
  CHECK(estimate.curve[3].memory == Approx(1800));  // as the memory of batches 1 and 2 goes on
  Problem limited = settings_of();
  limited.wishes.memory_limit = 1250;
  CHECK(problem_of(tables, limited)->groups[0].batch == 2);
  tables[0].problem.peak.reset();
  CHECK(problem_of(tables, settings_of())->groups[0].curve.empty());
  CHECK(problem_of(tables, settings_of())->groups[0].batch == 1);
  tables.push_back(tables[0]);
  CHECK_FALSE(problem_of(tables, settings_of()));
  CHECK_FALSE(problem_of({}, settings_of()));
}

TEST_CASE("the levels of a made-up recording lie around its truth", "[replay]") {
  for (const char* name : {"cache-hump", "on-off", "split-2"}) {
    TableGroup tables = tables_of(kind_of(name), 3);
    const auto truth = truth_of(tables);
    for (RecordedTable& table : tables)
      for (TableRow& row : table.rows) row.truth.reset();
    const auto seen = truth_of(tables);
    REQUIRE(seen.size() == truth.size());
    const double scale = seen[3].latency / truth[3].latency;  // the anchor's
    int inside = 0;
    for (std::size_t i = 0; i < seen.size(); ++i) {
      CHECK(truth[i].low == truth[i].throughput);
      CHECK(seen[i].candidate == truth[i].candidate);
      CHECK(seen[i].latency / scale == Approx(truth[i].latency).epsilon(0.03));
      inside += truth[i].throughput >= seen[i].low * scale * 0.998 &&
                truth[i].throughput <= seen[i].high * scale * 1.002;
    }
    CHECK(inside > 0.85 * static_cast<double>(seen.size()));
  }
}

TEST_CASE("the same seed replays the same run, another one another", "[replay]") {
  const TableGroup tables = tables_of(kind_of("dips"), 5);
  const auto first = replay(tables, settings_of(), "doubling", 7);
  const auto again = replay(tables, settings_of(), "doubling", 7);
  const auto other = replay(tables, settings_of(), "doubling", 8);
  REQUIRE(first);
  REQUIRE(again);
  REQUIRE(other);
  CHECK(first->device_seconds == again->device_seconds);
  CHECK(first->chosen == again->chosen);
  CHECK(first->visits == again->visits);
  CHECK(first->device_seconds != other->device_seconds);
}

TEST_CASE("a replayed round depends on its number alone, not on those before", "[replay]") {
  const TableGroup tables = tables_of(kind_of("on-off"), 2);
  const RoundRequest request{{}, 1, 1, 9};
  ReplayMeasurer straight(tables, 4), resumed(tables, 4);
  for (ReplayMeasurer* measurer : {&straight, &resumed})
    prepared(*measurer, 1, candidate_of(tables[0], 4));
  for (std::uint64_t sequence = 0; sequence < 9; ++sequence)
    REQUIRE(straight.run_round({{}, 1, 1, sequence}));
  CHECK(std::get<Round>(straight.run_round(request)->what) ==
        std::get<Round>(resumed.run_round(request)->what));
}

TEST_CASE("a choice inside the interval of the table's own truth loses nothing", "[replay]") {
  // Two batches a third of a percent apart, each known to a percent or so.
  RecordedTable table;
  table.anchor = 1;
  Draw draw(1);
  for (const std::int64_t batch : {1, 2, 4}) {
    TableRow& row = table.rows.emplace_back();
    row.batch = batch;
    const double rate = batch == 1 ? 50 : batch == 2 ? 100 : 100.3;
    for (int round = 0; round < 40; ++round) {
      row.latency.push_back(static_cast<double>(batch) / rate * std::exp(0.05 * draw.normal()));
      row.round.push_back(round);
    }
  }
  Problem settings = settings_of();
  settings.batches = {1, 2};
  const auto run = replay({table}, settings, "exhaustive", 1);
  REQUIRE(run);
  REQUIRE(run->chosen);
  CHECK(run->chosen->batch == 2);
  CHECK(run->regret == 0);
  settings.batches = {1};
  const auto worse = replay({table}, settings, "exhaustive", 1);
  REQUIRE(worse);
  CHECK(worse->regret == Approx(0.5).epsilon(0.1));
}

TEST_CASE("where the truth is given a choice loses what it says", "[replay]") {
  RecordedTable table = small_table();
  for (TableRow& row : table.rows)
    if (row.status == TrialStatus::ok)
      row.truth = row.batch == 4 ? 0.080 : 0.0202 * static_cast<double>(row.batch);
  Problem settings = settings_of();
  settings.batches = {1, 2};
  const auto run = replay({table}, settings, "exhaustive", 1);
  REQUIRE(run);
  CHECK(run->regret == Approx(1 - 0.02 / 0.0202));
}

TEST_CASE("a choice above a limit loses at least what it is above it", "[replay]") {
  const TableGroup tables{small_table()};
  Problem settings = settings_of();
  settings.wishes.memory_limit = 1350;
  settings.batches = {1, 2};
  const auto run = replay(tables, settings, "exhaustive", 1);
  REQUIRE(run);
  CHECK(run->regret == 0);  // batch 4 would be over
  settings.wishes.memory_limit = 10;
  const auto none = replay(tables, settings, "exhaustive", 1);
  REQUIRE(none);
  CHECK_FALSE(none->chosen);
  CHECK(none->regret == 0);  // nothing could be
}

TEST_CASE("a replay of a strategy that there is not says which there are", "[replay]") {
  const auto run = replay({small_table()}, settings_of(), "guessing", 1);
  REQUIRE_FALSE(run);
  CHECK(run.error().wanted.find("exhaustive") != std::string::npos);
}

TEST_CASE("a sweep is priced by ten visits of every batch and one end of memory", "[replay]") {
  TableGroup tables{small_table()};
  const Seconds sweep = exhaustive_seconds(tables);
  // Preparations; then the first run and ten visits of one warm and two or one timed runs, at the
  // median of all runs.
  const Seconds one = 0.030, two = 0.040, four = 0.120;
  CHECK(sweep == Approx(3 * 0.5 + 0.25 + 21 * one + 21 * two + 21 * four).epsilon(0.01));
  TableRow& further = tables[0].rows.emplace_back(tables[0].rows.back());
  further.batch = 9;
  CHECK(exhaustive_seconds(tables) == sweep);
}

TEST_CASE("runs are summed up by their median, 95th percentile and worst", "[replay]") {
  std::vector<ReplayRun> runs(21);
  for (std::size_t i = 0; i < runs.size(); ++i) {
    runs[i].regret = 0.001 * static_cast<double>(i);
    runs[i].hypervolume = 1 - 0.01 * static_cast<double>(i);
    runs[i].device_seconds = 5;
    runs[i].out_of_memory_hits = i == 3 ? 2 : 0;
    runs[i].end = i < 15 ? SessionEnd::converged : SessionEnd::budget;
  }
  const ReplaySummary summary = summarise("t", "s", runs, 100, 0.01);
  CHECK(summary.seeds == 21);
  CHECK(summary.regret.median == Approx(0.010));
  CHECK(summary.regret.p95 == Approx(0.019));
  CHECK(summary.regret.worst == Approx(0.020));
  CHECK(summary.hypervolume.p95 == Approx(0.81));
  CHECK(summary.hypervolume.worst == Approx(0.80));
  CHECK(summary.device_time_share == Approx(0.05));
  CHECK(summary.most_out_of_memory_hits == 2);
  CHECK(summary.converged == 15);
  CHECK(summary.converged_wrong == 4);
}

TEST_CASE("every kind of curve is new with each seed and the same with the same", "[replay]") {
  for (const CurveKind& kind : curve_kinds()) {
    INFO(kind.name);
    const auto one = tables_of(kind, 1), again = tables_of(kind, 1), two = tables_of(kind, 2);
    CHECK(one[0].rows[0].latency == again[0].rows[0].latency);
    CHECK(one[0].rows[0].truth != two[0].rows[0].truth);
    for (const RecordedTable& table : one) {
      std::int64_t before = 0;
      for (const TableRow& row : table.rows) {
        CHECK(row.batch > before);
        before = row.batch;
        CHECK(row.latency.size() == row.round.size());
        CHECK(row.latency.empty() == (row.status == TrialStatus::out_of_memory));
      }
    }
  }
}

// What one more step may cost that was begun with some budget left: a preparation with its first
// run, and a round.
Seconds dearest_step(const TableGroup& tables) {
  Seconds dearest = 0;
  for (const RecordedTable& table : tables)
    for (const TableRow& row : table.rows)
      dearest = std::max(dearest, row.prepare.value_or(0) + 4 * row.truth.value_or(0));
  return dearest + 2;
}

TEST_CASE("every strategy ends within its budget on every kind of curve", "[replay]") {
  Problem settings = settings_of();
  settings.budget.racing = 15;
  for (const CurveKind& kind : curve_kinds()) {
    const TableGroup tables = tables_of(kind, 11);
    for (const StrategyEntry& strategy : strategies()) {
      INFO(kind.name << ", " << strategy.name);
      const auto run = replay(tables, settings, strategy.name, 1);
      REQUIRE(run);
      CHECK(run->end != SessionEnd::running);
      CHECK_FALSE(run->reason.empty());
      CHECK(run->chosen);
      // The seed and an anchor are prepared whatever it costs.
      CHECK(run->device_seconds <= settings.budget.racing + 2 * dearest_step(tables));
      CHECK(run->hypervolume <= 1 + 1e-9);
    }
  }
}

}  // namespace
}  // namespace batchtune
