// See verdict.h.
#include "tuner/search/verdict.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <tuple>
#include <utility>

#include "tuner/core/units.h"

namespace batchtune {
namespace {

std::int64_t in_flight(const Choice& choice) {
  return choice.batch * choice.instances;
}

auto size_key(const Choice& choice) {
  return std::tuple(in_flight(choice), -choice.throughput, choice.latency, choice.trial);
}

const Choice& best_of(std::span<const Choice> choices) {
  return *std::max_element(choices.begin(), choices.end(), [](const Choice& a, const Choice& b) {
    return a.throughput != b.throughput ? a.throughput < b.throughput : size_key(a) > size_key(b);
  });
}

// What a choice is worth, more is better: its throughput, by cost for its price. Where some have a
// price, one without it is worth nothing.
class Worth {
 public:
  Worth(std::span<const Choice> choices, const Wishes& wishes) : wishes_(wishes) {
    by_price_ = wishes.objective == Objective::cost &&
                std::any_of(choices.begin(), choices.end(), [&](const Choice& choice) {
                  return price_of(wishes, choice.backend).has_value();
                });
  }
  double operator()(const Choice& choice) const {
    if (!by_price_) return choice.throughput;
    const auto price = price_of(wishes_, choice.backend);
    return price ? choice.throughput / *price : 0;
  }

