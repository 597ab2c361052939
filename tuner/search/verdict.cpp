// See verdict.h.
#include "tuner/search/verdict.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "tuner/core/units.h"

namespace batchtune {
namespace {

const Choice& best_of(std::span<const Choice> choices) {
  return *std::max_element(choices.begin(), choices.end(), [](const Choice& a, const Choice& b) {
    return a.throughput != b.throughput ? a.throughput < b.throughput : a.batch > b.batch;
  });
}

std::string share_in_words(double share) {
  struct Word {
    double share;
    const char* words;
  };
  constexpr double kNear = 0.06;  // relative: a reader takes 0.26 for a quarter
  for (const Word word : {Word{0.5, "half"}, Word{1.0 / 3, "a third"}, Word{0.25, "a quarter"},
                          Word{0.2, "a fifth"}, Word{0.1, "a tenth"}})
    if (std::abs(share - word.share) < kNear * word.share) return word.words;
  return fmt::format("{:.0f} %", 100 * share);
}

}  // namespace

std::optional<std::size_t> choose(std::span<const Choice> choices, const Wishes& wishes) {
  if (choices.empty()) return std::nullopt;
  const Choice& best = best_of(choices);
  const double floor = wishes.objective == Objective::knee ? best.throughput * (1 - wishes.give_up)
                                                           : best.throughput;
  std::optional<std::size_t> chosen;
  for (std::size_t i = 0; i < choices.size(); ++i) {
    if (choices[i].throughput < floor) continue;
    const bool better = !chosen || choices[i].batch < choices[*chosen].batch ||
                        (choices[i].batch == choices[*chosen].batch &&
                         choices[i].throughput > choices[*chosen].throughput);
    if (better) chosen = i;
  }
  return chosen;
}

std::string reason_for(const Choice& chosen, std::span<const Choice> choices,
                       const Wishes& wishes) {
  const Choice& best = best_of(choices);
  if (chosen.trial == best.trial) {
    std::string words = fmt::format("batch {}: the best throughput, {} samples/s", chosen.batch,
                                    format_number(chosen.throughput, 3));
    if (wishes.objective == Objective::knee && choices.size() > 1)
      words +=
          fmt::format("; no smaller batch is within {} %", format_number(100 * wishes.give_up, 2));
    return words;
  }
  const double share = 100 * chosen.throughput / best.throughput;
  return fmt::format("batch {}: {} % of the best ({}) at {} of the latency", chosen.batch,
                     share >= 99.95 ? "100" : format_number(share, share >= 99 ? 3 : 2), best.batch,
                     share_in_words(chosen.latency / best.latency));
}

double stability_of(std::size_t chosen, std::span<const Choice> choices,
                    std::span<const std::vector<double>> resampled, const Wishes& wishes) {
  int same = 0;
  std::vector<Choice> copy(choices.begin(), choices.end());
  for (const std::vector<double>& throughputs : resampled) {
    for (std::size_t i = 0; i < copy.size(); ++i) copy[i].throughput = throughputs[i];
    same += choose(copy, wishes) == chosen;
  }
  return static_cast<double>(same) / static_cast<double>(resampled.size());
}

}  // namespace batchtune
