// How far up a group is tried, with and without a known memory limit.
#include "tuner/search/ascent.h"

#include <limits>

#include "tests/search/scripted_measurer.h"
#include "tests/support/catch.h"
#include "tuner/search/contest.h"

using namespace batchtune;

namespace {

constexpr std::int64_t kAnything = std::numeric_limits<std::int64_t>::max();

Problem unknown_memory() {
  Problem problem = test_problem(8);
  problem.wishes.memory_limit.reset();
  problem.safe_memory.reset();
  problem.largest_batch = 1000;
  return problem;
}

// Prepared, and run once beside the anchor with these samples/s.
void look_at(Ledger& ledger, std::int64_t batch, double rate,
             TrialStatus status = TrialStatus::ok) {
  Preparation preparation;
  preparation.candidate = {test_group(), batch};
  preparation.trial = ledger.number(preparation.candidate);
  preparation.ending.status = status;
  const Seconds run = static_cast<double>(batch) / rate;
  if (status == TrialStatus::ok) preparation.first_run = run;
  Observation observation;
  observation.device_time = 0.1;
  observation.what = preparation;
  ledger.tell(observation);
  if (status != TrialStatus::ok) return;
  if (ledger.anchor() == 0) ledger.fix_anchor(preparation.trial);
  Round round;
  for (const Entry& entry : ledger.entries()) {
    if (!entry.live) continue;
    Visit& visit = round.visits.emplace_back();
    visit.trial = entry.id;
    visit.seconds = {entry.latency.value_or(run), entry.latency.value_or(run)};
  }
  observation.what = round;
  ledger.tell(observation);
}

}  // namespace

TEST_CASE("a known limit leaves all open until memory runs out", "[search][ascent]") {
  Problem problem = unknown_memory();
  problem.safe_memory = Bytes{1} << 40;
  Ledger ledger(problem);
  CHECK(below_the_wall(ledger, problem, test_group()) == kAnything);
  look_at(ledger, 16, 100);
  look_at(ledger, 100, 0, TrialStatus::out_of_memory);
  CHECK(below_the_wall(ledger, problem, test_group()) == 40);
  look_at(ledger, 40, 0, TrialStatus::out_of_memory);
  CHECK(below_the_wall(ledger, problem, test_group()) == 16);
  CHECK_FALSE(next_up(ledger, problem, test_group(), 60));
}

TEST_CASE("without a limit steps are an octave while throughput grows, then two",
          "[search][ascent]") {
  const Problem problem = unknown_memory();
  Ledger ledger(problem);
  CHECK(next_up(ledger, problem, test_group(), 60) == 1);
  look_at(ledger, 1, 100);
  CHECK(next_up(ledger, problem, test_group(), 60) == 2);
  look_at(ledger, 2, 150);
  CHECK(next_up(ledger, problem, test_group(), 60) == 4);
  look_at(ledger, 4, 152);
  CHECK(below_the_wall(ledger, problem, test_group()) == 16);
  CHECK(next_up(ledger, problem, test_group(), 60) == 12);
}

TEST_CASE("without a limit one hit is the last, but among few batches", "[search][ascent]") {
  const Problem problem = unknown_memory();
  Ledger ledger(problem);
  look_at(ledger, 1, 100);
  look_at(ledger, 2, 150);
  look_at(ledger, 4, 0, TrialStatus::out_of_memory);
  CHECK(below_the_wall(ledger, problem, test_group()) == 3);
  Ledger larger(problem);
  look_at(larger, 32, 100);
  look_at(larger, 64, 101);
  look_at(larger, 256, 0, TrialStatus::out_of_memory);
  CHECK(below_the_wall(larger, problem, test_group()) == 64);
}

TEST_CASE("the way up ends far above the smallest that is as good as any", "[search][ascent]") {
  const Problem problem = unknown_memory();
  Ledger ledger(problem);
  look_at(ledger, 1, 100);
  look_at(ledger, 2, 150);
  look_at(ledger, 4, 130);
  look_at(ledger, 8, 120);
  CHECK_FALSE(next_up(ledger, problem, test_group(), 60));
}

TEST_CASE("steps are on multiples of many tiles", "[search][ascent]") {
  std::vector<std::int64_t> batches;
  for (std::int64_t batch = 1; batch <= 200; ++batch) batches.push_back(batch);
  CHECK(step_within(batches, 4, 8) == 8);
  CHECK(step_within(batches, 8, 16) == 12);
  CHECK(step_within(batches, 24, 50) == 48);
  CHECK_FALSE(step_within(batches, 200, 400));
  CHECK(middle_within(batches, 12, 48) == 24);
  CHECK(middle_within(batches, 4, 6) == 5);
  CHECK_FALSE(middle_within(batches, 4, 5));
}

TEST_CASE("a limit says nothing of what fits where nothing is estimated", "[search][ascent]") {
  Problem problem = test_problem(1);
  problem.wishes.memory_limit = Bytes{1} << 40;
  CHECK_FALSE(memory_is_known(problem, test_group()));
  Ledger ledger(problem);
  look_at(ledger, 1, 100);
  CHECK(below_the_wall(ledger, problem, test_group()) <= 4);
}
