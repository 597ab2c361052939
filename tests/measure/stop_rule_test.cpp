// Stop rules on made-up rounds: what each needs, when it looks, that precision is monotone.
#include "tuner/measure/stop_rule.h"

#include <cmath>
#include <random>
#include <set>
#include <string>

#include "tests/support/catch.h"

using namespace batchtune;

namespace {

Visit visit_of(TrialId trial, Seconds seconds, int runs = 2) {
  Visit visit;
  visit.trial = trial;
  visit.warm = 1;
  visit.seconds.assign(static_cast<std::size_t>(runs) + 1, seconds);
  return visit;
}

// Anchor 1 (10 ms), trial 2 (`second`), noise of their own.
Round round_of(std::mt19937_64& random, double noise, Seconds second = 0.020, int runs = 2) {
  std::normal_distribution<double> normal(0, 1);
  Round round;
  round.visits = {visit_of(1, 0.010 * std::exp(noise * normal(random)), runs),
                  visit_of(2, second * std::exp(noise * normal(random)), runs)};
  return round;
}

StopQuestion question() {
  return {1, {{1, 1, 1}, {2, 2, 1}}, {}, {}};
}

// Rounds after which the rule is done; `most` when it is not.
int rounds_until_done(StopRule& rule, std::uint64_t seed, double noise, int most,
                      Seconds second = 0.020, int runs = 2) {
  std::mt19937_64 random(seed);
  for (int n = 1; n <= most; ++n) {
    rule.add(round_of(random, noise, second, runs));
    if (rule.done()) return n;
  }
  return most;
}

}  // namespace

TEST_CASE("every stop rule has a name of its own, words and parameters with defaults",
          "[measure][stop]") {
  std::set<std::string> names;
  for (const StopRuleEntry& entry : stop_rules()) {
    INFO(entry.name);
    CHECK(names.insert(std::string(entry.name)).second);
    CHECK_FALSE(entry.description.empty());
    CHECK_FALSE(entry.parameters.empty());
    const auto rule = make_stop_rule(entry.name, question());
    REQUIRE(rule);
    CHECK_FALSE(rule->done());  // nothing was measured
    CHECK_FALSE(rule->reason().empty());
  }
  for (const char* name : {"interval", "rank", "percentile", "steady", "rounds", "time"})
    CHECK(names.count(name) == 1);
  CHECK_FALSE(make_stop_rule("luck", question()));
}

TEST_CASE("looks are spaced by a fifth", "[measure][stop]") {
  CHECK(last_look(5) == 0);
  CHECK(last_look(7) == 6);
  CHECK(last_look(8) == 8);
  CHECK(last_look(18) == 16);
  for (int n = 6; n < 500; ++n) {
    const int look = last_look(n);
    CHECK(last_look(look) == look);
    CHECK(last_look(look + look / 5) <= look + look / 5);
    CHECK(n < look + std::max(2, look / 5));
  }
}

TEST_CASE("a narrow interval must be seen at two looks in a row", "[measure][stop]") {
  const auto rule = make_stop_rule("interval", question());
  CHECK(rounds_until_done(*rule, 1, 0, 100) == 10);  // 8 rounds at least, and the next look
  CHECK(rule->reason() == "the widest interval is +-0 % after 10 rounds; 1.0 % was asked for");
}

TEST_CASE("a tighter precision never stops earlier", "[measure][stop]") {
  for (std::uint64_t seed = 1; seed <= 15; ++seed) {
    int before = 0;
    for (const double precision : {0.1, 0.05, 0.03, 0.02, 0.01, 0.005, 0.001}) {
      StopQuestion asked = question();
      asked.wishes.precision = precision;
      const int rounds = rounds_until_done(*make_stop_rule("interval", asked), seed, 0.03, 90);
      CHECK(rounds >= before);
      before = rounds;
    }
    CHECK(before == 90);  // 0.1 % is not to be had from 90 rounds of such noise
  }
}

TEST_CASE("rounds that visit no subject do not count", "[measure][stop]") {
  const auto rule = make_stop_rule("rounds", question());
  Round other;
  other.visits = {visit_of(7, 0.01)};
  for (int n = 0; n < 50; ++n) rule->add(other);
  CHECK(rule->reason() == "0 of 40 rounds of each");
  CHECK(rounds_until_done(*rule, 1, 0, 100) == 40);
}

TEST_CASE("an order that noise cannot change is settled at once, an equal one is not",
          "[measure][stop]") {
  // Batch 2 in 12 ms against batch 1 in 10 ms: 167 against 100 samples/s. In 20 ms: the same rate.
  CHECK(rounds_until_done(*make_stop_rule("rank", question()), 3, 0.02, 100, 0.012) == 10);
  int open = 0;
  for (std::uint64_t seed = 1; seed <= 20; ++seed)
    open += rounds_until_done(*make_stop_rule("rank", question()), seed, 0.02, 16) == 16;
  CHECK(open >= 10);
}

TEST_CASE("the rank rule asks its chooser when it has one", "[measure][stop]") {
  StopQuestion asked = question();
  asked.choose = [](std::span<const double>) { return std::size_t{0}; };  // never in doubt
  CHECK(rounds_until_done(*make_stop_rule("rank", asked), 5, 0.5, 100) == 10);
}

TEST_CASE("a percentile rule is done when every limit is decided", "[measure][stop]") {
  StopQuestion asked = question();
  asked.subjects = {{2, 2, 1}};
  asked.wishes.latency_limits = {{LatencyMetric::p90, 0.030}};
  const int kept = rounds_until_done(*make_stop_rule("percentile", asked), 1, 0.001, 100, 0.02, 10);
  CHECK(kept >= 44);  // independent samples that prove p90: equal runs of a visit are worth one
  CHECK(kept <= 70);
  asked.wishes.latency_limits = {{LatencyMetric::p90, 0.010}};
  CHECK(rounds_until_done(*make_stop_rule("percentile", asked), 1, 0.001, 100, 0.02, 10) <= 12);
  asked.wishes.latency_limits = {{LatencyMetric::p99_9, 0.030}};
  CHECK(rounds_until_done(*make_stop_rule("percentile", asked), 1, 0.001, 60, 0.02, 10) == 60);
}

TEST_CASE("a percentile rule without a latency limit is never done, and says why",
          "[measure][stop]") {
  const auto rule = make_stop_rule("percentile", question());
  CHECK(rounds_until_done(*rule, 1, 0.001, 50) == 50);
  CHECK_FALSE(rule->done());
  CHECK(rule->reason() == "no latency limit is wished");
}

TEST_CASE("noise is steady when it is small, or when more rounds do not change its estimate",
          "[measure][stop]") {
  CHECK(rounds_until_done(*make_stop_rule("steady", question()), 1, 0.0001, 200) <= 8);
  const int noisy = rounds_until_done(*make_stop_rule("steady", question()), 1, 0.05, 200);
  CHECK(noisy >= 20);
  CHECK(noisy < 200);
}

TEST_CASE("the time rule counts warm runs as well", "[measure][stop]") {
  // 3 runs of 10 ms and 3 of 20 ms: 90 ms a round.
  CHECK(rounds_until_done(*make_stop_rule("time", question()), 1, 0, 200) == 112);
}
