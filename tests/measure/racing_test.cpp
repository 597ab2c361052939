// Rounds over real worker processes that disturb one another: canaries, parked workers, programs
// that do not fit together, suspects, and what the harness costs.
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cmath>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <set>
#include <string>
#include <thread>

#include "tests/measure/racing_backends.h"
#include "tests/measure/support.h"
#include "tests/support/catch.h"
#include "tuner/measure/worker_measurer.h"
#include "tuner/measure/worker_process.h"

using namespace batchtune;

namespace {

WorkerMeasurerOptions options_of(const std::string& backend, const std::string& parameters) {
  WorkerMeasurerOptions options = simulated_options("");
  options.backends = {{backend, parameters, MemoryKind::account, "", {}}};
  return options;
}

Candidate candidate_of(const std::string& backend, std::int64_t batch) {
  Candidate candidate;
  candidate.group.backend = backend;
  candidate.batch = batch;
  return candidate;
}

Preparation prepare(WorkerMeasurer& measurer, TrialId trial, const Candidate& candidate) {
  const auto observation = measurer.prepare(trial, candidate);
  REQUIRE(observation);
  return std::get<Preparation>(observation->what);
}

// Trials 1 to `count` with that batch each.
RoundRequest prepare_all(WorkerMeasurer& measurer, const std::string& backend, TrialId count,
                         TrialId anchor = 1) {
  RoundRequest request;
  request.anchor = anchor;
  for (TrialId trial = 1; trial <= count; ++trial) {
    REQUIRE(prepare(measurer, trial, candidate_of(backend, trial)).ending == Ending{});
    request.contenders.push_back({trial});
  }
  return request;
}

Observation observe_round(WorkerMeasurer& measurer, RoundRequest& request) {
  auto observation = measurer.run_round(request);
  REQUIRE(observation);
  ++request.sequence;
  return *observation;
}

Round run_round(WorkerMeasurer& measurer, RoundRequest& request) {
  return std::get<Round>(observe_round(measurer, request).what);
}

std::set<TrialId> trials_in(const Round& round) {
  std::set<TrialId> trials;
  for (const Visit& visit : round.visits)
    if (visit.trial != 0) trials.insert(visit.trial);
  return trials;
}

}  // namespace

TEST_CASE("visits carry the bursts around them, and slow ones are flagged", "[racing]") {
  auto options = simulated_options("");
  options.canary_cpus = 2;
  options.reference_threads = 1;
  WorkerMeasurer measurer(std::move(options));
  RoundRequest request = prepare_all(measurer, "simulated", 6);
  int disturbed = 0, visits = 0;
  for (int i = 0; i < 8; ++i) {
    const Observation observation = observe_round(measurer, request);
    for (const Visit& visit : std::get<Round>(observation.what).visits) {
      REQUIRE(visit.host);
      REQUIRE(visit.host->compute_canary.size() == 2);
      CHECK(visit.host->clock_hz == 2e9);
      CHECK(visit.host->involuntary_switches >= 0);
      CHECK(visit.host->minor_faults >= 0);
      CHECK(visit.host->major_faults >= 0);
      CHECK(visit.host->parked_cpu >= 0);
      if (i < 3) continue;  // the quiet level is being learned
      if (visit.host->cpu_pressure > 0.2) continue;  // the machine that tests is itself disturbed
      CHECK(visit.disturbed == (visit.host->compute_canary[0] > 50e-6));
      disturbed += visit.disturbed ? 1 : 0;
      ++visits;
    }
    CHECK(observation.canaries > 0);
    CHECK(observation.canaries < observation.wall);
  }
  // Every fourth burst is slow; a turn of n visits has n + 1 bursts, so a visit between two.
  CHECK(disturbed >= visits / 4);
  CHECK((visits < 8 || disturbed < visits));
  CHECK(measurer.quiet_levels().compute == std::vector<double>{30e-6 * 2e9, 30e-6 * 2e9});
  CHECK(measurer.quiet_levels().cache == std::vector<Seconds>{100e-6, 100e-6});
  CHECK(measurer.quiet_levels().exchange == std::vector<Seconds>{80e-9});
}

TEST_CASE("a level that was known before flags the very first visits", "[racing]") {
  auto options = simulated_options("");
  options.canary_cpus = 1;
  options.quiet = {{20e-6 * 2e9}, {100e-6}};
  WorkerMeasurer measurer(std::move(options));
  RoundRequest request = prepare_all(measurer, "simulated", 1);
  for (const Visit& visit : run_round(measurer, request).visits) CHECK(visit.disturbed);
  CHECK(measurer.quiet_levels().compute == std::vector<double>{20e-6 * 2e9});
}

TEST_CASE("without canaries nothing is said of the host, and wall time is told", "[racing]") {
  WorkerMeasurer measurer(simulated_options(""));
  RoundRequest request = prepare_all(measurer, "simulated", 2);
  const Observation observation = observe_round(measurer, request);
  for (const Visit& visit : std::get<Round>(observation.what).visits) CHECK_FALSE(visit.host);
  CHECK(observation.canaries == 0);
  CHECK(observation.wall > 0);
  CHECK(measurer.quiet_levels() == QuietLevels{});
}

