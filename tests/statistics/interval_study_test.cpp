// The fast twin of study_intervals: nominal 95 % intervals cover what they say, and promises are
// rarely made or broken by mistake, on synthetic disturbances with fixed seeds.
#include "tests/statistics/interval_study.h"

#include <cmath>

#include "tests/support/catch.h"

using namespace batchtune;
using namespace batchtune::synthetic;

namespace {

constexpr int kSessions = 300;

// A count of a binomial with this mean lies so far from it once in 300 times.
double slack(double share, int sessions) {
  return 3 * std::sqrt(share * (1 - share) / sessions);
}

}  // namespace

TEST_CASE("intervals of ratios cover the truth in 93 to 97 % of all sessions",
          "[statistics][study]") {
  for (const int rounds : {8, 12, 20, 60}) {
    double covered = 0, bias = 0;
    int kinds = 0;
    for (const NoiseKind& kind : noise_kinds()) {
      INFO(kind.name << ", " << rounds << " rounds");
      const Finding ratio = ratio_study(kind, {rounds}, kSessions, 1);
      CHECK(std::abs(ratio.coverage - 0.95) < 0.02 + slack(0.95, kSessions));
      CHECK(std::abs(ratio.bias) < 0.005);
      covered += ratio.coverage;
      bias += ratio.bias;
      ++kinds;
    }
    CHECK(std::abs(covered / kinds - 0.95) < 0.02);
    CHECK(std::abs(bias / kinds) < 0.001);
  }
}

TEST_CASE("intervals of ratios narrow with the square root of the rounds", "[statistics][study]") {
  for (const NoiseKind& kind : noise_kinds()) {
    INFO(kind.name);
    const double few = ratio_study(kind, {15}, 50, 1).half_width;
    const double many = ratio_study(kind, {60}, 50, 1).half_width;
    CHECK(many < 0.6 * few);
    CHECK(many < 0.011);
  }
}

TEST_CASE("canaries that miss some disturbances and invent others bias no ratio",
          "[statistics][study]") {
  const NoiseKind kind = noise_kinds().back();
  for (const double seen : {0.3, 0.7, 1.0}) {
    const Finding ratio = ratio_study(kind, {30, seen}, kSessions, 1);
    CHECK(std::abs(ratio.coverage - 0.95) < 0.02 + slack(0.95, kSessions));
    CHECK(std::abs(ratio.bias) < 0.002);
  }
}

TEST_CASE("quiet rounds alone give the ratio of programs that suffer unequally",
          "[statistics][study]") {
  for (const double sensitivity : {0.8, 1.2}) {
    const RatioFinding ratio = ratio_study(noise_kinds()[1], {60, 1, sensitivity}, kSessions, 1);
    CHECK(ratio.only_quiet > 0.95);
    CHECK(std::abs(ratio.bias) < 0.003);
    CHECK(ratio.coverage > 0.95 - 0.02 - slack(0.95, kSessions));
  }
}

// 1.5 to the power 0.2 is 8.4 % away.
TEST_CASE("disturbed rounds draw the ratio of such programs, never beyond the disturbed one",
          "[statistics][study]") {
  const NoiseKind neighbour = noise_kinds()[1];
  const RatioFinding tough = ratio_study(neighbour, {20, 0, 0.8}, kSessions, 1);
  CHECK(tough.bias < -0.01);
  CHECK(tough.bias > -0.084);
  const RatioFinding weak = ratio_study(neighbour, {20, 0, 1.2}, kSessions, 1);
  CHECK(weak.bias > 0.01);
  CHECK(weak.bias < 0.084);
}

TEST_CASE("a level lies below the middle by jitter alone, and its interval covers its own mean",
          "[statistics][study]") {
  const LevelFinding level = level_study(noise_kinds()[0], {20}, kSessions, 1);
  CHECK(level.bias < -0.01);
  CHECK(level.bias > -0.02);
  CHECK(std::abs(level.own_coverage - 0.95) < 0.02 + slack(0.95, kSessions));
}

// The design: sessions of 60 s, a visit of three 10-ms runs each 0.5 s, the limit exactly at the
// long-run percentile of the disturbed machine, where 1 % of the decisions may be wrong each way.
TEST_CASE("a limit at the true percentile is rarely called kept or broken", "[statistics][study]") {
  for (const NoiseKind& kind : noise_kinds()) {
    if (kind.parameters.drift > 0) continue;  // it has no long-run percentile
    for (const LatencyMetric metric :
         {LatencyMetric::p50, LatencyMetric::p90, LatencyMetric::p99}) {
      INFO(kind.name << ", " << name_of(metric));
      PromisePlan plan;
      plan.metric = metric;
      const Seconds percentile = long_run_percentile(kind, metric);
      const PromiseFinding finding = promises_of(kind, plan, percentile, kSessions, 1);
      CHECK(finding.kept <= 0.01 + slack(0.01, kSessions));
      CHECK(finding.broken <= 0.01 + slack(0.01, kSessions));
    }
  }
}

TEST_CASE("limits far from the percentile are decided within a minute", "[statistics][study]") {
  const NoiseKind quiet = noise_kinds()[0], disturbed = noise_kinds()[1];
  PromisePlan plan;
  plan.metric = LatencyMetric::p95;
  plan.slack = 1.2;
  const Seconds percentile = long_run_percentile(quiet, plan.metric);
  CHECK(promises_of(quiet, plan, percentile, 100, 1).kept == 1);
  plan.slack = 0.8;
  CHECK(promises_of(quiet, plan, percentile, 100, 1).broken == 1);
  // On for 3 s, off for 7: a minute has six of these, and is worth some 20 samples.
  plan.metric = LatencyMetric::p99;
  const PromiseFinding finding =
      promises_of(disturbed, plan, long_run_percentile(disturbed, plan.metric), 100, 1);
  CHECK(finding.broken > 0.9);
  CHECK(finding.samples < 40);
}
