// Predicted and probed boundaries; the probed one against brute force.
#include "tuner/search/boundary.h"

#include <random>
#include <vector>

#include "tests/search/scripted_measurer.h"
#include "tests/support/catch.h"
#include "tuner/search/conclude.h"
#include "tuner/search/ledger.h"

using namespace batchtune;

namespace {

Probe probe_of(std::int64_t batch, std::optional<Bytes> limit, Bytes bytes) {
  Probe probe;
  probe.candidate = {test_group(), batch};
  probe.limit = limit;
  probe.limiter = limit ? LimiterKind::account : LimiterKind::none;
  if (limit && bytes > *limit)
    probe.ending = {TrialStatus::out_of_memory, "limit", "account: too much", "host"};
  else
    probe.memory = MemoryUse{bytes, 0, 0, MemoryKind::account};
  return probe;
}

constexpr Bytes kMiB = Bytes{1} << 20;

}  // namespace

TEST_CASE("the predicted boundary is where the line through solo memory meets the limit",
          "[search][boundary]") {
  std::vector<Probe> probes;
  for (const std::int64_t batch : {1, 8, 32})
    probes.push_back(probe_of(batch, {}, (100 + 3 * batch) * kMiB));
  const Boundary boundary = boundary_of(test_group(), probes, {400 * kMiB, {}, {}});
  CHECK(boundary.kind == BoundaryKind::predicted);
  CHECK(boundary.largest_fitting == 100);  // fits to the byte
  CHECK(boundary.smallest_failing == 101);
  CHECK(boundary.evidence ==
        "100 MiB + 3.00 MiB per sample, measured alone at batches 1, 8, 32 (within 0.0 %); limit "
        "400 MiB");
  CHECK(boundary_of(test_group(), probes, {50 * kMiB, {}, {}}).largest_fitting == 0);
  CHECK(boundary_of(test_group(), probes, {103 * kMiB, {}, {}}).largest_fitting == 1);
}

TEST_CASE("what is not known stays absent and says why", "[search][boundary]") {
  std::vector<Probe> probes{probe_of(1, {}, 100 * kMiB)};
  const Boundary one = boundary_of(test_group(), probes, {400 * kMiB, {}, {}});
  CHECK_FALSE(one.largest_fitting);
  CHECK(one.evidence == "memory was measured at fewer than two batches");
  probes.push_back(probe_of(4, {}, 130 * kMiB));
  const Boundary unlimited = boundary_of(test_group(), probes, {});
  CHECK_FALSE(unlimited.largest_fitting);
  CHECK(unlimited.evidence.find("no memory limit is known") != std::string::npos);
  probes.push_back(probe_of(9, {}, 50 * kMiB));
  CHECK_FALSE(largest_on_line(Line{100, -1, 0}, 50));
}

TEST_CASE("the bracket search finds any wall from any prediction", "[search][boundary]") {
  std::mt19937_64 random(1);
  for (int round = 0; round < 3000; ++round) {
    const std::int64_t largest = 1 + static_cast<std::int64_t>(random() % 3000);
    const std::int64_t wall = static_cast<std::int64_t>(random() % 3200);  // the largest that fits
    std::optional<std::int64_t> predicted;
    if (random() % 4 > 0) predicted = static_cast<std::int64_t>(random() % 4000);
    Bracket bracket;
    int asked = 0;
    while (const auto batch = next_in_bracket(bracket, predicted, largest)) {
      REQUIRE(++asked < 40);
      REQUIRE(*batch > bracket.fits);
      REQUIRE((!bracket.fails || *batch < *bracket.fails));
      REQUIRE(*batch <= largest);
      if (*batch <= wall)
        bracket.fits = *batch;
      else
        bracket.fails = *batch;
    }
    if (wall >= largest)
      CHECK(bracket.fits == largest);
    else
      CHECK((bracket.closed() && bracket.fits == wall));
    if (predicted == wall && wall >= 1 && wall < largest) CHECK(asked == 2);  // confirm b* and b*+1
  }
}

