// What does racing save? Device time until the ratios of nine candidates to the anchor are known to
// +-1 %, by rounds and by visiting them one after the other in blocks. The spread of a ratio is
// taken between disjoint windows of one long recording of each kind, the two recorded by turns; the
// time to
// +-1 % is where 1.96 standard deviations, averaged over the candidates, fall below it (spread
// falls with the square root of the time beyond the longest window).
//   bench_cost [cycles = 4] [model = shufflenet-v2]
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>
#include <vector>

#include "tests/experiments/bench_environment.h"
#include "tuner/statistics/levels.h"
#include "tuner/statistics/location.h"

using namespace batchtune;
using namespace batchtune::experiments;

namespace {

constexpr std::int64_t kBatches[] = {4, 1, 2, 3, 6, 8, 10, 12, 16};  // the first is the anchor
constexpr int kCandidates = std::size(kBatches);
constexpr Seconds kRacing = 40;                       // a stretch of rounds
constexpr Seconds kBlocks[] = {0.25, 0.5, 1.0, 2.0};  // lengths of blocks: a sweep is nine of them
constexpr double kWanted = 0.01;

struct Timed {
  RoundMedians medians;
  Seconds device_time = 0;
};

double deviation(const std::vector<double>& values) {
  double mean = 0, squares = 0;
  for (const double value : values) mean += value / static_cast<double>(values.size());
  for (const double value : values) squares += (value - mean) * (value - mean);
  return std::sqrt(squares / static_cast<double>(values.size() - 1));
}

// One sweep: every candidate in one block; logs of its ratios to the anchor's block.
std::vector<double> sweep(Measurer& measurer, const std::vector<Seconds>& runs, Seconds length,
                          std::uint64_t& sequence, Seconds& spent) {
  std::vector<Seconds> levels;
  for (int i = 0; i < kCandidates; ++i) {
    RoundRequest request;
    const Seconds run = runs[static_cast<std::size_t>(i)];
    request.contenders = {{i + 1, 1.0, std::max(1, static_cast<int>(length / run))}};
    request.seconds = length;
    request.sequence = sequence++;
    const Round round = round_of(measurer, request, nullptr);
    const Visit* visit = visit_of(round, i + 1);
    for (const Seconds seconds : visit->seconds) spent += seconds;  // without the references
    levels.push_back(timed_median(*visit));
  }
  std::vector<double> logs;
  for (int i = 1; i < kCandidates; ++i)
    logs.push_back(std::log(levels[static_cast<std::size_t>(i)] / levels[0]));
  return logs;
}

// Spread of the paired ratios between windows of about `seconds` of device time, averaged over
// candidates; the true mean length of a window in `length`.
double raced_spread(const std::vector<Timed>& rounds, Seconds seconds, Seconds& length) {
  std::vector<std::vector<double>> logs(kCandidates - 1);
  std::vector<RoundMedians> window;
  Seconds spent = 0, total = 0;
  int windows = 0;
  for (const Timed& round : rounds) {
    window.push_back(round.medians);
    spent += round.device_time;
    if (spent < seconds) continue;
    for (int i = 1; i < kCandidates; ++i) {
      const PairedRatio pair = paired_ratio(window, 1, i + 1);
      if (pair.shared > 0) logs[static_cast<std::size_t>(i - 1)].push_back(std::log(pair.ratio));
    }
    total += spent, ++windows, spent = 0, window.clear();
  }
  length = windows > 0 ? total / windows : 0;
  double sum = 0;
  for (const auto& values : logs) {
    if (values.size() < 4) return std::nan("");
    sum += deviation(values);
  }
  return sum / (kCandidates - 1);
}

// Device time at which 1.96 x spread is as wanted, from a spread at a time.
Seconds time_needed(double spread, Seconds at) {
  const double factor = 1.96 * spread / kWanted;
  return at * factor * factor;
}

}  // namespace

int main(int argc, char** argv) {
  if (const auto code = serve_as_worker(argc, argv)) return *code;
  const int cycles = argc > 1 ? std::atoi(argv[1]) : 4;
  const std::string model = argc > 2 ? argv[2] : "shufflenet-v2";
  WorkerMeasurer measurer(options_for(model, "cpu", 1));
  for (int i = 0; i < kCandidates; ++i) prepare(measurer, i + 1, {group_of("cpu"), kBatches[i]});
  RoundRequest race;
  race.anchor = 1;
  race.seconds = 0.8;
  for (int i = 1; i < kCandidates; ++i) race.contenders.push_back({i + 1, 1.0, 0});

  std::vector<Timed> raced;
  std::vector<Seconds> runs(kCandidates, 0.01);
  std::map<Seconds, std::vector<std::vector<double>>> swept;  // by block length: logs of each sweep
  std::map<Seconds, Seconds> swept_time;
  std::uint64_t sequence = 0;
  for (int cycle = 0; cycle < cycles; ++cycle) {
    for (Seconds spent = 0; spent < kRacing;) {
      Timed round;
      race.sequence = sequence++;
      const Round seen = round_of(measurer, race, &round.device_time);
      spent += round.device_time;
      round.medians = visit_medians(seen);
      raced.push_back(round);
      for (int i = 0; i < kCandidates; ++i)
        if (const Visit* visit = visit_of(seen, i + 1))
          runs[static_cast<std::size_t>(i)] = timed_median(*visit);
    }
    for (const Seconds length : kBlocks)
      for (int i = 0; i < (length < 1 ? 4 : 2); ++i)
        swept[length].push_back(sweep(measurer, runs, length, sequence, swept_time[length]));
  }

  std::printf("rounds (device time with references):\n");
  std::fflush(stdout);
  Seconds best_raced = 0, best_swept = 0;
  for (const Seconds window : {2.0, 4.0, 8.0, 16.0}) {
    Seconds length = 0;
    const double spread = raced_spread(raced, window, length);
    const Seconds needed = time_needed(spread, length);
    std::printf("  %5.1f s: spread %.2f %%, +-1 %% after %.0f s\n", length, 100 * spread, needed);
    std::fflush(stdout);
    if (!std::isnan(spread)) best_raced = needed;  // of the longest window
  }
  std::printf("blocks, one after the other (device time of the candidates alone):\n");
  for (const auto& [length, sweeps] : swept) {
    double sum = 0;
    for (int i = 0; i < kCandidates - 1; ++i) {
      std::vector<double> logs;
      for (const auto& of_sweep : sweeps) logs.push_back(of_sweep[static_cast<std::size_t>(i)]);
      sum += deviation(logs);
    }
    const double spread = sum / (kCandidates - 1);
    const Seconds time = swept_time[length] / static_cast<double>(sweeps.size());
    const Seconds needed = time_needed(spread, time);
    std::printf("  %5.1f s: spread %.2f %%, +-1 %% after %.0f s\n", time, 100 * spread, needed);
    std::fflush(stdout);
    if (best_swept == 0 || needed < best_swept) best_swept = needed;  // the best block length
  }
  std::printf("factor (best blocks over rounds): %.1f\n", best_swept / best_raced);
  return 0;
}
