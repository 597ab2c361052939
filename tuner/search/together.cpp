// See together.h.
#include "tuner/search/together.h"

#include <algorithm>

#include "tuner/search/race.h"

namespace batchtune {
namespace {

constexpr std::size_t kMostTogether = 5;  // contenders of one round
constexpr double kWorthJoining = 0.5;     // of the round's gain per second

double gain_per_second(const Prospect& prospect) {
  return prospect.gain / std::max(prospect.visit, 1e-9);
}

// The choice first, then by what their looks are worth for their time.
std::vector<const Prospect*> held(const Contest& contest) {
  const Prospect& choice = contest.prospects[*contest.choice];
  std::vector<const Prospect*> live;
  for (const Prospect& prospect : contest.prospects)
    if (prospect.live && prospect.measured && &prospect != &choice) live.push_back(&prospect);
  std::stable_sort(live.begin(), live.end(), [](const Prospect* a, const Prospect* b) {
    return gain_per_second(*a) > gain_per_second(*b);
  });
  if (choice.live) live.insert(live.begin(), &choice);
  return live;
}

}  // namespace

Together most_together(const Ledger& ledger, const Contest& contest, Seconds beside) {
  const Prospect* choice = &contest.prospects[*contest.choice];
  const auto live = held(contest);
  Together best{{}, 0, beside};
  for (const Prospect* prospect : live) {
    const bool joins = prospect->gain > 0 &&
                       gain_per_second(*prospect) >= kWorthJoining * best.gain / best.seconds;
    if (prospect != choice && !joins) break;
    if (best.trials.size() == kMostTogether) break;
    best.gain += prospect->gain;
    if (prospect->trial == ledger.anchor()) continue;  // it is in every round
    best.seconds += prospect->visit;
    best.trials.push_back(prospect->trial);
  }
  if (best.trials.empty() && choice->trial != ledger.anchor()) return best;
  if (round_of(ledger, best.trials, kShortRound).contenders.size() < best.trials.size()) {
    // Long runs come alone: the one whose look is worth most, or the choice would always be it.
    const Prospect* most = *std::max_element(
        live.begin(), live.begin() + static_cast<std::ptrdiff_t>(best.trials.size()),
        [](const Prospect* a, const Prospect* b) { return gain_per_second(*a) < gain_per_second(*b); });
    best = {{most->trial}, most->gain, beside + most->visit};
  }
  return best;
}

}  // namespace batchtune