TEST_CASE("a probed boundary is the one that brute force finds", "[search][boundary]") {
  std::mt19937_64 random(7);
  for (int round = 0; round < 25; ++round) {
    const Bytes weights = static_cast<Bytes>(random() % 200) * kMiB;
    const Bytes sample = static_cast<Bytes>(1 + random() % 5'000'000);
    const Bytes page = static_cast<Bytes>(1 + random() % 1'000'000);  // allocations come in pages
    const auto memory = [=](std::int64_t b) {
      return weights + (sample * b + page - 1) / page * page;
    };
    const Bytes limit = static_cast<Bytes>(random() % 800) * kMiB + 1;
    std::int64_t truth = 0;
    while (truth < 100'000 && memory(truth + 1) <= limit) ++truth;
    if (truth == 100'000) continue;

    Problem problem = test_problem(4);
    problem.budget.racing = 10;  // the race is not what is tested
    problem.wishes.memory_limit = limit;
    problem.boundary = BoundaryWish::probed;
    ScriptedMeasurer measurer(
        {.latency = [](std::int64_t b) { return 1e-4 + 1e-5 * static_cast<double>(b); },
         .memory = memory});
    const Conclusion conclusion = conclude(play(problem, measurer).record, problem.wishes);
    REQUIRE(conclusion.boundaries.size() == 1);
    const Boundary& boundary = conclusion.boundaries[0];
    INFO("truth " << truth << ": " << boundary.evidence);
    CHECK(boundary.kind == BoundaryKind::probed);
    CHECK(boundary.limiter == LimiterKind::account);
    CHECK(boundary.largest_fitting == truth);
    CHECK(boundary.smallest_failing == truth + 1);
    CHECK(measurer.misuse.empty());
    if (truth == 0) {
      CHECK_FALSE(conclusion.best);
      REQUIRE(conclusion.verdicts[0].nothing_fits);
      CHECK_FALSE(conclusion.verdicts[0].nothing_fits->levers.empty());
    } else {
      REQUIRE(conclusion.best);
      CHECK(conclusion.best->batch <= truth);
      REQUIRE(conclusion.verdicts[0].headroom);
      CHECK(*conclusion.verdicts[0].headroom >= 0);
    }
  }
}

TEST_CASE("a boundary whose run would take too long stays predicted and says so",
          "[search][boundary]") {
  Problem problem = test_problem(2);
  problem.wishes.memory_limit = 3000 * kMiB;
  problem.boundary = BoundaryWish::probed;
  ScriptedMeasurer measurer(
      {.latency = [](std::int64_t b) { return 0.05 * static_cast<double>(b); }});
  const Conclusion conclusion = conclude(play(problem, measurer).record, problem.wishes);
  REQUIRE(conclusion.boundaries.size() == 1);
  const Boundary& boundary = conclusion.boundaries[0];
  CHECK(boundary.kind == BoundaryKind::predicted);
  CHECK(boundary.largest_fitting == (3000 * kMiB - 100'000'000) / 1'000'000);
  CHECK(boundary.evidence.find("predicted, not probed: a run of batch 3045 would take") !=
        std::string::npos);
}

TEST_CASE("by default memory is measured alone at three batches, without a limit",
          "[search][boundary]") {
  ScriptedMeasurer measurer(
      {.latency = [](std::int64_t b) { return 0.001 + 0.0005 * static_cast<double>(b); }});
  const Problem problem = test_problem(8);
  const Played played = play(problem, measurer);
  std::vector<std::int64_t> probed;
  for (const Observation& observation : played.record.observations)
    if (const auto* probe = std::get_if<Probe>(&observation.what)) {
      CHECK_FALSE(probe->limit);
      probed.push_back(probe->candidate.batch);
    }
  CHECK(probed.size() == 3);
  Wishes wishes;
  wishes.memory_limit = 500'000'000;
  const Conclusion conclusion = conclude(played.record, wishes);
  CHECK(conclusion.boundaries[0].largest_fitting == 400);
  REQUIRE(conclusion.best);
  CHECK(conclusion.trials[static_cast<std::size_t>(conclusion.best->trial) - 1].memory);
}

TEST_CASE("an end that was seen when batches were prepared counts more than a prediction beyond it",
          "[search][boundary]") {
  const std::vector<Probe> probes{probe_of(1, {}, 103 * kMiB), probe_of(8, {}, 124 * kMiB)};
  const Ending ending{TrialStatus::out_of_memory, "no memory", "CUDA out of memory", "device"};
  const BoundaryFacts seen{400 * kMiB, {}, {}, {32, 64, ending}};
  const Boundary boundary = boundary_of(test_group(), probes, seen);  // the line says 100
  CHECK(boundary.kind == BoundaryKind::predicted);
  CHECK(boundary.largest_fitting == 32);
  CHECK(boundary.smallest_failing == 64);
  CHECK_FALSE(boundary.exact);
  CHECK(boundary.evidence.starts_with(
      "batch 64 ran out of memory when it was prepared: CUDA out of memory; by memory measured "
      "alone about 100 would fit: "));
  const BoundaryFacts beyond{400 * kMiB, {}, {}, {96, 128, ending}};
  CHECK(boundary_of(test_group(), probes, beyond).largest_fitting == 100);  // agrees
  const Boundary alone = boundary_of(test_group(), {}, {{}, {}, {}, {0, 64, ending}});
  CHECK_FALSE(alone.largest_fitting);
  CHECK(alone.smallest_failing == 64);
  CHECK(boundary_of(test_group(), {}, {{}, {}, {}, {0, 1, ending}}).largest_fitting == 0);
}

TEST_CASE("where the smallest batch that is allowed fails, nothing is said to fit",
          "[search][boundary]") {
  Probe fails = probe_of(8, 400 * kMiB, 500 * kMiB);
  fails.ending = {TrialStatus::out_of_memory, "the limit is passed", "", "host"};
  const Boundary boundary =
      boundary_of(test_group(), std::vector<Probe>{fails}, {400 * kMiB, {}, {}});
  CHECK(boundary.evidence.find("not probed to the end: 8 does not fit") != std::string::npos);
}

TEST_CASE("a hang while probing ends the probing and is told", "[search][boundary]") {
  std::vector<Probe> probes;
  for (const std::int64_t batch : {1, 8})
    probes.push_back(probe_of(batch, 400 * kMiB, (100 + 3 * batch) * kMiB));
  Probe hang = probe_of(100, 400 * kMiB, 0);
  hang.memory.reset();
  hang.ending = {TrialStatus::timeout, "no beat for 60 s", "", ""};
  probes.push_back(hang);
  const Boundary boundary = boundary_of(test_group(), probes, {400 * kMiB, {}, 0.001});
  CHECK(boundary.kind == BoundaryKind::predicted);
  CHECK(boundary.evidence.find("not probed to the end: 8 fits, batch 100 ended timeout") !=
        std::string::npos);
}

TEST_CASE("one account moves the estimate, and a batch that was seen to fit fits",
          "[search][memory]") {
  Problem problem = test_problem(8);
  problem.groups[0].curve = {{1, 0.01, 100, 1000, Bound::memory},
                             {8, 0.05, 160, 1700, Bound::memory}};
  problem.wishes.memory_limit = 1600;
  Ledger ledger(problem);
  const auto at = [](std::int64_t batch) { return Candidate{test_group(), batch}; };
  CHECK(ledger.predicted_memory(at(4)) == Approx(1300));
  CHECK_FALSE(ledger.fits(at(8)));
  Preparation prepared;
  prepared.trial = ledger.number(at(1));
  prepared.candidate = at(1);
  prepared.memory = MemoryUse{800, 0, 0, MemoryKind::account};
  ledger.tell({prepared, 0, 0.1});
  CHECK(ledger.predicted_memory(at(1)) == Approx(800));
  CHECK(ledger.predicted_memory(at(4)) == Approx(1100));
  CHECK(ledger.predicted_memory(at(8)) == Approx(1500));
  CHECK(ledger.fits(at(8)));
  CHECK_FALSE(ledger.fits(at(12)));
  Probe probe;
  probe.candidate = at(14);
  probe.limit = problem.wishes.memory_limit;
  probe.limiter = LimiterKind::account;
  probe.memory = MemoryUse{1550, 0, 0, MemoryKind::account};
  ledger.tell({probe, 0, 0.1});
  CHECK(ledger.fits(at(12)));
  CHECK(ledger.fits(at(14)));
  CHECK_FALSE(ledger.fits(at(15)));
}