TEST_CASE("a worker whose threads spin for ever is stopped while others have the turn",
          "[racing]") {
  auto options = options_of("spinning", "");
  options.canary_cpus = 1;
  options.reference_threads = 1;
  WorkerMeasurer measurer(std::move(options));
  RoundRequest request = prepare_all(measurer, "spinning", 2);
  for (int i = 0; i < 6; ++i) {
    const Round round = run_round(measurer, request);
    CHECK(round.failures.empty());
    CHECK(trials_in(round) == std::set<TrialId>{1, 2});  // it goes on in its own turn
    for (const Visit& visit : round.visits)
      if (!visit.reference.empty()) CHECK(*visit.host->parked_cpu < 0.1);  // else about 1
  }
  measurer.release(1);
  REQUIRE(prepare(measurer, 3, candidate_of("spinning", 3)).ending == Ending{});
}

TEST_CASE("a worker that is stopped goes with its parent all the same", "[racing]") {
  int ends[2];
  REQUIRE(pipe2(ends, O_CLOEXEC) == 0);
  const pid_t parent = fork();  // this process has one thread
  if (parent == 0) {
    auto worker = WorkerProcess::start("simulated");
    (*worker)->send(protocol::Describe{});
    (void)(*worker)->receive(60);
    kill(-(*worker)->pid(), SIGSTOP);
    const pid_t pid = (*worker)->pid();
    (void)!write(ends[1], &pid, sizeof(pid));
    for (;;) pause();
  }
  close(ends[1]);  // so that a parent that dies is an end of file here, not a wait for ever
  pid_t worker = 0;
  const ssize_t size = read(ends[0], &worker, sizeof(worker));
  const bool lived = size == static_cast<ssize_t>(sizeof(worker)) && kill(worker, 0) == 0;
  kill(parent, SIGKILL);  // first of all: whatever fails here, it must not be left behind
  REQUIRE(waitpid(parent, nullptr, 0) == parent);
  REQUIRE(lived);
  CHECK(is_gone_within(worker, 10));
  close(ends[0]);
}

TEST_CASE("threads that linger for a moment are waited for", "[racing]") {
  auto options = options_of("lingering", "");
  options.canary_cpus = 1;
  options.reference_threads = 1;
  WorkerMeasurer measurer(std::move(options));
  RoundRequest request = prepare_all(measurer, "lingering", 2);
  for (int i = 0; i < 4; ++i)
    for (const Visit& visit : run_round(measurer, request).visits)
      if (!visit.reference.empty()) CHECK(visit.host->parked_cpu < 0.1);
}

TEST_CASE("warm runs of each program grow to what a switch costs it", "[racing]") {
  WorkerMeasurer measurer(options_of("cold", "5"));
  RoundRequest request = prepare_all(measurer, "cold", 4);
  std::map<TrialId, int> warm;
  for (int i = 0; i < 25; ++i)
    for (const Visit& visit : run_round(measurer, request).visits) {
      CHECK(visit.warm >= warm[visit.trial]);
      warm[visit.trial] = visit.warm;
    }
  for (const auto& [trial, runs] : warm) CHECK(runs == 5);
  for (const Visit& visit : run_round(measurer, request).visits)
    CHECK(visit.seconds[static_cast<std::size_t>(visit.warm)] == visit.seconds.back());
}

TEST_CASE("a resumed session warms its programs as it did before", "[racing]") {
  auto options = options_of("cold", "5");
  options.warm = {{2, 5}};
  WorkerMeasurer measurer(std::move(options));
  RoundRequest request = prepare_all(measurer, "cold", 2);
  for (const Visit& visit : run_round(measurer, request).visits)
    CHECK(visit.warm == (visit.trial == 2 ? 5 : 2));
}

TEST_CASE("wanted timed runs are made", "[racing]") {
  WorkerMeasurer measurer(simulated_options("overhead=10ms"));
  RoundRequest request = prepare_all(measurer, "simulated", 3);
  request.contenders[0].timed = 9;  // the anchor
  request.contenders[1].timed = 7;
  for (const Visit& visit : run_round(measurer, request).visits) {
    const int timed = static_cast<int>(visit.seconds.size()) - visit.warm;
    CHECK(timed == (visit.trial == 1 ? 9 : visit.trial == 2 ? 7 : 3));
  }
}

