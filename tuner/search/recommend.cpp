// See recommend.h.
#include "tuner/search/recommend.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "tuner/core/units.h"
#include "tuner/search/alike.h"
#include "tuner/search/binding.h"
#include "tuner/search/mix_words.h"
#include "tuner/search/nothing_fits.h"
#include "tuner/search/proof.h"
#include "tuner/search/standing.h"
#include "tuner/search/verdict.h"

namespace batchtune {
namespace {

// Of one backend, with what was not chosen though it might be better.
struct Selection {
  Field field;
  std::string passed_over;  // in words: the better one that is not proved, and how it stands
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
// limits; else of the proved ones, if there are any. nullopt: there is no choice.
std::optional<Selection> selection_of(const Conclusion& conclusion, const Facts& facts,
                                      const std::string& backend, const Wishes& wishes,
                                      const Alike& alike) {
  Selection all, proved;
  for (const Trial& trial : conclusion.trials) {
    if (trial.candidate.group.backend != backend || !is_choosable(trial, facts)) continue;
    all.field.add(trial, facts);
    if (keeps_all(trial)) proved.field.add(trial, facts);
  }
  const auto chosen = choose(all.field.choices, wishes, alike);
  if (!chosen) return std::nullopt;
  all.field.chosen = *chosen;
  if (keeps_all(all.field.trial())) return all;
  const auto certain = choose(proved.field.choices, wishes, alike);
  if (!certain) return all;
  proved.field.chosen = *certain;
  proved.passed_over = words_of_unproved(all.field.trial());
  return proved;
}

// The choice is made by pooled rates, words and tables have each trial's own figures: say so where
// these would lead to another choice.
std::string said_by_neighbours(const Field& field, const Wishes& wishes, const Alike& alike) {
  const auto alone = choose(field.own, wishes, alike);
  if (alone == field.chosen) return "";
  const std::string other =
      alone ? name_beside(field.trials[*alone]->candidate, field.trial()) : "none";
  return fmt::format(
      "; by their own figures alone {} would be chosen, the batches around say otherwise", other);
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

// A verdict and, unless nothing fits, what was chosen.
struct Ruling {
  Verdict verdict;
  std::optional<Choice> choice;
  bool proven = true;
};

Ruling ruling_of(const Conclusion& conclusion, const SessionHeader& header, const Facts& facts,
                 const std::string& backend, const Wishes& wishes) {
  Ruling ruling;
  Verdict& verdict = ruling.verdict;
  verdict.backend = backend;
  verdict.objective = wishes.objective;
  const Alike alike = alike_by(facts.medians, conclusion.anchor, wishes);
  const auto selection = selection_of(conclusion, facts, backend, wishes, alike);
  if (!selection) {
    verdict.nothing_fits = why_nothing_fits(conclusion, header, facts, backend, wishes);
    verdict.reason = "nothing keeps the limits: " + verdict.nothing_fits->gap;
    return ruling;
  }
  const Field& field = selection->field;
  const Trial& trial = field.trial();
  ruling.choice = field.choice();
  ruling.proven = keeps_all(trial);
  verdict.trial = trial.id;
  verdict.batch = trial.candidate.batch;
  verdict.reason = reason_for(field.own[field.chosen], field.own, wishes) +
                   said_by_neighbours(field, wishes, alike) + words_of_mix(trial, conclusion, facts) +
                   selection->passed_over + reservations(trial) +
                   moved_by_soak(conclusion, facts, backend);
  verdict.binding = binding_of(field, conclusion, facts, wishes, alike);
  add_standing(verdict, field, conclusion, facts, wishes, alike);
  add_room(verdict, trial, facts);
  return ruling;
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

  std::optional<Choice> best;
  for (const std::string& backend : backends) {
    const Ruling ruling = ruling_of(conclusion, header, facts, backend, wishes);
    conclusion.verdicts.push_back(ruling.verdict);
    if (!ruling.choice) continue;
    const bool proven = ruling.proven;
    if (best && (conclusion.best->proven != proven ? conclusion.best->proven
                                                   : !is_better(*ruling.choice, *best, wishes)))
      continue;
    conclusion.best = Best{ruling.choice->trial, backend, ruling.choice->batch, proven};
    best = ruling.choice;
  }
}

}  // namespace batchtune
