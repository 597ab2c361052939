// See settling.h.
#include "tuner/search/settling.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "tuner/core/units.h"
#include "tuner/statistics/interval.h"

namespace batchtune {
namespace {

// Not worth another look: the expected loss is so much of the tolerance, and a better batch is less
// likely than not. Both are figures of a model that knows of no shape (a plateau, a straight line)
// for certain: what choices turn out to lose is far less (README.md).
constexpr double kLittle = 0.7;
constexpr double kUnlikely = 0.3;
// Looks are spaced: a condition that is looked at after every round is met by luck sooner or later.
constexpr std::size_t kBetweenLooks = 12;  // a look counts after a 12th more rounds, ...
constexpr std::size_t kFewestBetween = 3;  // ... but as many at least

TrialId choice_of(const Contest& contest) {
  return contest.prospects[*contest.choice].trial;
}

}  // namespace

bool is_confident(const Standing& standing, const Problem& problem) {
  return standing.wrong <= 1 - problem.confidence;
}

bool is_sure(const Standing& standing, const Problem& problem) {
  return is_confident(standing, problem) ||
         (standing.regret <= kLittle * problem.wishes.tolerance && standing.wrong <= kUnlikely);
}

bool Settling::is_due(std::size_t rounds) const {
  return rounds >= rounds_ + std::max(kFewestBetween, rounds_ / kBetweenLooks);
}

void Settling::look(const Contest& contest, const Ledger& ledger, const Problem& problem, bool open,
                    std::int64_t unseen) {
  const TrialId choice = choice_of(contest);
  sure_ = is_sure(contest.standing, problem) && ledger.at(choice).shared >= kFewestRounds && !open;
  choice_ = choice;
  rounds_ = ledger.rounds().size();
  standing_ = contest.standing;
  unseen_ = unseen;
}

bool Settling::is_settled(const Contest& contest) const {
  return sure_ && contest.choice && choice_of(contest) == choice_;
}

std::string Settling::words(const Contest& contest, const Ledger& ledger,
                            const Problem& problem) const {
  if (!contest.choice) return "nothing to choose";
  const bool settled = is_settled(contest);
  const Standing& standing = settled ? standing_ : contest.standing;
  const std::int64_t batch = contest.prospects[*contest.choice].candidate.batch;
  const Objective objective = problem.wishes.objective;
  const bool by_rate = objective == Objective::throughput || objective == Objective::cost;
  const auto percent = [](double share) { return format_number(100 * share, 2); };
  std::string text;
  if (settled && !is_confident(standing, problem))
    text += fmt::format("what {} is expected to lose is not worth another look; ", batch);
  text += fmt::format(
      "no batch{} is better than {} by more than {} %{} ({:.0f} % sure; expected loss {} %) after "
      "{} batches in {} rounds",
      contest.up_to > 0 ? fmt::format(" up to {}", contest.up_to) : "", batch,
      percent(problem.wishes.tolerance), by_rate ? "" : fmt::format(", by {}", name_of(objective)),
      std::floor(100 * (1 - standing.wrong)), percent(standing.regret), ledger.entries().size(),
      settled ? rounds_ : ledger.rounds().size());
  if (settled && unseen_ > 0)
    text += fmt::format(
        "; batch {} should be looked at, too, but that is not allowed or takes too "
        "much of the budget",
        unseen_);
  if (contest.trust < 0.5 && contest.has_curve)
    text += "; the roofline's shape, corrected, does not fit what was seen" +
            (contest.cause.empty() ? "" : ": " + contest.cause);
  return text;
}

}  // namespace batchtune
