// Prints the tables of tuner/statistics/README.md: intervals of ratios and levels, ratios
// of unequally sensitive programs, and promises, on synthetic disturbances. Takes minutes; the unit
// test interval_study_test.cpp is its fast twin.
#include <cstdio>
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#include "tests/statistics/interval_study.h"

namespace batchtune::synthetic {
namespace {

constexpr std::uint64_t kSeed = 1'000'000;
constexpr double kSeenInPart = 0.7;

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
    const Finding ratio = ratio_study(kind, {rounds, seen}, sessions, kSeed);
    const LevelFinding level = level_study(kind, {rounds, seen}, sessions / 4, kSeed);
    std::printf("| %s%s | %d | %+.2f | %.1f | %.2f | %+.2f | %.1f | %.1f | %.2f |\n",
                kind.name.c_str(), seen > 0 ? ", canaries see 70 %" : "", rounds, 100 * ratio.bias,
                100 * ratio.coverage, 100 * ratio.half_width, 100 * level.bias,
                100 * level.coverage, 100 * level.own_coverage, 100 * level.half_width);
    std::fflush(stdout);
  }
}

// A neighbour for more and more of the time: over the step from quiet rounds alone to all of them.
std::vector<NoiseKind> neighbours() {
  std::vector<NoiseKind> kinds;
  for (const int percent : {15, 30, 45, 60, 75}) {
    NoiseKind kind{"neighbour " + std::to_string(percent) + " % of the time, 3 s",
                   noise_kinds()[0].parameters};
    kind.parameters.neighbour = percent / 100.0;
    kinds.push_back(kind);
  }
  return kinds;
}

void print_sensitivities(const NoiseKind& kind, double seen, int sessions) {
  for (const int rounds : {20, 60}) {
    std::printf("| %s | %.0f | %d |", kind.name.c_str(), 100 * seen, rounds);
    bool first = true;
    for (const double sensitivity : {0.8, 1.2}) {
      const RatioFinding found = ratio_study(kind, {rounds, seen, sensitivity}, sessions, kSeed);
      if (std::exchange(first, false)) std::printf(" %.0f |", 100 * found.only_quiet);
      std::printf(" %+.2f | %.1f | %.2f |", 100 * found.bias, 100 * found.coverage,
                  100 * found.half_width);
    }
    std::puts("");
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

void print_interval_tables(int sessions) {
  std::puts(
      "| noise | rounds | ratio: bias % | coverage % | half width % | level: bias % | "
      "coverage % | of its own mean % | half width % |");
  std::puts("|---|---|---|---|---|---|---|---|---|");
  for (const NoiseKind& kind : noise_kinds()) print_intervals(kind, 0, sessions);
  print_intervals(noise_kinds()[1], kSeenInPart, sessions);
  print_intervals(noise_kinds().back(), kSeenInPart, sessions);
}

void print_sensitivity_table(int sessions) {
  std::puts(
      "| noise | canaries see % | rounds | quiet rounds alone in % | 0.8: bias % | coverage % | "
      "half width % | 1.2: bias % | coverage % | half width % |");
  std::puts("|---|---|---|---|---|---|---|---|---|---|");
  for (const NoiseKind& kind : neighbours())
    for (const double seen : {1.0, kSeenInPart, 0.0}) print_sensitivities(kind, seen, sessions);
  const auto kinds = noise_kinds();
  for (std::size_t i = 2; i < kinds.size(); ++i)
    print_sensitivities(kinds[i], kSeenInPart, sessions);
}

void print_promise_table(int sessions) {
  std::puts(
      "| noise | percentile | session | effective samples | limit at the truth: kept % | "
      "broken % | limit 20 % above: kept % | 20 % below: broken % |");
  std::puts("|---|---|---|---|---|---|---|---|");
  auto kinds = noise_kinds();
  for (const NoiseKind& kind : rare_neighbours()) kinds.push_back(kind);
  for (const NoiseKind& kind : kinds)
    for (const double session : {60.0, 240.0}) {
      if (kind.parameters.drift > 0) continue;  // has no long-run percentile
      print_promises(kind, session, sessions);
    }
}

}  // namespace
}  // namespace batchtune::synthetic

// study_intervals [SESSIONS] [intervals|sensitivity|promises]
int main(int argc, char** argv) {
  using namespace batchtune::synthetic;
  const int sessions = argc > 1 ? std::atoi(argv[1]) : 2000;
  const std::string which = argc > 2 ? argv[2] : "";
  if (which.empty() || which == "intervals") print_interval_tables(sessions);
  if (which.empty() || which == "sensitivity") print_sensitivity_table(sessions);
  if (which.empty() || which == "promises") print_promise_table(sessions);
  return 0;
}
