// Bands under process limiters, remembered ceilings, and what counts as running out of memory.
#include "tuner/search/bracket.h"

#include <random>
#include <vector>

#include "tests/search/scripted_measurer.h"
#include "tests/support/catch.h"
#include "tuner/search/conclude.h"

using namespace batchtune;

namespace {

constexpr Bytes kMiB = Bytes{1} << 20;
constexpr Bytes kLimit = 400 * kMiB;

Probe probe_of(std::int64_t batch, bool fits, LimiterKind limiter = LimiterKind::cgroup) {
  Probe probe;
  probe.candidate = {test_group(), batch};
  probe.limit = kLimit;
  probe.limiter = limiter;
  if (fits)
    probe.memory = MemoryUse{batch * kMiB, 0, 0, MemoryKind::rss};
  else
    probe.ending = {TrialStatus::out_of_memory, "limit", "cgroup_oom_kill: 1", "device"};
  return probe;
}

Problem probed_problem(Bytes limit) {
  Problem problem = test_problem(4);
  problem.budget.racing = 8;  // the race is not what is tested
  problem.wishes.memory_limit = limit;
  problem.boundary = BoundaryWish::probed;
  return problem;
}

Scene scene_of(LimiterKind limiter, Bytes jitter = 0) {
  Scene scene{.latency = [](std::int64_t b) { return 1e-4 + 1e-5 * static_cast<double>(b); }};
  scene.limiter = limiter;
  scene.memory_jitter = jitter;
  return scene;
}

std::vector<std::int64_t> probed_batches(const SessionRecord& record) {
  std::vector<std::int64_t> batches;
  for (const Observation& observation : record.observations)
    if (const auto* probe = std::get_if<Probe>(&observation.what))
      batches.push_back(probe->candidate.batch);
  return batches;
}

}  // namespace

TEST_CASE("a band search ends with two tries at each end, from below, whatever the prediction",
          "[search][band]") {
  std::mt19937_64 random(1);
  int most_kills_when_predicted = 0;
  for (int round = 0; round < 1000; ++round) {
    const std::int64_t wall = static_cast<std::int64_t>(random() % 3000);  // fits surely
    const std::int64_t fuzzy = static_cast<std::int64_t>(random() % (1 + wall / 200));  // by chance
    std::optional<std::int64_t> predicted;
    const bool good = random() % 2 == 0;
    if (good)
      predicted = std::max<std::int64_t>(1, wall - wall / 200 + fuzzy);
    else if (random() % 3 > 0)
      predicted = static_cast<std::int64_t>(random() % 4000);
    std::vector<Probe> probes;
    if (wall >= 1) probes.push_back(probe_of(1, true));
    int kills = 0;
    while (const auto batch = next_in_band(band_of(probes, kLimit), predicted, 5000)) {
      REQUIRE(probes.size() < 80);
      REQUIRE(*batch >= 1);
      const bool fits = *batch <= wall || (*batch <= wall + fuzzy && random() % 2 == 0);
      kills += !fits;
      probes.push_back(probe_of(*batch, fits));
    }
    const Band band = band_of(probes, kLimit);
    INFO("wall " << wall << " + " << fuzzy << ", predicted " << predicted.value_or(0));
    REQUIRE(band.narrow());
    CHECK(band.fits <= wall + fuzzy);
    CHECK(*band.fails > wall);
    if (band.fits > 0) CHECK(band.fits_tries >= kBandTries);
    CHECK(band.fails_tries >= kBandTries);
    if (good && fuzzy == 0) most_kills_when_predicted = std::max(most_kills_when_predicted, kills);
  }
  CHECK(most_kills_when_predicted <= 2);
}

