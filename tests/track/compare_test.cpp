// Two sessions held against each other: through reference programs, by levels, with differences in
// words.
#include "tuner/track/compare.h"

#include <cmath>
#include <random>
#include <string>
#include <vector>

#include "tests/support/catch.h"
#include "tuner/statistics/levels.h"

using namespace batchtune;

namespace {

struct Session {
  SessionRecord record;
  Conclusion conclusion;

  Compared compared() const { return {record, conclusion}; }
};

Candidate candidate_of(std::int64_t batch) {
  Candidate candidate;
  candidate.group.backend = "cpu";
  candidate.batch = batch;
  return candidate;
}

Visit visit_of(TrialId trial, std::string reference, Seconds quiet, double slow,
               std::mt19937_64& random) {
  std::normal_distribution<double> own(0, 0.005);
  Visit visit;
  visit.trial = trial;
  visit.reference = std::move(reference);
  visit.warm = 1;
  for (int run = 0; run < 3; ++run) visit.seconds.push_back(quiet * slow * std::exp(own(random)));
  return visit;
}

struct Making {
  double host = 1;    // the machine's speed of the day: slows everything
  double change = 1;  // of the program alone
  std::string reference = "abcd";
  double cache = 1;  // of the cache-resident reference program alone
  int rounds = 24;
  std::uint64_t seed = 1;
};

// Batches 1 (10 ms) and 8 (50 ms); a round is disturbed as a whole by up to 30 %.
Session session(const Making& making) {
  Session result;
  auto& record = result.record;
  record.anchor = 1;
  record.header.model.name = "mlp";
  record.header.model.hash = "1";
  record.header.reference_hash = making.reference;
  record.header.wishes.memory_limit = 1000;
  std::mt19937_64 random(making.seed);
  std::vector<const Round*> rounds;
  for (int r = 0; r < making.rounds; ++r) {
    const double slow = making.host * std::uniform_real_distribution<double>(1, 1.3)(random);
    Round round;
    round.visits = {visit_of(1, "", 0.010 * making.change, slow, random),
                    visit_of(2, "", 0.050 * making.change, slow, random)};
    if (!making.reference.empty()) {
      round.visits.push_back(visit_of(0, "cache", 0.002 * making.cache, slow, random));
      round.visits.push_back(visit_of(0, "compute", 0.003, slow, random));
    }
    record.observations.push_back({round, 0, 1});
  }
  for (const Observation& observation : record.observations)
    rounds.push_back(&std::get<Round>(observation.what));
  const std::vector<Subject> subjects{{1, 1, 1}, {2, 8, 1}};
  const auto measured = levels(rounds, 1, subjects);
  result.conclusion.anchor = 1;
  for (const Subject& subject : subjects) {
    Trial trial;
    trial.id = subject.trial;
    trial.candidate = candidate_of(subject.batch);
    trial.measurement = measured.at(subject.trial);
    result.conclusion.trials.push_back(trial);
  }
  result.conclusion.best = Best{2, "cpu", 8, true};
  Boundary boundary;
  boundary.group = candidate_of(1).group;
  boundary.kind = BoundaryKind::probed;
  boundary.largest_fitting = 212;
  result.conclusion.boundaries = {boundary};
  return result;
}

}  // namespace

TEST_CASE("a slower day of the machine is no regression", "[track][compare]") {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    const Session base = session({.seed = seed}), now = session({.host = 1.15, .seed = seed + 100});
    const Comparison comparison = compare(base.compared(), now.compared(), 0.05);
    REQUIRE(comparison.pairs.size() == 2);
    for (const ComparedPair& pair : comparison.pairs) {
      CHECK(pair.verdict == PairVerdict::same);
      CHECK(pair.ratio == Approx(1).margin(0.02));
      CHECK(pair.now / pair.base > 1.1);  // the figures themselves are shown as they are
      REQUIRE(pair.ci95);
      CHECK(pair.ci95->low <= pair.ratio);
      CHECK(pair.ci95->high >= pair.ratio);
    }
    CHECK(outcome_of(comparison) != ComparisonOutcome::regression);
    CHECK(comparison.comparable);
  }
}

TEST_CASE("a program that became slower is found on a faster machine, too", "[track][compare]") {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    const Session base = session({.seed = seed});
    const Session now = session({.host = 0.9, .change = 1.08, .seed = seed + 100});
    const Comparison comparison = compare(base.compared(), now.compared(), 0.03);
    for (const ComparedPair& pair : comparison.pairs) CHECK(pair.verdict == PairVerdict::slower);
    CHECK(outcome_of(comparison) == ComparisonOutcome::regression);
    const Comparison back = compare(now.compared(), base.compared(), 0.03);
    for (const ComparedPair& pair : back.pairs) CHECK(pair.verdict == PairVerdict::faster);
    CHECK(outcome_of(back) != ComparisonOutcome::regression);
  }
}