TEST_CASE("programs that do not fit memory together race in groups with the anchor",
          "[racing][memory]") {
  auto options = simulated_options("prepare=0.25");
  Bytes one = 0;
  {
    WorkerMeasurer measurer(simulated_options(""));
    one = prepare(measurer, 1, simulated_candidate(8)).memory->total();
  }
  options.programs_memory = 4 * one;  // batches 1 to 8 hold less each, weights once
  const auto rounds_of = [&] {
    WorkerMeasurer measurer(options);
    RoundRequest request;
    request.anchor = 1;
    for (TrialId trial = 1; trial <= 9; ++trial) {
      REQUIRE(prepare(measurer, trial, simulated_candidate(8)).ending == Ending{});
      request.contenders.push_back({trial});
    }
    std::vector<Round> rounds;
    Seconds preparing = 0;
    for (int i = 0; i < 60; ++i) {
      const Observation observation = observe_round(measurer, request);
      rounds.push_back(std::get<Round>(observation.what));
      if (observation.device_time > 0.25) preparing += observation.device_time;
    }
    CHECK(preparing > 0.25);  // preparing again is paid for
    CHECK(preparing < 0.25 * 60);
    return rounds;
  };
  const auto rounds = rounds_of();
  std::map<TrialId, int> visits;
  for (const Round& round : rounds) {
    CHECK(round.failures.empty());
    const auto trials = trials_in(round);
    CHECK(trials.contains(1));
    CHECK(trials.size() > 2);
    CHECK(trials.size() < 9);
    for (const TrialId trial : trials) ++visits[trial];
  }
  for (TrialId trial = 2; trial <= 9; ++trial) CHECK(visits[trial] >= 8);
  CHECK(rounds == rounds_of());
}

TEST_CASE("a suspect that nothing explains gets a worker of its own before it is given up",
          "[racing]") {
  WorkerMeasurer measurer(options_of("crowded", "3"));
  RoundRequest request = prepare_all(measurer, "crowded", 5);
  const Round first = run_round(measurer, request);
  CHECK(trials_in(first) == std::set<TrialId>{1, 2, 3, 4, 5});
  CHECK(first.failures.empty());
  const Round second = run_round(measurer, request);  // ok in its second run this time
  CHECK(trials_in(second).size() == 5);
  CHECK(second.failures.empty());
}

TEST_CASE("a duration that is none fails its program, and blames nobody else", "[racing]") {
  WorkerMeasurer measurer(options_of("not_a_number", "3"));
  RoundRequest request = prepare_all(measurer, "not_a_number", 4);
  const Round round = run_round(measurer, request);
  REQUIRE(round.failures.size() == 1);
  CHECK(round.failures[0].trial == 3);
  CHECK(round.failures[0].ending.status == TrialStatus::failed);
  CHECK(trials_in(round) == std::set<TrialId>{1, 2, 4});
}

TEST_CASE("a death that nothing lays to a program is nobody's fault once", "[racing]") {
  const std::string marker = deadly_marker(getpid());
  std::filesystem::remove(marker);
  auto options = simulated_options("");
  options.canary_cpus = kDeadlyCpus;
  WorkerMeasurer measurer(std::move(options));
  RoundRequest request = prepare_all(measurer, "simulated", 3);
  const Round round = run_round(measurer, request);
  CHECK(std::filesystem::remove(marker));
  CHECK(round.failures.empty());
  CHECK(trials_in(round) == std::set<TrialId>{1, 2, 3});
}

TEST_CASE("flags for benchmarks in the environment change no visit", "[racing]") {
  const std::pair<const char*, const char*> flags[] = {
      {"BENCHMARK_REPETITIONS", "3"},        {"BENCHMARK_LIST_TESTS", "true"},
      {"BENCHMARK_MIN_WARMUP_TIME", "0.01"}, {"BENCHMARK_ENABLE_RANDOM_INTERLEAVING", "true"},
      {"BENCHMARK_DRY_RUN", "true"},         {"BENCHMARK_OUT", "/nonexistent/file"}};
  for (const auto& [name, value] : flags) setenv(name, value, 1);
  WorkerMeasurer measurer(simulated_options("overhead=10ms"));
  RoundRequest request = prepare_all(measurer, "simulated", 3);
  const Round round = run_round(measurer, request);
  for (const auto& [name, value] : flags) unsetenv(name);
  CHECK(round.failures.empty());
  CHECK(round.visits.size() == 3);
  for (const Visit& visit : round.visits) CHECK(std::ssize(visit.seconds) == visit.warm + 3);
}

TEST_CASE("with verification outputs are held against the reference kernels", "[racing]") {
  const auto prepared_with = [](const std::string& kernels, bool verify) {
    auto options = options_of("kernels", kernels);
    options.verify = verify;
    WorkerMeasurer measurer(std::move(options));
    (void)prepare(measurer, 1, candidate_of("kernels", 1));
    return prepare(measurer, 2, candidate_of("kernels", 4)).ending;
  };
  CHECK(prepared_with("right", true) == Ending{});
  CHECK(prepared_with("wrong", false) == Ending{});  // all batches agree
  const Ending wrong = prepared_with("wrong", true);
  CHECK(wrong.status == TrialStatus::wrong_result);
  CHECK(wrong.evidence.find("reference kernels") != std::string::npos);
  const Ending none = prepared_with("none", true);
  CHECK(none.status == TrialStatus::ok);
  CHECK(none.evidence == "not verified: the backend has no reference kernels");
}

TEST_CASE("what the harness costs is measured by a program that does nothing", "[racing]") {
  WorkerMeasurer measurer(simulated_options(""));
  const auto overhead = measurer.measure_overhead();
  REQUIRE(overhead);
  CHECK(overhead->in_interval > 0);
  CHECK(overhead->between_visits > 0);
  CHECK_FALSE(overhead->outside_share);
}
