// The measurer over real worker processes and the simulated device: preparations, rounds and
// probes.
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <string>

#include "tests/measure/support.h"
#include "tests/support/catch.h"
#include "tuner/backend/backend_list.h"
#include "tuner/measure/worker_measurer.h"

using namespace batchtune;

namespace {

Preparation prepare(WorkerMeasurer& measurer, TrialId trial, const Candidate& candidate) {
  const auto observation = measurer.prepare(trial, candidate);
  REQUIRE(observation);
  return std::get<Preparation>(observation->what);
}

Round run_round(WorkerMeasurer& measurer, const RoundRequest& request) {
  const auto observation = measurer.run_round(request);
  REQUIRE(observation);
  return std::get<Round>(observation->what);
}

Probe probe(WorkerMeasurer& measurer, std::int64_t batch, std::optional<Bytes> limit) {
  const auto observation = measurer.probe({simulated_candidate(batch), limit});
  REQUIRE(observation);
  return std::get<Probe>(observation->what);
}

RoundRequest request_of(std::initializer_list<TrialId> trials, TrialId anchor,
                        std::uint64_t sequence = 0) {
  RoundRequest request;
  for (const TrialId trial : trials) request.contenders.push_back({trial, 1});
  request.anchor = anchor;
  request.sequence = sequence;
  return request;
}

// For hangs: above a busy machine's hiccups, below a reader's patience.
WorkerMeasurerOptions impatient_options(const std::string& parameters) {
  WorkerMeasurerOptions options = simulated_options(parameters);
  options.timeout = 1;
  return options;
}

std::set<TrialId> trials_in(const Round& round) {
  std::set<TrialId> trials;
  for (const Visit& visit : round.visits)
    if (visit.trial != 0) trials.insert(visit.trial);
  return trials;
}

}  // namespace

TEST_CASE("a preparation tells seconds, first run and memory", "[measurer]") {
  std::vector<LoadNotice> notices;
  auto options = simulated_options("prepare=0.5,load=2,overhead=1ms");
  options.on_load = [&](const LoadNotice& notice) { notices.push_back(notice); };
  WorkerMeasurer measurer(std::move(options));
  const Preparation first = prepare(measurer, 1, simulated_candidate(8));
  CHECK(first.ending == Ending{});
  CHECK(first.trial == 1);
  CHECK(first.candidate == simulated_candidate(8));
  CHECK(first.prepare_seconds == 0.5);
  CHECK(first.load_seconds == 2);
  CHECK(*first.first_run >= 0.001);
  CHECK(first.memory->weights == 8 * 4 * 4);
  const Preparation second = prepare(measurer, 2, simulated_candidate(4));
  CHECK(second.load_seconds == 0);  // loaded once for the group
  REQUIRE(notices.size() == 1);
  CHECK(notices[0].group == simulated_candidate(1).group);
  CHECK(notices[0].report.effective.at(0).name == "simulated.wall");
}

TEST_CASE("a group without programs gives its weights back before the next one loads",
          "[measurer]") {
  int loads = 0;
  auto options = simulated_options("");
  options.on_load = [&](const LoadNotice&) { ++loads; };
  WorkerMeasurer measurer(std::move(options));
  Candidate other = simulated_candidate(1);
  other.group.dtype = DType::bf16;
  (void)prepare(measurer, 1, simulated_candidate(1));
  (void)prepare(measurer, 2, other);
  (void)prepare(measurer, 3, simulated_candidate(2));
  CHECK(loads == 2);  // both are held, side by side
  measurer.release(2);
  other.group.threads = 2;
  (void)prepare(measurer, 4, other);
  other.group.threads = 1;
  (void)prepare(measurer, 5, other);
  CHECK(loads == 4);  // the released group had to be loaded again
  CHECK(trials_in(run_round(measurer, request_of({1, 3, 4, 5}, 1))).size() == 4);
}

TEST_CASE("a kernel is proved in one load of a session and not again", "[measurer]") {
  std::vector<LoadNotice> notices;
  auto options = simulated_options("");
  options.backends = {{"proving", "", MemoryKind::account, "", {}}};
  options.on_load = [&](const LoadNotice& notice) { notices.push_back(notice); };
  WorkerMeasurer measurer(std::move(options));
  Candidate candidate = simulated_candidate(1);
  candidate.group.backend = "proving";
  REQUIRE(measurer.prepare(1, candidate));
  candidate.group.threads = 2;
  REQUIRE(measurer.prepare(2, candidate));
  REQUIRE(notices.size() == 2);
  CHECK(notices[0].report.newly_proven_kernels == std::vector<std::string>{"gemm"});
  CHECK(notices[1].report.newly_proven_kernels.empty());
}