 private:
  const Wishes& wishes_;
  bool by_price_;
};

bool has_floor(const Choice& choice, const Wishes& wishes) {
  return choice.throughput >= wishes.throughput_floor.value_or(0);
}

// Throughput that the knee must have.
double threshold_of(std::span<const Choice> choices, const Wishes& wishes) {
  return best_of(choices).throughput * (1 - wishes.give_up);
}

// Index of the first by `key` of those that are `eligible`.
template <typename Eligible, typename Key>
std::optional<std::size_t> first_by(std::span<const Choice> choices, const Eligible& eligible,
                                    const Key& key) {
  std::optional<std::size_t> first;
  for (std::size_t i = 0; i < choices.size(); ++i)
    if (eligible(choices[i]) && (!first || key(choices[i]) < key(choices[*first]))) first = i;
  return first;
}

bool is_by_worth(Objective objective) {
  return objective == Objective::throughput || objective == Objective::cost;
}

// Relative excess of a over b, at least 0.
double excess(double a, double b) {
  return b > 0 ? std::max(0.0, a / b - 1) : 0;
}

// Relative lack of a against b, 0 to 1.
double lack(double a, double b) {
  return b > 0 ? std::max(0.0, 1 - a / b) : 0;
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
  const auto any = [](const Choice&) { return true; };
  switch (wishes.objective) {
    case Objective::knee: {
      const double threshold = threshold_of(choices, wishes);
      return first_by(
          choices, [&](const Choice& choice) { return choice.throughput >= threshold; }, size_key);
    }
    case Objective::latency:
      return first_by(
          choices, [&](const Choice& choice) { return has_floor(choice, wishes); },
          [](const Choice& choice) { return std::pair(choice.latency, size_key(choice)); });
    case Objective::throughput:
    case Objective::cost:
      break;
  }
  const Worth worth(choices, wishes);
  return first_by(choices, any, [&](const Choice& choice) {
    return std::pair(-worth(choice), size_key(choice));
  });
}

std::optional<std::size_t> choose(std::span<const Choice> choices, const Wishes& wishes,
                                  const Alike& alike) {
  const auto best = choose(choices, wishes);
  if (!best || !is_by_worth(wishes.objective)) return best;
  return first_by(
      choices,
      [&](const Choice& choice) {
        return &choice == &choices[*best] || alike(choices[*best], choice);
      },
      size_key);
}

bool is_better(const Choice& a, const Choice& b, const Wishes& wishes) {
  if (wishes.objective == Objective::latency) return a.latency < b.latency;
  const Choice both[] = {a, b};
  const Worth worth(both, wishes);
  return worth(a) > worth(b);
}

double regret_of(const Choice& chosen, std::span<const Choice> choices, const Wishes& wishes) {
  const auto best = choose(choices, wishes);
  if (wishes.objective == Objective::latency) {
    if (choices.empty()) return 0;
    if (!best) return lack(chosen.throughput, best_of(choices).throughput);
    if (!has_floor(chosen, wishes)) return lack(chosen.throughput, *wishes.throughput_floor);
    return excess(chosen.latency, choices[*best].latency);
  }
  if (!best) return 0;
  if (wishes.objective == Objective::knee) {
    const double threshold = threshold_of(choices, wishes);
    if (chosen.throughput < threshold) return lack(chosen.throughput, threshold);
    return excess(chosen.latency, choices[*best].latency);
  }
  const Worth worth(choices, wishes);
  return lack(worth(chosen), worth(choices[*best]));
}

namespace {

std::string rate_words(const Choice& choice) {
  return format_number(choice.throughput, 3) + " samples/s";
}

// Against the highest throughput of all.
std::string share_of_best(const Choice& chosen, const Choice& best) {
  const double share = 100 * chosen.throughput / best.throughput;
  return fmt::format("{} % of the best ({}) at {} of the latency",
                     share >= 99.95 ? "100" : format_number(share, share >= 99 ? 3 : 2), best.batch,
                     share_in_words(chosen.latency / best.latency));
}

// The lowest price or latency, where that decides.
std::string first_words(const Choice& chosen, const Wishes& wishes) {
  if (wishes.objective == Objective::cost) {
    const auto price = price_of(wishes, chosen.backend);
    if (!price)
      return fmt::format("the best throughput, {} (no price is known)", rate_words(chosen));
    return fmt::format("the lowest cost, {} for a million inferences",
                       format_number(price_of_million(*price, chosen.throughput), 3));
  }
  const std::string floor =
      wishes.throughput_floor
          ? fmt::format(" with at least {} samples/s", format_number(*wishes.throughput_floor, 3))
          : "";
  return fmt::format("the lowest latency{}, {}", floor, format_seconds(chosen.latency));
}

}  // namespace

std::string reason_for(const Choice& chosen, std::span<const Choice> choices,
                       const Wishes& wishes) {
  const Choice& best = best_of(choices);
  const bool is_best = chosen.trial == best.trial;
  std::string words = fmt::format("batch {}: ", chosen.batch);
  if (wishes.objective == Objective::latency || (wishes.objective == Objective::cost && is_best)) {
    words += first_words(chosen, wishes);
    return is_best ? words : words + "; " + share_of_best(chosen, best);
  }
  if (!is_best) return words + share_of_best(chosen, best);
  words += "the best throughput, " + rate_words(chosen);
  const auto picked = choose(choices, wishes);
  const bool is_knee = picked && choices[*picked].trial == chosen.trial;
  if (wishes.objective == Objective::knee && choices.size() > 1 && is_knee)
    words +=
        fmt::format("; no smaller batch is within {} %", format_number(100 * wishes.give_up, 2));
  return words;
}

Stability stability_of(std::size_t chosen, std::span<const Choice> choices,
                       std::span<const std::vector<double>> resampled, const Wishes& wishes,
                       const Alike& alike) {
  Stability stability;
  std::vector<Choice> drawn(choices.begin(), choices.end());
  for (const std::vector<double>& throughputs : resampled) {
    for (std::size_t i = 0; i < drawn.size(); ++i) {
      drawn[i].throughput = throughputs[i] * choices[i].useful;
      drawn[i].latency = choices[i].latency * choices[i].throughput / drawn[i].throughput;
    }
    stability.same += choose(drawn, wishes, alike) == chosen;
    stability.expected_regret += regret_of(drawn[chosen], drawn, wishes);
  }
  const auto count = static_cast<double>(resampled.size());
  return {stability.same / count, stability.expected_regret / count};
}

}  // namespace batchtune