TEST_CASE("a reference program that was disturbed alone proves nothing", "[track][compare]") {
  const Session base = session({.cache = 1.12, .seed = 1}), now = session({.seed = 2});
  const Comparison comparison = compare(base.compared(), now.compared(), 0.03);
  REQUIRE(comparison.pairs.size() == 2);
  for (const ComparedPair& pair : comparison.pairs) {
    CHECK(pair.ratio > 1.1);
    CHECK(pair.verdict == PairVerdict::inconclusive);
    CHECK(pair.reason.find("the reference programs differ by 1") == 0);
  }
}

TEST_CASE("a change below the threshold raises no alarm", "[track][compare]") {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    const Session base = session({.seed = seed}),
                  now = session({.change = 1.01, .seed = seed + 100});
    CHECK(outcome_of(compare(base.compared(), now.compared(), 0.05)) !=
          ComparisonOutcome::regression);
  }
}

TEST_CASE("without a common reference every pair is by level and inconclusive",
          "[track][compare]") {
  for (const char* reference : {"", "other"}) {
    const Session base = session({}), now = session({.change = 1.5, .reference = reference});
    const Comparison comparison = compare(base.compared(), now.compared());
    REQUIRE(comparison.pairs.size() == 2);
    for (const ComparedPair& pair : comparison.pairs) {
      CHECK(pair.verdict == PairVerdict::inconclusive);
      CHECK(pair.ratio == Approx(pair.now / pair.base));
    }
    CHECK(comparison.pairs[0].reason == "the sessions have no reference program in common");
    CHECK(outcome_of(comparison) == ComparisonOutcome::inconclusive);
    CHECK_FALSE(comparison.by_reference);
    REQUIRE(comparison.differences.size() == 1);
    CHECK(comparison.differences[0] ==
          std::string("reference programs: abcd -> ") + (*reference ? reference : "none"));
  }
}

TEST_CASE("reference programs that ran on another number of CPUs judge nothing",
          "[track][compare]") {
  Session base = session({}), now = session({.change = 1.5});
  Estimate one, two;
  two.group.threads = 2;
  base.record.header.estimates = {one};
  now.record.header.estimates = {one, two};
  const Comparison comparison = compare(base.compared(), now.compared());
  CHECK(outcome_of(comparison) == ComparisonOutcome::inconclusive);
  CHECK(comparison.differences ==
        std::vector<std::string>{"CPUs of the reference programs: 1 -> 2"});
}

TEST_CASE("another version of a backend's library is told", "[track][compare]") {
  Session base = session({}), now = session({});
  for (Session* side : {&base, &now}) {
    DeviceInfo device;
    device.backend = "cpu";
    device.name = "AMD EPYC, 2 CPUs";
    device.version = side == &base ? "oneTBB 2021.8" : "oneTBB 2021.11";
    side->record.header.devices = {device};
  }
  CHECK(compare(base.compared(), now.compared()).differences ==
        std::vector<std::string>{
            "device cpu: AMD EPYC, 2 CPUs, oneTBB 2021.8 -> AMD EPYC, 2 CPUs, oneTBB 2021.11"});
}

TEST_CASE("a memory limit asked on one side only was the default on the other",
          "[track][compare]") {
  Session base = session({}), now = session({});
  base.record.header.settings.effective = {{"memory_limit", std::int64_t{1000}, "--memory-limit"}};
  now.record.header.settings.effective = {{"memory_limit", std::int64_t{2000}, "free memory"}};
  CHECK(compare(base.compared(), now.compared()).differences ==
        std::vector<std::string>{"memory_limit: 1000 -> the default"});
}

TEST_CASE("where the search began is no difference", "[track][compare]") {
  Session base = session({}), now = session({});
  now.record.header.settings.effective = {
      {"roofline.1", std::string("compute x2, memory x1, overhead x1"), "corrected by session 1"}};
  CHECK(compare(base.compared(), now.compared()).differences.empty());
}

TEST_CASE("a boundary that shrank is a regression without a common batch, too",
          "[track][compare]") {
  const Session base = session({});
  Session now = session({});
  now.conclusion.trials.clear();
  now.conclusion.boundaries[0].largest_fitting = 100;
  const Comparison comparison = compare(base.compared(), now.compared());
  CHECK(comparison.comparable);
  CHECK(outcome_of(comparison) == ComparisonOutcome::regression);
}

TEST_CASE("too few rounds prove nothing", "[track][compare]") {
  const Session base = session({.rounds = 4}), now = session({.change = 1.5, .rounds = 4});
  const Comparison comparison = compare(base.compared(), now.compared());
  REQUIRE(comparison.pairs.size() == 2);
  CHECK_FALSE(comparison.pairs[0].ci95);
  CHECK(comparison.pairs[0].reason == "fewer than 6 rounds in one of the sessions");
  CHECK(outcome_of(comparison) == ComparisonOutcome::inconclusive);
}