TEST_CASE("a wrong result is never a measurement", "[measurer]") {
  WorkerMeasurer measurer(simulated_options("wrong=8"));
  const Preparation wrong = prepare(measurer, 1, simulated_candidate(8));
  CHECK(wrong.ending.status == TrialStatus::wrong_result);
  CHECK(wrong.ending.evidence.find("allowed") != std::string::npos);
  CHECK(prepare(measurer, 2, simulated_candidate(9)).ending.status == TrialStatus::ok);
  const Round round = run_round(measurer, request_of({1, 2}, 2));
  CHECK(trials_in(round) == std::set<TrialId>{2});
  REQUIRE(round.failures.size() == 1);
  CHECK(round.failures[0].trial == 1);
}

TEST_CASE("the wall is an answer, and the worker goes on", "[measurer]") {
  WorkerMeasurer measurer(simulated_options("wall=2MiB"));
  const Preparation refused = prepare(measurer, 1, simulated_candidate(1000000));
  CHECK(refused.ending.status == TrialStatus::out_of_memory);
  CHECK(refused.ending.where == "device");
  CHECK_FALSE(refused.first_run);
  CHECK(prepare(measurer, 2, simulated_candidate(2)).load_seconds == 0);
}

TEST_CASE("a crash or hang in a preparation loses that candidate alone", "[measurer]") {
  WorkerMeasurer measurer(impatient_options("crash=4,hang=5,abort=6,exit=7"));
  CHECK(prepare(measurer, 1, simulated_candidate(2)).ending.status == TrialStatus::ok);
  CHECK(prepare(measurer, 2, simulated_candidate(4)).ending.status == TrialStatus::crashed);
  CHECK(prepare(measurer, 3, simulated_candidate(5)).ending.status == TrialStatus::timeout);
  CHECK(prepare(measurer, 4, simulated_candidate(6)).ending.status == TrialStatus::crashed);
  CHECK(prepare(measurer, 5, simulated_candidate(7)).ending.status == TrialStatus::crashed);
  const Round round = run_round(measurer, request_of({1}, 1));
  CHECK(trials_in(round) == std::set<TrialId>{1});
  CHECK(round.failures.empty());
}

TEST_CASE("a crash in a round keeps every other visit, the anchor's included", "[measurer]") {
  WorkerMeasurer measurer(simulated_options("crash=4@2"));
  for (TrialId trial = 1; trial <= 6; ++trial)
    REQUIRE(prepare(measurer, trial, simulated_candidate(trial)).ending.status == TrialStatus::ok);
  const Round round = run_round(measurer, request_of({1, 2, 3, 4, 5, 6}, 3));
  CHECK(trials_in(round) == std::set<TrialId>{1, 2, 3, 5, 6});
  REQUIRE(round.failures.size() == 1);
  CHECK(round.failures[0].trial == 4);
  CHECK(round.failures[0].ending.status == TrialStatus::crashed);
  CHECK(round.failures[0].ending.evidence.find("last seen warming up batch 4") !=
        std::string::npos);
  const Round next = run_round(measurer, request_of({1, 2, 3, 5, 6}, 3, 1));
  CHECK(trials_in(next).size() == 5);
  CHECK(next.failures.empty());
}

TEST_CASE("a worker that dies while it waits is no program's fault", "[measurer]") {
  WorkerMeasurer measurer(simulated_options(""));
  for (TrialId trial = 1; trial <= 2; ++trial)
    REQUIRE(prepare(measurer, trial, simulated_candidate(trial)).ending.status == TrialStatus::ok);
  REQUIRE(trials_in(run_round(measurer, request_of({1, 2}, 1))).size() == 2);
  kill_child(pid_of_a_child());
  const Round round = run_round(measurer, request_of({1, 2}, 1, 1));
  CHECK(round.failures.empty());
  CHECK(trials_in(round) == std::set<TrialId>{1, 2});
  kill_child(pid_of_a_child());
  CHECK(prepare(measurer, 3, simulated_candidate(3)).ending.status == TrialStatus::ok);
  CHECK(trials_in(run_round(measurer, request_of({1, 2, 3}, 1, 2))).size() == 3);
}