TEST_CASE("under a cgroup the boundary is a band with its tries, found by two kills",
          "[search][band]") {
  for (const Bytes jitter : {Bytes{0}, 2 * kMiB}) {
    const Problem problem = probed_problem(kLimit);
    ScriptedMeasurer measurer(scene_of(LimiterKind::cgroup, jitter));
    const Conclusion conclusion = conclude(play(problem, measurer).record, problem.wishes);
    REQUIRE(conclusion.boundaries.size() == 1);
    const Boundary& boundary = conclusion.boundaries[0];
    INFO(boundary.evidence);
    const std::int64_t truth = (kLimit - 100'000'000) / 1'000'000;
    CHECK(boundary.kind == BoundaryKind::probed);
    CHECK(boundary.limiter == LimiterKind::cgroup);
    CHECK_FALSE(boundary.exact);
    CHECK(*boundary.largest_fitting <= truth);
    CHECK(*boundary.smallest_failing > truth - 3);
    CHECK(*boundary.smallest_failing - *boundary.largest_fitting <= 8);
    CHECK(boundary.kills == measurer.kills);
    CHECK(conclusion.kills == measurer.kills);
    if (jitter == 0) {
      CHECK(measurer.kills == 2);
      CHECK(boundary.evidence.find("ran in 2 of 2 tries, batch ") != std::string::npos);
      CHECK(boundary.evidence.find("ran out of memory in 2 of 2: wanted") != std::string::npos);
    }
    CHECK(measurer.kills <= 4);
  }
}

TEST_CASE("under RLIMIT_AS nothing is killed", "[search][band]") {
  const Problem problem = probed_problem(kLimit);
  ScriptedMeasurer measurer(scene_of(LimiterKind::rlimit));
  const Conclusion conclusion = conclude(play(problem, measurer).record, problem.wishes);
  CHECK(conclusion.boundaries[0].kind == BoundaryKind::probed);
  CHECK_FALSE(conclusion.boundaries[0].exact);
  CHECK(conclusion.boundaries[0].kills == 0);
}

TEST_CASE("a remembered ceiling is verified by two probes and not searched again",
          "[search][ceiling]") {
  const std::int64_t truth = (kLimit - 100'000'000) / 1'000'000;
  for (const LimiterKind limiter : {LimiterKind::account, LimiterKind::cgroup}) {
    Problem problem = probed_problem(kLimit);
    problem.ceilings = {{test_group(), kLimit, truth, truth + 1}};
    ScriptedMeasurer measurer(scene_of(limiter));
    const Played played = play(problem, measurer);
    const auto probed = probed_batches(played.record);
    REQUIRE(probed.size() == 5);  // three for the line
    CHECK(probed[3] == truth);
    CHECK(probed[4] == truth + 1);
    const Boundary boundary = conclude(played.record, problem.wishes).boundaries.at(0);
    CHECK(boundary.kind == BoundaryKind::probed);
    CHECK(boundary.largest_fitting == truth);
    CHECK(boundary.kills <= 1);
  }
}

TEST_CASE("a remembered ceiling that is wrong is searched again", "[search][ceiling]") {
  const std::int64_t truth = (kLimit - 100'000'000) / 1'000'000;
  for (const std::int64_t remembered : {truth - 40, truth + 40}) {
    Problem problem = probed_problem(kLimit);
    problem.ceilings = {{test_group(), kLimit, remembered, remembered + 1}};
    ScriptedMeasurer measurer(scene_of(LimiterKind::account));
    const Boundary boundary =
        conclude(play(problem, measurer).record, problem.wishes).boundaries.at(0);
    CHECK(boundary.kind == BoundaryKind::probed);
    CHECK(boundary.largest_fitting == truth);
  }
  Problem problem = probed_problem(kLimit);
  problem.ceilings = {{test_group(), kLimit / 2, 7, 8}};  // of another limit
  ScriptedMeasurer measurer(scene_of(LimiterKind::account));
  const auto probed = probed_batches(play(problem, measurer).record);
  CHECK(std::count(probed.begin(), probed.end(), 7) == 0);
}