TEST_CASE("a session that was hardly ever quiet is judged by nothing", "[track][compare]") {
  const Session base = session({});
  Session now = session({.change = 1.5});
  for (std::size_t r = 0; r < now.record.observations.size(); ++r)
    for (Visit& visit : std::get<Round>(now.record.observations[r].what).visits)
      visit.disturbed = r % 4 != 0;
  now.conclusion.quiet_share = 0.25;
  const Comparison comparison = compare(base.compared(), now.compared());
  REQUIRE(comparison.pairs.size() == 2);
  for (const ComparedPair& pair : comparison.pairs) {
    CHECK(pair.verdict == PairVerdict::inconclusive);
    CHECK(pair.reason == "6 of its 24 rounds in the new session were quiet");
  }
  CHECK(comparison.new_quiet_share == 0.25);
  CHECK_FALSE(comparison.base_quiet_share);
}

TEST_CASE("a program that changed within a session is judged by nothing", "[track][compare]") {
  const Session base = session({});
  Session now = session({});
  for (std::size_t r = 12; r < now.record.observations.size(); ++r)
    for (Visit& visit : std::get<Round>(now.record.observations[r].what).visits)
      if (visit.reference.empty())
        for (Seconds& seconds : visit.seconds) seconds *= 1.2;
  for (const ComparedPair& pair : compare(base.compared(), now.compared()).pairs) {
    CHECK(pair.verdict == PairVerdict::inconclusive);
    CHECK(pair.reason.find("against the reference program within the new session") !=
          std::string::npos);
  }
}

TEST_CASE("a machine that became another one judges nothing", "[track][compare]") {
  const Session base = session({}), now = session({.host = 1.5, .change = 1.2});
  for (const ComparedPair& pair : compare(base.compared(), now.compared()).pairs) {
    CHECK(pair.verdict == PairVerdict::inconclusive);
    CHECK(pair.reason.find("the reference program itself took 1.") == 0);
  }
}

TEST_CASE("levels and pairs that contradict each other make no claim", "[track][compare]") {
  // In the new session the reference is slowed in every second round: its level does not see it,
  // the pairs do.
  const Session base = session({.rounds = 40});
  Session now = session({.rounds = 40});
  for (std::size_t r = 0; r < now.record.observations.size(); r += 2)
    for (Visit& visit : std::get<Round>(now.record.observations[r].what).visits)
      if (!visit.reference.empty())
        for (Seconds& seconds : visit.seconds) seconds *= 1.5;
  for (const ComparedPair& pair : compare(base.compared(), now.compared()).pairs)
    CHECK(pair.verdict == PairVerdict::inconclusive);
}

TEST_CASE("long sessions are compared in no time", "[track][compare]") {
  const Session base = session({.rounds = 3000}), now = session({.rounds = 3000, .seed = 2});
  const Comparison comparison = compare(base.compared(), now.compared());
  for (const ComparedPair& pair : comparison.pairs) {
    REQUIRE(pair.ci95);
    CHECK(pair.verdict == PairVerdict::same);
  }
}

TEST_CASE("differences of settings and environment are put in words", "[track][compare]") {
  Session base = session({}), now = session({});
  base.record.header.settings.effective = {{"threads", std::int64_t{2}, "default"},
                                           {"budget", 60.0, "default"}};
  now.record.header.settings.effective = {{"threads", std::int64_t{4}, "--threads"},
                                          {"budget", 60.0, "--budget"}};
  base.record.header.environment = {{"kernel", std::string("6.1")}, {"gone", true}};
  now.record.header.environment = {{"kernel", std::string("6.5")}, {"new", std::string("x")}};
  const Comparison comparison = compare(base.compared(), now.compared());
  CHECK(comparison.differences == std::vector<std::string>{"threads: 2 -> 4", "kernel: 6.1 -> 6.5",
                                                           "gone: true -> absent",
                                                           "new: absent -> x"});
}

TEST_CASE("other models, and simulated against measured, are not comparable", "[track][compare]") {
  const Session base = session({});
  Session other = session({});
  other.record.header.model.hash = "2";
  CHECK_FALSE(compare(base.compared(), other.compared()).comparable);
  Session simulated = session({});
  simulated.record.header.simulated = true;
  const Comparison comparison = compare(base.compared(), simulated.compared());
  CHECK_FALSE(comparison.comparable);
  CHECK(comparison.differences == std::vector<std::string>{"device: measured -> simulated"});
  Session none = session({});
  none.conclusion.trials.clear();
  CHECK_FALSE(compare(base.compared(), none.compared()).comparable);
}