TEST_CASE("a worker that answered another question is not asked again", "[measurer]") {
  const std::string marker =
      std::filesystem::temp_directory_path() / ("bt_stray_" + std::to_string(getpid()));
  std::filesystem::remove(marker);
  auto options = simulated_options("");
  options.backends = {{"stray", marker, MemoryKind::account, "", {}}};
  WorkerMeasurer measurer(std::move(options));
  Candidate candidate = simulated_candidate(1);
  candidate.group.backend = "stray";
  const Preparation first = prepare(measurer, 1, candidate);
  CHECK(first.ending.status == TrialStatus::failed);
  CHECK(first.ending.reason.find("another question") != std::string::npos);
  CHECK(prepare(measurer, 2, candidate).ending == Ending{});
  std::filesystem::remove(marker);
}

TEST_CASE("a batch 1 that is not finite agrees with no other batch", "[measurer]") {
  auto options = simulated_options("");
  options.backends = {{"nan", "", MemoryKind::account, "", {}}};
  WorkerMeasurer measurer(std::move(options));
  Candidate candidate = simulated_candidate(4);
  candidate.group.backend = "nan";
  const Preparation wrong = prepare(measurer, 1, candidate);
  CHECK(wrong.ending.status == TrialStatus::wrong_result);
  CHECK(wrong.ending.reason.find("batch 1") == 0);
}

TEST_CASE("a hang in a round is a timeout of the candidate in hand", "[measurer]") {
  WorkerMeasurer measurer(impatient_options("hang=2@3"));
  for (TrialId trial = 1; trial <= 3; ++trial)
    REQUIRE(prepare(measurer, trial, simulated_candidate(trial)).ending.status == TrialStatus::ok);
  const auto observation = measurer.run_round(request_of({1, 2, 3}, 1));
  REQUIRE(observation);
  const Round& round = std::get<Round>(observation->what);
  CHECK(trials_in(round) == std::set<TrialId>{1, 3});
  REQUIRE(round.failures.size() == 1);
  CHECK(round.failures[0].trial == 2);
  CHECK(round.failures[0].ending.status == TrialStatus::timeout);
  CHECK(observation->device_time > 0.9);  // what the hang cost belongs to the budget
}

TEST_CASE("each round visits the anchor and both references, within its seconds", "[measurer]") {
  auto options = simulated_options("overhead=20ms,prepare=0.001");
  options.reference_threads = 1;
  WorkerMeasurer measurer(std::move(options));
  RoundRequest request = request_of({}, 3);
  for (TrialId trial = 1; trial <= 40; ++trial) {
    REQUIRE(prepare(measurer, trial, simulated_candidate(trial)).ending.status == TrialStatus::ok);
    request.contenders.push_back({trial, 1});
  }
  std::set<TrialId> seen;
  for (request.sequence = 0; request.sequence < 20; ++request.sequence) {
    const auto observation = measurer.run_round(request);
    REQUIRE(observation);
    const Round& round = std::get<Round>(observation->what);
    std::map<std::string, int> references;
    for (std::size_t i = 0; i < round.visits.size(); ++i) {
      const Visit& visit = round.visits[i];
      CHECK(visit.position == static_cast<int>(i));
      CHECK((visit.trial == 0) != visit.reference.empty());
      CHECK(visit.warm < static_cast<int>(visit.seconds.size()));
      if (visit.trial == 0) ++references[visit.reference];
    }
    CHECK(references == std::map<std::string, int>{{"cache", 1}, {"compute", 1}});
    const auto trials = trials_in(round);
    CHECK(trials.contains(3));
    CHECK(trials.size() > 10);
    CHECK(trials.size() < 40);  // 3 runs of 20 ms each: some 33 fit
    CHECK(observation->device_time < request.seconds * 1.1);
    seen.insert(trials.begin(), trials.end());
  }
  CHECK(seen.size() == 40);
}

TEST_CASE("rounds repeat with their seed and differ with it", "[measurer]") {
  const auto rounds_with = [](std::uint64_t seed) {
    auto options = simulated_options("overhead=50ms");
    options.seed = seed;
    WorkerMeasurer measurer(std::move(options));
    RoundRequest request = request_of({}, 1);
    for (TrialId trial = 1; trial <= 20; ++trial) {
      (void)prepare(measurer, trial, simulated_candidate(trial));
      request.contenders.push_back({trial, 1});
    }
    std::vector<Round> rounds;
    for (request.sequence = 0; request.sequence < 3; ++request.sequence)
      rounds.push_back(run_round(measurer, request));
    return rounds;
  };
  const auto rounds = rounds_with(1);
  CHECK(rounds == rounds_with(1));
  CHECK_FALSE(rounds == rounds_with(2));
  CHECK_FALSE(rounds[0] == rounds[1]);
}

