// Does interleaving change what it measures? For each model the ratio of a batch to the anchor from
// raced rounds (four candidates in random order, as in a tuning session) is held against the same
// ratio from uninterrupted blocks of one program in the order A B B A, in the same process and by
// turns. Beside it the carry-over of what ran before: how much the first run of a visit is slower
// than its later ones, and how far a whole visit's median goes by the program that was visited just
// before (the largest difference between two predecessors, with its standard error).
//   bench_interleaving [quads = 12] [models...]
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "tests/experiments/bench_environment.h"
#include "tuner/statistics/levels.h"
#include "tuner/statistics/location.h"

using namespace batchtune;
using namespace batchtune::experiments;

namespace {

constexpr Seconds kBlock = 0.4;    // an uninterrupted stretch of one program
constexpr int kRoundsPerQuad = 4;  // about as much racing as blocks
constexpr TrialId kAnchor = 1, kRaced = 2;

struct Case {
  const char* model;
  std::int64_t anchor, batch, between, large;  // the last two only race along
};
constexpr Case kCases[] = {{"mlp", 8, 32, 1, 64},      {"shufflenet-v2", 2, 8, 1, 12},
                           {"squeezenet", 1, 4, 2, 8}, {"mobilenet-v2", 1, 4, 2, 8},
                           {"resnet-18", 1, 4, 2, 6},  {"bert-base@seq=32", 1, 4, 2, 8}};

// Of a visit: its first warm run, its first timed run, each over the median of its timed runs.
struct CarryOver {
  std::vector<double> first_warm, first_timed;
};

void add(const Round& round, std::map<TrialId, CarryOver>& carry) {
  for (const Visit& visit : round.visits) {
    const std::size_t warm = static_cast<std::size_t>(visit.warm);
    if (!visit.reference.empty() || visit.seconds.size() < warm + 3) continue;
    CarryOver& own = carry[visit.trial];
    const Seconds later = median(std::span(visit.seconds).subspan(warm + 1));
    own.first_timed.push_back(std::log(visit.seconds[warm] / later));
    if (warm > 0) own.first_warm.push_back(std::log(visit.seconds[0] / later));
  }
}

// By trial and what ran just before it: logs of the visits' medians. Reference programs are
// predecessors too, as numbers below 0.
using ByPredecessor = std::map<TrialId, std::map<int, std::vector<double>>>;

void add_predecessors(const Round& round, ByPredecessor& found) {
  std::map<int, const Visit*> by_position;
  for (const Visit& visit : round.visits) by_position[visit.position] = &visit;
  std::optional<int> before;
  for (const auto& [position, visit] : by_position) {
    const bool runs = visit->seconds.size() > static_cast<std::size_t>(visit->warm);
    if (visit->reference.empty() && before && runs)
      found[visit->trial][*before].push_back(std::log(timed_median(*visit)));
    before = visit->reference.empty() ? visit->trial : -1 - (visit->reference == "cache");
  }
}

struct Difference {
  double size = 0, error = 0;  // logs
};

double median_error(const std::vector<double>& values);

// The largest difference between two predecessors of one trial that were there often enough.
Difference largest_difference(const ByPredecessor& found) {
  constexpr std::size_t kEnough = 5;  // visits: a median of fewer says little
  Difference largest;
  for (const auto& [trial, predecessors] : found)
    for (const auto& [a, first] : predecessors)
      for (const auto& [b, second] : predecessors) {
        if (a >= b || first.size() < kEnough || second.size() < kEnough) continue;
        const double size = std::abs(median(first) - median(second));
        if (size > largest.size)
          largest = {size, std::hypot(median_error(first), median_error(second))};
      }
  return largest;
}

Seconds block(Measurer& measurer, TrialId trial, Seconds run, std::uint64_t sequence) {
  RoundRequest request;
  request.contenders = {{trial, 1.0, std::max(3, static_cast<int>(kBlock / run))}};
  request.seconds = kBlock;
  request.sequence = sequence;
  return timed_median(*visit_of(round_of(measurer, request), trial));
}

// Standard error of a median from its median absolute deviation (normal scale 1.4826, 1.2533).
double median_error(const std::vector<double>& values) {
  const double middle = median(values);
  std::vector<double> deviations;
  for (const double value : values) deviations.push_back(std::abs(value - middle));
  return 1.2533 * 1.4826 * median(deviations) / std::sqrt(static_cast<double>(values.size()));
}

double percent(const std::vector<double>& logs) {
  return logs.empty() ? std::nan("") : 100 * std::expm1(median(logs));
}

void measure(const Case& which, int quads) {
  WorkerMeasurer measurer(options_for(which.model, "cpu", 1));
  const CandidateGroup group = group_of("cpu");
  const std::vector<std::int64_t> batches{which.anchor, which.batch, which.between, which.large};
  for (std::size_t i = 0; i < batches.size(); ++i)
    prepare(measurer, static_cast<TrialId>(i + 1), {group, batches[i]});
  RoundRequest race;
  race.anchor = kAnchor;
  race.contenders = {{kRaced, 1.0, 0}, {3, 1.0, 0}, {4, 1.0, 0}};
  race.seconds = 2;
  std::vector<RoundMedians> raced;
  std::vector<double> blocks;
  std::map<TrialId, CarryOver> carry;
  ByPredecessor predecessors;
  Seconds run_of[3] = {0, 0.01, 0.01};
  std::uint64_t sequence = 0;
  for (int quad = 0; quad < quads; ++quad) {
    for (int i = 0; i < kRoundsPerQuad; ++i) {
      race.sequence = sequence++;
      const Round round = round_of(measurer, race);
      raced.push_back(visit_medians(round));
      add(round, carry);
      add_predecessors(round, predecessors);
      for (const TrialId trial : {kAnchor, kRaced})
        if (const Visit* visit = visit_of(round, trial)) run_of[trial] = timed_median(*visit);
    }
    const auto next = [&](TrialId trial) {
      return block(measurer, trial, run_of[trial], sequence++);
    };
    const Seconds a1 = next(kAnchor), b1 = next(kRaced), b2 = next(kRaced), a2 = next(kAnchor);
    blocks.push_back(std::log(b1 * b2 / (a1 * a2)) / 2);
  }
  const PairedRatio ratio = paired_ratio(raced, kAnchor, kRaced);
  const double in_blocks = std::exp(median(blocks));
  const double error = median_error(blocks);
  const Difference carried = largest_difference(predecessors);
  const double raced_error =
      ratio.ci95 ? (ratio.ci95->high - ratio.ci95->low) / ratio.ratio / 3.92 : std::nan("");
  std::printf(
      "| %-16s | %3d : %-3d | %8.4f | %8.4f | %+6.2f | %5.2f | %+6.1f %+6.1f | %+6.1f %+6.1f | "
      "%5.2f +- %.2f |\n",
      which.model, static_cast<int>(which.batch), static_cast<int>(which.anchor), ratio.ratio,
      in_blocks, 100 * (ratio.ratio / in_blocks - 1), 100 * 1.96 * std::hypot(error, raced_error),
      percent(carry[kAnchor].first_warm), percent(carry[kAnchor].first_timed),
      percent(carry[kRaced].first_warm), percent(carry[kRaced].first_timed), 100 * carried.size,
      100 * 1.96 * carried.error);
  std::fflush(stdout);
}

}  // namespace

int main(int argc, char** argv) {
  if (const auto code = serve_as_worker(argc, argv)) return *code;
  const int quads = argc > 1 ? std::atoi(argv[1]) : 12;
  std::printf(
      "| model            | batches   |    raced |   blocks | bias %% |  +- %% | anchor: first "
      "warm, first timed %% | batch: the same | predecessors differ by %% |\n");
  for (const Case& which : kCases) {
    bool wanted = argc <= 2;
    for (int i = 2; i < argc; ++i) wanted |= which.model == std::string(argv[i]);
    if (wanted) measure(which, quads);
  }
  return 0;
}
