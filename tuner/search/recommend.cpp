// See recommend.h.
#include "tuner/search/recommend.h"

#include <fmt/format.h>

#include <algorithm>

#include "tuner/core/units.h"
#include "tuner/search/nothing_fits.h"
#include "tuner/search/proof.h"
#include "tuner/search/verdict.h"

namespace batchtune {
namespace {

// Choices of one backend.
struct Choices {
  std::vector<const Trial*> trials;
  std::vector<Choice> choices;
  std::string passed_over;  // in words: the better one that is not proved, and how it stands

  void add(const Trial& trial) {
    trials.push_back(&trial);
    choices.push_back({trial.id, trial.candidate.batch, trial.measurement->undisturbed,
                       trial.measurement->throughput_undisturbed, trial.candidate.group.backend});
  }
};

bool keeps_all(const Trial& trial) {
  return std::all_of(trial.limits.begin(), trial.limits.end(), [](const LimitVerdict& verdict) {
    return verdict.decision == LimitDecision::kept;
  });
}

// "; batch 20 with 590 samples/s is not proved: p99 <= 60.0 ms is unproven: ..."
std::string words_of_unproved(const Trial& trial) {
  std::string words =
      fmt::format("; batch {} with {} samples/s is not proved", trial.candidate.batch,
                  format_number(trial.measurement->throughput_undisturbed, 3));
  for (const LimitVerdict& limit : trial.limits)
    if (limit.decision == LimitDecision::unproven) words += ": " + words_of(limit);
  return words;
}

// Of all that break nothing as far as is known, if that leads to one that is proved to keep its
// limits; else of the proved ones, if there are any.
Choices choices_of(const Conclusion& conclusion, const Facts& facts, const std::string& backend,
                   const Wishes& wishes) {
  Choices proved, all;
  for (const Trial& trial : conclusion.trials) {
    if (trial.candidate.group.backend != backend || !is_choosable(trial, facts)) continue;
    all.add(trial);
    if (keeps_all(trial)) proved.add(trial);
  }
  const auto chosen = choose(all.choices, wishes);
  if (!chosen || keeps_all(*all.trials[*chosen]) || proved.choices.empty()) return all;
  proved.passed_over = words_of_unproved(*all.trials[*chosen]);
  return proved;
}

// What the reader must know of the chosen trial besides why it was chosen.
std::string reservations(const Trial& trial) {
  std::string words;
  for (const LimitVerdict& limit : trial.limits)
    if (limit.decision == LimitDecision::unproven) words += "; " + words_of(limit);
  if (trial.ending.status == TrialStatus::unstable)
    words += "; its figures are unstable: " + trial.ending.reason;
  return words;
}

// A soak that failed has moved the choice: say from where.
std::string moved_by_soak(const Conclusion& conclusion, const Facts& facts,
                          const std::string& backend) {
  std::string words;
  for (const Trial& trial : conclusion.trials) {
    const Probe* soak =
        trial.candidate.group.backend == backend ? soak_of(trial.candidate, facts) : nullptr;
    if (soak && soak->ending.status != TrialStatus::ok && fails_its_soak(trial, facts))
      words += fmt::format("; batch {} did not last under sustained load ({})",
                           trial.candidate.batch, soak->ending.reason);
  }
  return words;
}

void add_room(Verdict& verdict, const Trial& trial, const Facts& facts) {
  if (const Probe* soak = soak_of(trial.candidate, facts)) {
    verdict.soaked = Soaked{soak->soak, soak->runs, soak->peak_resident, soak->ending};
    if (soak->memory)
      verdict.soaked->peak = std::max(soak->peak_resident.value_or(0), soak->memory->total());
  }
  const auto memory = facts.memory.find(trial.id);
  if (!facts.memory_limit || memory == facts.memory.end()) return;
  verdict.headroom = static_cast<double>(*facts.memory_limit - memory->second);
  verdict.headroom_share = *verdict.headroom / static_cast<double>(*facts.memory_limit);
}

Verdict verdict_of(const Conclusion& conclusion, const Facts& facts, const std::string& backend,
                   const Wishes& wishes, bool& proven) {
  Verdict verdict;
  verdict.backend = backend;
  verdict.objective = wishes.objective;
  const Choices all = choices_of(conclusion, facts, backend, wishes);
  const auto chosen = choose(all.choices, wishes);
  if (!chosen) {
    verdict.nothing_fits = why_nothing_fits(conclusion, facts, backend);
    verdict.reason = "nothing keeps the limits: " + verdict.nothing_fits->gap;
    return verdict;
  }
  const Choice& choice = all.choices[*chosen];
  const Trial& trial = *all.trials[*chosen];
  proven = keeps_all(trial);
  verdict.trial = choice.trial;
  verdict.batch = choice.batch;
  verdict.reason = reason_for(choice, all.choices, wishes) + all.passed_over + reservations(trial) +
                   moved_by_soak(conclusion, facts, backend);
  auto others = all.choices;
  others.erase(others.begin() + static_cast<std::ptrdiff_t>(*chosen));
  if (const auto second = choose(others, wishes)) verdict.runner_up = others[*second].trial;
  const auto resampled = resampled_throughputs(all.trials, facts, conclusion.anchor);
  if (!resampled.empty()) verdict.stability = stability_of(*chosen, all.choices, resampled, wishes);
  add_room(verdict, trial, facts);
  return verdict;
}

}  // namespace

void add_verdicts(Conclusion& conclusion, const SessionHeader& header, const Facts& facts,
                  const Wishes& wishes) {
  std::vector<std::string> backends;  // in the order of the estimates, then of the trials
  const auto add = [&](const std::string& backend) {
    if (std::find(backends.begin(), backends.end(), backend) == backends.end())
      backends.push_back(backend);
  };
  for (const Estimate& estimate : header.estimates) add(estimate.group.backend);
  for (const Trial& trial : conclusion.trials) add(trial.candidate.group.backend);

  double best_throughput = 0;
  for (const std::string& backend : backends) {
    bool proven = true;
    conclusion.verdicts.push_back(verdict_of(conclusion, facts, backend, wishes, proven));
    const Verdict& verdict = conclusion.verdicts.back();
    if (!verdict.trial) continue;
    const double throughput =
        find(conclusion.trials, *verdict.trial)->measurement->throughput_undisturbed;
    const auto& best = conclusion.best;
    if (best && (best->proven != proven ? best->proven : best_throughput >= throughput)) continue;
    conclusion.best = Best{*verdict.trial, backend, verdict.batch, proven};
    best_throughput = throughput;
  }
}

}  // namespace batchtune