TEST_CASE("where a run takes longer than a second rounds are pairs with the anchor", "[measurer]") {
  WorkerMeasurer measurer(simulated_options("overhead=1.5s"));
  for (TrialId trial = 1; trial <= 5; ++trial)
    (void)prepare(measurer, trial, simulated_candidate(trial));
  for (std::uint64_t sequence = 0; sequence < 5; ++sequence) {
    const Round round = run_round(measurer, request_of({1, 2, 3, 4, 5}, 2, sequence));
    CHECK(round.visits.size() == 2);
    CHECK(trials_in(round).contains(2));
  }
}

TEST_CASE("with k instances k visits share a position", "[measurer]") {
  WorkerMeasurer measurer(simulated_options(""));
  (void)prepare(measurer, 1, simulated_candidate(2, 3));
  const Round round = run_round(measurer, request_of({1}, 1));
  REQUIRE(round.visits.size() == 3);
  for (int instance = 0; instance < 3; ++instance) {
    const Visit& visit = round.visits[static_cast<std::size_t>(instance)];
    CHECK(visit.position == 0);
    CHECK(visit.instance == instance);
    CHECK(visit.seconds.size() == round.visits[0].seconds.size());
  }
}

TEST_CASE("of instances that are unequally fast the slowest costs the time, and all are kept",
          "[measurer]") {
  WorkerMeasurer measurer(simulated_options("overhead=1ms,uneven=50%"));
  (void)prepare(measurer, 1, simulated_candidate(2, 2));
  const auto observation = measurer.run_round(request_of({1}, 1));
  REQUIRE(observation);
  const Round& round = std::get<Round>(observation->what);
  REQUIRE(round.visits.size() == 2);
  Seconds first = 0, second = 0;
  for (const Seconds run : round.visits[0].seconds) first += run;
  for (const Seconds run : round.visits[1].seconds) second += run;
  CHECK(round.visits[0].seconds.size() == round.visits[1].seconds.size());
  CHECK(second == Approx(1.5 * first));
  CHECK(observation->device_time == Approx(second));
}

TEST_CASE("the output of every instance is checked", "[measurer]") {
  for (const std::int64_t batch : {1, 4}) {
    WorkerMeasurer measurer(simulated_options("wrong=" + std::to_string(batch)));
    const Preparation prepared = prepare(measurer, 1, simulated_candidate(batch, 3));
    CHECK(prepared.ending.status == TrialStatus::wrong_result);
    CHECK(prepared.ending.evidence.find("in instance 3 of 3") != std::string::npos);
    CHECK(prepare(measurer, 2, simulated_candidate(batch + 1, 3)).ending.status == TrialStatus::ok);
  }
}

TEST_CASE("a crash with several instances is laid to their program, and other splits race on",
          "[measurer]") {
  WorkerMeasurer measurer(simulated_options("crash=4@3"));
  (void)prepare(measurer, 1, simulated_candidate(2, 1));
  (void)prepare(measurer, 2, simulated_candidate(4, 2));
  (void)prepare(measurer, 3, simulated_candidate(2, 2));
  const Round round = run_round(measurer, request_of({1, 2, 3}, 1));
  REQUIRE(round.failures.size() == 1);
  CHECK(round.failures[0].trial == 2);
  CHECK(round.failures[0].ending.status == TrialStatus::crashed);
  CHECK(trials_in(round) == std::set<TrialId>{1, 3});
  CHECK(std::count_if(round.visits.begin(), round.visits.end(),
                      [](const Visit& visit) { return visit.trial == 3; }) == 2);
}

TEST_CASE("a probe holds all instances and their weights once", "[measurer]") {
  WorkerMeasurer measurer(simulated_options(""));
  const auto memory_of = [&](int instances) {
    const auto observation = measurer.probe({simulated_candidate(16, instances), std::nullopt});
    REQUIRE(observation);
    return *std::get<Probe>(observation->what).memory;
  };
  const MemoryUse one = memory_of(1), two = memory_of(2);
  CHECK(two.weights == one.weights);
  CHECK(two.activations == 2 * one.activations);
  CHECK(two.workspace == 2 * one.workspace);
}