TEST_CASE("a boundary shrinks only under the same memory limit", "[track][compare]") {
  const Session base = session({});
  Session now = session({});
  now.conclusion.boundaries[0].largest_fitting = 211;
  Comparison comparison = compare(base.compared(), now.compared());
  CHECK(comparison.base_boundary == 212);
  CHECK(comparison.new_boundary == 211);
  CHECK(comparison.shrank);
  CHECK(outcome_of(comparison) == ComparisonOutcome::regression);
  now.conclusion.boundaries[0].kind = BoundaryKind::predicted;  // one batch less is the fit's error
  CHECK_FALSE(compare(base.compared(), now.compared()).shrank);
  now.conclusion.boundaries[0].kind = BoundaryKind::probed;
  now.conclusion.boundaries[0].exact = false;  // nor is one batch less of a band a finding
  CHECK_FALSE(compare(base.compared(), now.compared()).shrank);
  now.conclusion.boundaries[0].exact = true;
  now.record.header.wishes.memory_limit = 900;
  CHECK_FALSE(compare(base.compared(), now.compared()).shrank);
}

TEST_CASE("a candidate that was ok and ended badly is told, and is a regression",
          "[track][compare]") {
  const Session base = session({});
  for (const TrialStatus status : {TrialStatus::crashed, TrialStatus::out_of_memory,
                                   TrialStatus::wrong_result, TrialStatus::failed}) {
    Session now = session({.seed = 2});
    now.conclusion.trials[1].measurement.reset();
    now.conclusion.trials[1].ending.status = status;
    const Comparison comparison = compare(base.compared(), now.compared());
    CHECK(comparison.differences ==
          std::vector<std::string>{"cpu, batch 8: ok -> " + std::string(name_of(status))});
    CHECK(outcome_of(comparison) == ComparisonOutcome::regression);
    CHECK(outcome_of(compare(now.compared(), base.compared())) != ComparisonOutcome::regression);
    now.record.header.wishes.memory_limit = 900;
    CHECK(compare(base.compared(), now.compared()).broke == (status != TrialStatus::out_of_memory));
  }
}

TEST_CASE("memory-bound programs make no claim that memory's rate could make", "[track][compare]") {
  Estimate estimate;
  estimate.group = candidate_of(1).group;
  PointEstimate one;
  one.bound = Bound::memory;
  estimate.curve = {one};
  Session base = session({});
  base.record.header.estimates = {estimate};
  for (const double change : {1.2, 1.6}) {
    Session now = session({.change = change, .seed = 2});
    now.record.header.estimates = {estimate};
    const Comparison comparison = compare(base.compared(), now.compared());
    REQUIRE(comparison.pairs.size() == 2);
    CHECK(comparison.pairs[1].verdict == PairVerdict::slower);  // batch 8 is far from the memory
    CHECK((comparison.pairs[0].verdict == PairVerdict::slower) == (change > 1.5));
    if (change < 1.5) CHECK(comparison.pairs[0].reason.find("memory-bound: ") == 0);
  }
}

TEST_CASE("the boundary that shrank is told, whichever group it is of", "[track][compare]") {
  Session base = session({}), now = session({.seed = 2});
  for (Session* side : {&base, &now}) {
    Boundary other = side->conclusion.boundaries[0];
    other.group.threads = 4;
    other.largest_fitting = side == &base ? 50 : 40;
    side->conclusion.boundaries.push_back(other);
  }
  const Comparison comparison = compare(base.compared(), now.compared());
  CHECK(comparison.shrank);
  CHECK(comparison.base_boundary == 50);
  CHECK(comparison.new_boundary == 40);
}

TEST_CASE("a recommendation that moved is told, and is no regression by itself",
          "[track][compare]") {
  const Session base = session({});
  Session now = session({});
  now.conclusion.best = Best{1, "cpu", 1, true};
  const Comparison comparison = compare(base.compared(), now.compared());
  CHECK(comparison.moved);
  CHECK(comparison.base_batch == 8);
  CHECK(comparison.new_batch == 1);
  CHECK(outcome_of(comparison) != ComparisonOutcome::regression);
  now.conclusion.best.reset();
  CHECK_FALSE(compare(base.compared(), now.compared()).new_batch);
}

TEST_CASE("the same batch with another split of the CPUs has moved", "[track][compare]") {
  const Session base = session({});
  Session now = session({});
  CHECK_FALSE(compare(base.compared(), now.compared()).moved);
  for (Trial& trial : now.conclusion.trials) trial.candidate.group.instances = 2;
  const Comparison comparison = compare(base.compared(), now.compared());
  CHECK(comparison.moved);
  CHECK(comparison.new_batch == comparison.base_batch);
  REQUIRE(comparison.new_group);
  CHECK(comparison.new_group->instances == 2);
}
