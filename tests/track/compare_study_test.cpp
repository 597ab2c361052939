// The fast twin of study_comparisons: identical sessions are rarely called changed, changed ones
// are found, on synthetic disturbances with fixed seeds.
#include "tests/track/compare_study.h"

#include "tests/support/catch.h"
#include "tuner/track/compare.h"

using namespace batchtune;
using namespace batchtune::synthetic;

namespace {

SessionPlan plan_of(const NoiseKind& kind, int rounds) {
  SessionPlan plan;
  plan.noise = kind.parameters;
  plan.rounds = rounds;
  return plan;
}

Comparison comparison_of(const Session& base, const Session& now) {
  return compare({base.record, base.conclusion}, {now.record, now.conclusion});
}

}  // namespace

TEST_CASE("identical sessions are rarely called changed, whatever disturbs them",
          "[track][study]") {
  int pairs = 0;
  double claims = 0;
  for (const NoiseKind& kind : noise_kinds()) {
    INFO(kind.name);
    const SessionPlan plan = plan_of(kind, 30);
    SessionPlan other = plan;
    other.anchor = 2;
    const CompareFinding finding = compare_study(plan, other, 40, 1);
    CHECK(finding.claimed <= 0.05);  // two of 40; one in a hundred is allowed
    claims += 40 * finding.claimed;
    pairs += 40;
  }
  CHECK(claims <= 0.015 * pairs);  // 1 % is allowed; this many pairs tell 1 from 2.5
}

TEST_CASE("quiet sessions decide, and find what changed", "[track][study]") {
  SessionPlan base = plan_of(noise_kinds()[0], 50);
  CHECK(compare_study(base, base, 40, 1).inconclusive < 0.2);
  SessionPlan slower = base;
  slower.change = 1.06;
  CHECK(compare_study(base, slower, 20, 1).found > 0.9);
}

TEST_CASE("comparing the other way round turns every verdict round", "[track][study]") {
  SessionPlan plan = plan_of(noise_kinds()[1], 40), changed = plan;
  changed.change = 1.06;
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    const Session base = session_of(plan, seed), now = session_of(changed, seed + 100);
    const Comparison there = comparison_of(base, now), back = comparison_of(now, base);
    REQUIRE(there.pairs.size() == back.pairs.size());
    for (std::size_t i = 0; i < there.pairs.size(); ++i) {
      CHECK(there.pairs[i].ratio * back.pairs[i].ratio == Approx(1).margin(0.003));
      CHECK_FALSE((there.pairs[i].verdict == PairVerdict::slower &&
                   back.pairs[i].verdict == PairVerdict::slower));
    }
  }
}

TEST_CASE("a session against itself is the same, or is too noisy to say", "[track][study]") {
  for (const NoiseKind& kind : noise_kinds()) {
    const Session session = session_of(plan_of(kind, 30), 3);
    for (const ComparedPair& pair : comparison_of(session, session).pairs) {
      CHECK(pair.ratio == 1);
      CHECK(pair.verdict != PairVerdict::slower);
      CHECK(pair.verdict != PairVerdict::faster);
      CHECK(pair.reason.empty() == (pair.verdict == PairVerdict::same));
    }
  }
}