TEST_CASE("under an account limit the probed boundary is exact", "[measurer]") {
  WorkerMeasurer measurer(simulated_options("prepare=0.5,load=0.25"));
  const Probe free = probe(measurer, 16, std::nullopt);
  REQUIRE(free.ending.status == TrialStatus::ok);
  CHECK(free.limiter == LimiterKind::none);
  CHECK(free.seconds > 0.75);
  CHECK(free.seconds < 1);  // virtual seconds, not those of the process
  const Bytes limit = free.memory->total();
  const Probe fits = probe(measurer, 16, limit);
  CHECK(fits.ending.status == TrialStatus::ok);
  CHECK(fits.limiter == LimiterKind::account);
  CHECK(fits.limit == limit);
  CHECK(fits.memory == free.memory);
  const Probe fails = probe(measurer, 17, limit);
  CHECK(fails.ending.status == TrialStatus::out_of_memory);
  CHECK_FALSE(fails.memory);
  CHECK(probe(measurer, 16, limit - 1).ending.status == TrialStatus::out_of_memory);
  CHECK(probe(measurer, 1, 1).ending.status ==
        TrialStatus::out_of_memory);  // less than the weights
}

TEST_CASE("what loading maps beside its account is not taken from the limit's net", "[measurer]") {
  auto options = simulated_options("");
  options.backends = {{"mapping", "", MemoryKind::account, "", {}}};
  WorkerMeasurer measurer(std::move(options));
  Candidate candidate = simulated_candidate(1);
  candidate.group.backend = "mapping";
  const auto observation = measurer.probe({candidate, 1});
  REQUIRE(observation);
  CHECK(std::get<Probe>(observation->what).ending == Ending{});
}

TEST_CASE("a probe has the machine to itself, and racing goes on after it", "[measurer]") {
  WorkerMeasurer measurer(simulated_options(""));
  REQUIRE(prepare(measurer, 1, simulated_candidate(2)).ending.status == TrialStatus::ok);
  REQUIRE(pid_of_a_child() != 0);
  CHECK(probe(measurer, 4, std::nullopt).ending == Ending{});
  CHECK(pid_of_a_child() == 0);
  CHECK(trials_in(run_round(measurer, request_of({1}, 1))) == std::set<TrialId>{1});
}

TEST_CASE("a reference program that cannot run is told of, and rounds go on without it",
          "[measurer]") {
  std::vector<std::string> lost;
  auto options = simulated_options("");
  options.reference_threads = kThreadsWithoutCache;
  options.on_reference_lost = [&](const std::string& name, const Ending& ending) {
    CHECK(ending.status == TrialStatus::failed);
    lost.push_back(name);
  };
  WorkerMeasurer measurer(std::move(options));
  REQUIRE(prepare(measurer, 1, simulated_candidate(2)).ending.status == TrialStatus::ok);
  for (std::uint64_t sequence = 0; sequence < 2; ++sequence)
    CHECK(run_round(measurer, request_of({1}, 1, sequence)).visits.size() == 2);
  CHECK(lost == std::vector<std::string>{"cache"});
}

TEST_CASE("a probe that crashes or hangs has a typed ending", "[measurer]") {
  WorkerMeasurer measurer(impatient_options("crash=4,hang=5"));
  CHECK(probe(measurer, 4, std::nullopt).ending.status == TrialStatus::crashed);
  const Probe hung = probe(measurer, 5, std::nullopt);
  CHECK(hung.ending.status == TrialStatus::timeout);
  CHECK(hung.seconds > 0.9);
}

TEST_CASE("what no session can go on without is an Error", "[measurer]") {
  WorkerMeasurer measurer(simulated_options("wall=nonsense"));
  const auto refused = measurer.prepare(1, simulated_candidate(1));
  REQUIRE_FALSE(refused);
  CHECK(to_string(refused.error()).find("wall") != std::string::npos);
  Candidate foreign = simulated_candidate(1);
  foreign.group.backend = "gpu";
  CHECK_FALSE(measurer.prepare(1, foreign));
  CHECK_FALSE(measurer.probe({foreign, std::nullopt}));
}

TEST_CASE("observations start where a resumed session left off", "[measurer]") {
  ManualClock clock;
  auto options = simulated_options("");
  options.clock = &clock;
  options.session_age = 100;
  WorkerMeasurer measurer(std::move(options));
  clock.advance(5);
  const auto observation = measurer.prepare(1, simulated_candidate(1));
  REQUIRE(observation);
  CHECK(observation->started == 105);
}
