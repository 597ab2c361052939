// What does racing save? Device time until the ratios of nine candidates to the anchor are known to
// +-1 %, by rounds and by visiting them one after the other in blocks. Each way gets the same
// device time by turns (eight seconds of rounds, then nine blocks that take eight seconds), again
// and again, so that both meet the same hours of the machine. The spread of a ratio between the
// repetitions is what one such measurement is uncertain by; time goes with its square.
//   bench_cost [repetitions = 16] [model = shufflenet-v2]
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
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
constexpr Seconds kSpent = 8;  // of device time, by each way in each repetition
constexpr Seconds kRound = 0.8;
constexpr double kWanted = 0.01;

using Logs = std::vector<double>;  // of each candidate's ratio to the anchor

// One way, over all repetitions.
struct Way {
  const char* name;
  std::vector<Logs> repetitions = {};
  Seconds spent = 0;

  // Of one candidate, over the repetitions.
  Logs of(int candidate) const {
    Logs logs;
    for (const Logs& repetition : repetitions)
      logs.push_back(repetition[static_cast<std::size_t>(candidate)]);
    return logs;
  }
};

double standard_deviation(const Logs& values) {
  double mean = 0, squares = 0;
  for (const double value : values) mean += value / static_cast<double>(values.size());
  for (const double value : values) squares += (value - mean) * (value - mean);
  return std::sqrt(squares / static_cast<double>(values.size() - 1));
}

// As the standard deviation for normal values, but blind to a few repetitions far off.
double median_deviation(const Logs& values) {
  constexpr double kNormal = 1.4826;
  const double middle = median(values);
  Logs away;
  for (const double value : values) away.push_back(std::abs(value - middle));
  return kNormal * median(away);
}

// Rounds until kSpent; `runs` gets the candidates' latest latencies.
Logs race(Measurer& measurer, std::uint64_t& sequence, std::vector<Seconds>& runs, Seconds& spent) {
  RoundRequest request;
  request.anchor = 1;
  request.seconds = kRound;
  for (int i = 1; i < kCandidates; ++i) request.contenders.push_back({i + 1, 1.0, 0});
  std::vector<RoundMedians> rounds;
  for (Seconds done = 0; done < kSpent;) {
    Seconds device_time = 0;
    request.sequence = sequence++;
    const Round round = round_of(measurer, request, &device_time);
    done += device_time;
    spent += device_time;
    rounds.push_back(visit_medians(round));
    for (int i = 0; i < kCandidates; ++i)
      if (const Visit* visit = visit_of(round, i + 1))
        runs[static_cast<std::size_t>(i)] = timed_median(*visit);
  }
  Logs logs;
  for (int i = 1; i < kCandidates; ++i)
    logs.push_back(std::log(paired_ratio(rounds, 1, i + 1).ratio));
  return logs;
}

// One block of each candidate, kSpent in all; references run in it, but are not counted.
Logs sweep(Measurer& measurer, std::uint64_t& sequence, const std::vector<Seconds>& runs,
           Seconds& spent) {
  constexpr Seconds kBlock = kSpent / kCandidates;
  std::vector<Seconds> levels;
  for (int i = 0; i < kCandidates; ++i) {
    RoundRequest request;
    const Seconds run = runs[static_cast<std::size_t>(i)];
    request.contenders = {{i + 1, 1.0, std::max(1, static_cast<int>(kBlock / run))}};
    request.seconds = kBlock;
    request.sequence = sequence++;
    const Round round = round_of(measurer, request, nullptr);
    const Visit* visit = visit_of(round, i + 1);
    for (const Seconds seconds : visit->seconds) spent += seconds;
    levels.push_back(timed_median(*visit));
  }
  Logs logs;
  for (int i = 1; i < kCandidates; ++i)
    logs.push_back(std::log(levels[static_cast<std::size_t>(i)] / levels[0]));
  return logs;
}

// Mean over the candidates.
double spread_of(const Way& way, double (*deviation)(const Logs&)) {
  double sum = 0;
  for (int i = 0; i < kCandidates - 1; ++i) sum += deviation(way.of(i));
  return sum / (kCandidates - 1);
}

}  // namespace

int main(int argc, char** argv) {
  if (const auto code = serve_as_worker(argc, argv)) return *code;
  const int repetitions = argc > 1 ? std::max(2, std::atoi(argv[1])) : 16;
  const std::string model = argc > 2 ? argv[2] : "shufflenet-v2";
  WorkerMeasurer measurer(options_for(model, "cpu", 1));
  for (int i = 0; i < kCandidates; ++i) prepare(measurer, i + 1, {group_of("cpu"), kBatches[i]});

  Way rounds{"rounds"}, blocks{"blocks"};
  std::vector<Seconds> runs(kCandidates, 0.01);
  std::uint64_t sequence = 0;
  for (int i = 0; i < repetitions; ++i) {
    rounds.repetitions.push_back(race(measurer, sequence, runs, rounds.spent));
    blocks.repetitions.push_back(sweep(measurer, sequence, runs, blocks.spent));
  }

  std::printf(
      "| %s, %d repetitions | device time each, s | spread %% | +-1 %% after s | robust "
      "spread %% | +-1 %% after s |\n|---|---|---|---|---|---|\n",
      model.c_str(), repetitions);
  double needed[2][2] = {};
  for (const Way* way : {&rounds, &blocks}) {
    const Seconds each = way->spent / repetitions;
    std::printf("| %s | %.1f |", way->name, each);
    int kind = 0;
    for (const auto deviation : {&standard_deviation, &median_deviation}) {
      const double spread = spread_of(*way, deviation);
      const double factor = 1.96 * spread / kWanted;
      needed[way == &blocks][kind] = each * factor * factor;
      std::printf(" %.2f | %.0f |", 100 * spread, needed[way == &blocks][kind]);
      ++kind;
    }
    std::printf("\n");
  }
  std::printf("blocks take %.1f times as long (by robust spreads %.1f)\n",
              needed[1][0] / needed[0][0], needed[1][1] / needed[0][1]);
  return 0;
}