TEST_CASE("only the device's memory ends the fitting batches", "[search][boundary]") {
  const auto ended = [](TrialStatus status, const char* where, bool killed, MemoryKind kind) {
    std::vector<Probe> probes{probe_of(1, true, LimiterKind::account),
                              probe_of(8, false, LimiterKind::account)};
    probes[0].memory->kind = kind;
    probes[1].ending = {status, "scripted", "scripted", where};
    probes[1].killed = killed;
    CHECK(is_puzzling(probes, kLimit) != bracket_of(probes, kLimit).fails.has_value());
    return bracket_of(probes, kLimit).fails.has_value();
  };
  CHECK(ended(TrialStatus::out_of_memory, "host", false, MemoryKind::account));
  CHECK(ended(TrialStatus::out_of_memory, "device", true, MemoryKind::rss));      // by its cgroup
  CHECK_FALSE(ended(TrialStatus::out_of_memory, "host", true, MemoryKind::rss));  // by the system
  CHECK_FALSE(ended(TrialStatus::out_of_memory, "host", false, MemoryKind::device));
  CHECK_FALSE(ended(TrialStatus::out_of_memory, "compile", false, MemoryKind::device));
  CHECK(ended(TrialStatus::out_of_memory, "device", false, MemoryKind::device));
  CHECK_FALSE(ended(TrialStatus::crashed, "", false, MemoryKind::account));
  CHECK_FALSE(ended(TrialStatus::timeout, "", true, MemoryKind::account));
}

TEST_CASE("a crash or the system's kill while probing is not repeated", "[search][boundary]") {
  const std::int64_t truth = (kLimit - 100'000'000) / 1'000'000;
  for (const Ending& ending : {Ending{TrialStatus::crashed, "died", "signal 11", ""},
                               Ending{TrialStatus::timeout, "no beat", "no beat for 60 s", ""}}) {
    Problem problem = probed_problem(kLimit);
    Scene scene = scene_of(LimiterKind::account);
    scene.probe_endings[truth] = ending;
    ScriptedMeasurer measurer(scene);
    const Played played = play(problem, measurer);
    const auto probed = probed_batches(played.record);
    CHECK(std::count(probed.begin(), probed.end(), truth) == 1);
    CHECK(conclude(played.record, problem.wishes).boundaries[0].kind == BoundaryKind::predicted);
  }
}

TEST_CASE("nothing predicted above the safe memory is probed where no limit holds",
          "[search][boundary]") {
  Problem problem = probed_problem(kLimit);
  problem.safe_memory = 250 * kMiB;
  ScriptedMeasurer measurer(scene_of(LimiterKind::account));
  Played played = play(problem, measurer);
  for (const std::int64_t batch : probed_batches(played.record))
    CHECK(100'000'000 + batch * 1'000'000 <= *problem.safe_memory);
  for (const Trial& trial : conclude(played.record, problem.wishes).trials)
    CHECK(100'000'000 + trial.candidate.batch * 1'000'000 <= *problem.safe_memory);
  played.record.header.settings.effective = {{"safe_memory", *problem.safe_memory, "test"}};
  const Boundary boundary = conclude(played.record, problem.wishes).boundaries.at(0);
  CHECK(boundary.kind == BoundaryKind::predicted);
  CHECK(boundary.largest_fitting == (kLimit - 100'000'000) / 1'000'000);
  CHECK(boundary.evidence.find("more than the 250 MiB that are safe where no limit holds") !=
        std::string::npos);
}

TEST_CASE("where the smallest batch is not safe nothing runs, and the session says why",
          "[search][boundary]") {
  Problem problem = probed_problem(kLimit);
  problem.groups[0].curve = {{1, 0.001, 1000, 900e6, Bound::compute}};
  problem.safe_memory = 250 * kMiB;
  ScriptedMeasurer measurer(scene_of(LimiterKind::none));
  const Played played = play(problem, measurer);
  CHECK(played.record.observations.empty());
  CHECK(played.reason.find("is not safe where no limit holds a process") != std::string::npos);
}

TEST_CASE("without a limiter the boundary stays predicted", "[search][boundary]") {
  const Problem problem = probed_problem(kLimit);
  ScriptedMeasurer measurer(scene_of(LimiterKind::none));
  const Played played = play(problem, measurer);
  CHECK(probed_batches(played.record).size() == 3);
  const Boundary boundary = conclude(played.record, problem.wishes).boundaries.at(0);
  CHECK(boundary.kind == BoundaryKind::predicted);
  CHECK(boundary.evidence.find("no limiter holds a process to the limit") != std::string::npos);
}
