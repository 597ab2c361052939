// Prints the tables of tuner/statistics/README.md: intervals of ratios and levels, and promises,
// on synthetic disturbances. Takes minutes; the unit test interval_study_test.cpp is its fast twin.
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "tests/statistics/interval_study.h"

namespace batchtune::synthetic {
namespace {

constexpr std::uint64_t kSeed = 1'000'000;

// The hard case for promises: p90 lies just inside the disturbed part, and a session meets only few
// disturbances, or none.
std::vector<NoiseKind> rare_neighbours() {
  std::vector<NoiseKind> kinds;
  for (const int tenths : {5, 10, 30}) {
    NoiseKind kind{"neighbour 12 % of the time, " + std::to_string(tenths / 10) + "." +
                       std::to_string(tenths % 10) + " s",
                   noise_kinds()[0].parameters};
    kind.parameters.neighbour = 0.12;
    kind.parameters.neighbour_seconds = tenths / 10.0;
    kinds.push_back(kind);
  }
  return kinds;
}

void print_intervals(const NoiseKind& kind, double seen, int sessions) {
  for (const int rounds : {8, 20, 60}) {
    const Finding ratio = ratio_study(kind, rounds, seen, sessions, kSeed);
    const Finding level = level_study(kind, rounds, seen, sessions / 4, kSeed);
    std::printf("| %s%s | %d | %+.2f | %.1f | %.2f | %+.2f | %.1f | %.2f |\n", kind.name.c_str(),
                seen > 0 ? ", canaries see 70 %" : "", rounds, 100 * ratio.bias,
                100 * ratio.coverage, 100 * ratio.half_width, 100 * level.bias,
                100 * level.coverage, 100 * level.half_width);
    std::fflush(stdout);
  }
}

void print_promises(const NoiseKind& kind, Seconds session, int sessions) {
  for (const LatencyMetric metric : {LatencyMetric::p50, LatencyMetric::p90, LatencyMetric::p99}) {
    const Seconds percentile = long_run_percentile(kind, metric);
    PromisePlan plan;
    plan.metric = metric;
    plan.session = session;
    const PromiseFinding at = promises_of(kind, plan, percentile, sessions, kSeed);
    plan.slack = 1.2;
    const PromiseFinding below = promises_of(kind, plan, percentile, sessions / 4, kSeed);
    plan.slack = 0.8;
    const PromiseFinding above = promises_of(kind, plan, percentile, sessions / 4, kSeed);
    std::printf("| %s | %s | %.0f s | %.0f | %.1f | %.1f | %.0f | %.0f |\n", kind.name.c_str(),
                std::string(name_of(metric)).c_str(), session, at.samples, 100 * at.kept,
                100 * at.broken, 100 * below.kept, 100 * above.broken);
    std::fflush(stdout);
  }
}

}  // namespace
}  // namespace batchtune::synthetic

int main(int argc, char** argv) {
  using namespace batchtune::synthetic;
  const int sessions = argc > 1 ? std::atoi(argv[1]) : 2000;
  std::puts(
      "| noise | rounds | ratio: bias % | coverage % | half width % | level: bias % | "
      "coverage % | half width % |");
  std::puts("|---|---|---|---|---|---|---|---|");
  for (const NoiseKind& kind : noise_kinds()) print_intervals(kind, 0, sessions);
  constexpr double kSeen = 0.7;
  print_intervals(noise_kinds()[1], kSeen, sessions);
  print_intervals(noise_kinds().back(), kSeen, sessions);
  std::puts(
      "\n| noise | percentile | session | effective samples | limit at the truth: kept % | "
      "broken % | limit 20 % above: kept % | 20 % below: broken % |");
  std::puts("|---|---|---|---|---|---|---|---|");
  auto kinds = noise_kinds();
  for (const NoiseKind& kind : rare_neighbours()) kinds.push_back(kind);
  for (const NoiseKind& kind : kinds)
    for (const double session : {60.0, 240.0}) {
      if (kind.parameters.drift > 0) continue;  // has no long-run percentile
      print_promises(kind, session, sessions);
    }
  return 0;
}
