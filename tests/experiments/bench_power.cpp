// Is a program that does 5 % more work found, and is none found where there is none? Comparisons in
// one session: two programs of equal kind (`repeat`, bench_environment.h) race against an anchor
// for some seconds each; the judgement is the one of paired comparisons (ratio beyond the
// threshold, its interval beyond 1).
//   bench_power [comparisons = 40] [seconds each = 8] [model = shufflenet-v2]
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "tests/experiments/bench_environment.h"
#include "tuner/statistics/levels.h"
#include "tuner/track/compare.h"

using namespace batchtune;
using namespace batchtune::experiments;

namespace {

constexpr std::int64_t kWork = 20;  // inner runs: one more is 5 % more work

struct Tally {
  int slower = 0, faster = 0, none = 0;
  std::vector<double> ratios;
};

// Trial 1 is the anchor; `more` inner runs in trial 2.
void compare_once(std::uint64_t seed, const std::string& model, std::int64_t more, Seconds seconds,
                  Tally& tally) {
  WorkerMeasurer measurer(options_for(model, kRepeatBackend, seed));
  const CandidateGroup group = group_of(kRepeatBackend);
  prepare(measurer, 1, {group, kWork});
  prepare(measurer, 2, {group, kWork + more});
  RoundRequest request;
  request.anchor = 1;
  request.contenders = {{2, 1.0, 0}};
  request.seconds = 0.5;
  std::vector<RoundMedians> rounds;
  for (Seconds spent = 0; spent < seconds; ++request.sequence)
    rounds.push_back(visit_medians(round_of(measurer, request, &spent)));
  const PairedRatio pair = paired_ratio(rounds, 1, 2);
  tally.ratios.push_back(pair.ratio);
  const bool slower = pair.ci95 && pair.ratio > 1 + kDefaultThreshold && pair.ci95->low > 1;
  const bool faster = pair.ci95 && pair.ratio < 1 / (1 + kDefaultThreshold) && pair.ci95->high < 1;
  ++(slower ? tally.slower : faster ? tally.faster : tally.none);
}

void print(const char* what, const Tally& tally) {
  double low = tally.ratios.front(), high = low, sum = 0;
  for (const double ratio : tally.ratios) {
    low = ratio < low ? ratio : low;
    high = ratio > high ? ratio : high;
    sum += ratio;
  }
  std::printf(
      "%-14s %3d comparisons: slower %d, faster %d, neither %d; ratio mean %.4f, %.4f to %.4f\n",
      what, static_cast<int>(tally.ratios.size()), tally.slower, tally.faster, tally.none,
      sum / static_cast<double>(tally.ratios.size()), low, high);
  std::fflush(stdout);
}

}  // namespace

int main(int argc, char** argv) {
  if (const auto code = serve_as_worker(argc, argv)) return *code;
  const int comparisons = argc > 1 ? std::atoi(argv[1]) : 40;
  const double seconds = argc > 2 ? std::atof(argv[2]) : 8;
  const std::string model = argc > 3 ? argv[3] : "shufflenet-v2";
  Tally same, more;
  for (int i = 0; i < comparisons; ++i) {
    compare_once(static_cast<std::uint64_t>(2 * i + 1), model, 1, seconds, more);
    compare_once(static_cast<std::uint64_t>(2 * i + 2), model, 0, seconds, same);
    std::fprintf(stderr, "%d of %d comparisons: ratios %.4f and %.4f\n", i + 1, comparisons,
                 more.ratios.back(), same.ratios.back());
  }
  print("5 % more work", more);
  print("equal work", same);
  return 0;
}
