// A measurer made of formulas: latency and memory over batch, a memory wall, endings, common and
// own noise. Nothing here is taken from the estimate, so that guess and truth stay apart.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "tuner/measure/measurer.h"
#include "tuner/search/strategy.h"

namespace batchtune {

struct Scene {
  std::function<Seconds(std::int64_t)> latency = {};  // quiet seconds of one batch
  std::function<Bytes(std::int64_t)> memory = [](std::int64_t batch) {
    return Bytes{100'000'000} + 1'000'000 * batch;
  };
  std::map<std::int64_t, Ending> endings = {};      // batches that do not end ok when prepared
  std::map<std::int64_t, int> fails_in_round = {};  // batch -> which of its rounds crashes it
  double common_noise = 0;  // a round is slower by up to this share, as a whole
  double own_noise = 0;     // standard deviation of the log of each run
  double luck = 0;  // standard deviation of the log of each program's latency, the same in all its runs
  std::uint64_t luck_seed = 1;
  Seconds prepare = 0.05;
  Bytes machine = Bytes{1} << 50;  // unlimited preparations fail above
  double slow_share = 0;           // of the runs, each by itself, take slow_factor as long
  double slow_factor = 1;
  LimiterKind limiter = LimiterKind::account;  // of probes under a limit
  Bytes memory_jitter = 0;                     // under a cgroup: up to so much more, each time
  std::map<std::int64_t, Ending> soak_endings = {};   // batches that do not last
  int bad_soaks = 1000;                               // soaks that end so, the first ones
  std::map<std::string, double> slower = {};          // backend -> its latency, as a factor
  std::optional<Seconds> compile = {};  // waited for a program's first compilation; nullopt: nothing is compiled
  std::map<std::int64_t, double> splitting = {};  // compiled batch -> what splitting costs, as a factor on its runs
  std::map<std::int64_t, Ending> probe_endings = {};  // batches that end otherwise when probed
};

class ScriptedMeasurer final : public Measurer {
 public:
  explicit ScriptedMeasurer(Scene scene) : scene_(std::move(scene)) {}

  Result<Observation> prepare(TrialId trial, const Candidate& candidate) override;
  Result<Observation> run_round(const RoundRequest& request) override;
  Result<Observation> probe(const ProbeRequest& request) override;
  void release(TrialId trial) override;
  void compile_ahead(const Candidate& candidate) override;

  std::map<TrialId, Candidate> live;
  std::size_t most_live = 0;
  int preparations = 0, rounds = 0, probes = 0, kills = 0, soaks = 0;
  std::vector<std::string> misuse;  // what no strategy may ask
  std::vector<Candidate> ahead;     // asked to be compiled in the background
  std::set<std::int64_t> compiled;  // batches

 private:
  Seconds latency_of(const Candidate& candidate) const;
  Visit visit(TrialId trial, int timed, double disturbance, std::mt19937_64& random) const;

  Scene scene_;
  std::map<TrialId, int> visited_;
  std::map<TrialId, double> luck_;  // factors of the programs that are held
};

CandidateGroup test_group();

// One group with an estimate that is off by some factor; no limits.
Problem test_problem(std::int64_t seed_batch);

struct Played {
  SessionRecord record;
  SessionEnd end = SessionEnd::running;
  std::string reason;
};

// Runs a strategy to its end.
Played play(const Problem& problem, Measurer& measurer, const char* strategy = "doubling",
            std::uint64_t seed = 1);

}  // namespace batchtune
