// The page of why.h: lines, then the table of the trials that they speak of.
#include <fmt/format.h>
#include <algorithm>

#include "reports/dynamic_batch.h"
#include "reports/report.h"
#include "reports/text/table.h"
#include "reports/text/words.h"
#include "reports/text_trials.h"
#include "reports/text_verdict.h"
#include "reports/why.h"
#include "tuner/core/units.h"

namespace batchtune {
namespace {

using text::figure;

constexpr std::size_t kMostRows = 16;  // a page; those of the front that are furthest away go first

bool contains(const std::vector<TrialId>& trials, TrialId id) {
  return std::find(trials.begin(), trials.end(), id) != trials.end();
}

bool is_spoken_of(const Verdict& verdict, const Trial& trial, const Trial& chosen) {
  const auto is_step = [&](const std::optional<Step>& step) {
    return step && step->batch == trial.candidate.batch &&
           trial.candidate.group == chosen.candidate.group;
  };
  return trial.id == chosen.id || verdict.runner_up == trial.id || is_step(verdict.down) ||
         is_step(verdict.up) || contains(verdict.indistinguishable, trial.id) ||
         (verdict.tightening && verdict.tightening->next == trial.id);
}

// Measured ones of its backend that the lines speak of, and the front.
std::vector<const Trial*> rows_of(const TuneReport& report, const Verdict& verdict,
                                  const Trial& chosen) {
  std::vector<const Trial*> spoken, front;
  for (const Trial* trial : text::in_order(report.conclusion)) {
    if (!trial->measurement || trial->candidate.group.backend != verdict.backend) continue;
    if (is_spoken_of(verdict, *trial, chosen))
      spoken.push_back(trial);
    else if (trial->on_front)
      front.push_back(trial);
  }
  const auto distance = [&](const Trial* trial) {
    return std::abs(trial->candidate.batch - chosen.candidate.batch);
  };
  std::stable_sort(front.begin(), front.end(),
                   [&](const Trial* a, const Trial* b) { return distance(a) < distance(b); });
  const std::size_t room = kMostRows - std::min(kMostRows, spoken.size());
  front.resize(std::min(room, front.size()));
  spoken.insert(spoken.end(), front.begin(), front.end());
  std::stable_sort(spoken.begin(), spoken.end(),
                   [](const Trial* a, const Trial* b) { return a->candidate < b->candidate; });
  return spoken;
}

std::string note_of(const Verdict& verdict, const Trial& trial) {
  std::vector<std::string> notes;
  if (verdict.trial == trial.id) notes.push_back("recommended");
  if (verdict.runner_up == trial.id) notes.push_back("runner-up");
  if (contains(verdict.indistinguishable, trial.id)) notes.push_back("alike");
  for (const LimitVerdict& limit : trial.limits)
    if (limit.decision != LimitDecision::kept)
      notes.push_back(fmt::format("{} {}", name_of(limit.metric), name_of(limit.decision)));
  if (trial.ending.status != TrialStatus::ok) notes.emplace_back(name_of(trial.ending.status));
  return text::joined(notes, ", ");
}

std::string rivals_table(const TuneReport& report, const Verdict& verdict, const Trial& chosen,
                         int width) {
  enum Drop { kNever, kNote, kFront, kLatency, kCost };
  const auto rows = rows_of(report, verdict, chosen);
  const Measurement& own = *chosen.measurement;
  const Wishes& wishes = report.record.header.wishes;
  const text::Unit unit = text::latency_unit(own.undisturbed);
  const bool several = std::any_of(rows.begin(), rows.end(), [&](const Trial* trial) {
    return trial->candidate.group != chosen.candidate.group;
  });
  std::vector<text::Column> columns;
  const auto add = [&](const std::string& group, const std::string& heading, Drop drop,
                       const auto& cell, bool left = false) {
    text::Column column{group, heading, left, drop, {}};
    for (const Trial* trial : rows) column.cells.push_back(cell(*trial, *trial->measurement));
    columns.push_back(std::move(column));
  };
  using M = const Measurement&;
  add(
      "", "", kNever,
      [&](const Trial& trial, M) {
        return std::string(trial.id == chosen.id ? ">" : trial.on_front ? "*" : "");
      },
      true);
  if (several)
    add(
        "", "running", kNever,
        [](const Trial& trial, M) { return to_string(trial.candidate.group); }, true);
  add("", "batch", kNever,
      [](const Trial& trial, M) { return std::to_string(trial.candidate.batch); });
  add("latency", unit.name, kNever,
      [&](const Trial&, M m) { return figure(m.undisturbed / unit.size); });
  add("latency", "against", kLatency, [&](const Trial& trial, M m) {
    return trial.id == chosen.id ? "" : text::signed_percent(m.undisturbed / own.undisturbed - 1);
  });
  add("throughput", "samples/s", kNever,
      [&](const Trial& trial, M) { return figure(users_throughput(trial, wishes)); });
  add("throughput", "against", kNever, [&](const Trial& trial, M) {
    return trial.id == chosen.id ? ""
                                 : text::signed_percent(users_throughput(trial, wishes) /
                                                            users_throughput(chosen, wishes) - 1);
  });
  add("", "on front", kFront, [](const Trial& trial, M) {
    return trial.front_probability ? format_percent(*trial.front_probability)
                                   : std::string(text::kAbsent);
  });
  if (!report.record.header.wishes.prices.empty())
    add("", "a million", kCost, [&](const Trial& trial, M) {
      return figure(text::price_of_million(trial, report.record.header.wishes));
    });
  add(
      "", "", kNote, [&](const Trial& trial, M) { return note_of(verdict, trial); }, true);
  return text::format_table(std::move(columns), width);
}

std::string lines_text(const std::vector<WhyLine>& lines, int width) {
  constexpr int kAbout = 10;  // "neighbours"
  std::string text;
  for (const WhyLine& line : lines)
    text += text::wrapped(fmt::format("  {:<{}}  ", line.about, kAbout), text::one_line(line.words),
                          width);
  return text;
}

std::string page_of(const TuneReport& report, const Verdict& verdict, int width) {
  const std::string text = lines_text(why_lines(report, verdict), width);
  const Trial* chosen =
      verdict.trial ? text::find_trial(report.conclusion, *verdict.trial) : nullptr;
  if (!chosen || !chosen->measurement) return text;
  return text + "\n" + rivals_table(report, verdict, *chosen, width);
}

}  // namespace

std::string text_why(const TuneReport& report, const TextOptions& options) {
  const SessionHeader& header = report.record.header;
  const auto& verdicts = report.conclusion.verdicts;
  std::string text = text::wrapped(
      "", fmt::format("{}, session {}: why", header.model.name, header.number), options.width);
  if (verdicts.empty())
    return text + text::wrapped("  ",
                                "nothing was recommended: " + std::string(header.command) +
                                    " measures what it is given",
                                options.width);
  for (const Verdict& verdict : verdicts) {
    if (verdicts.size() > 1) text += "\n" + verdict.backend + "\n";
    text += page_of(report, verdict, options.width);
  }
  text += "\n" + lines_text(session_lines(report), options.width);
  const std::string simulated = header.simulated ? "SIMULATED: " : "";
  std::string sentence = text::wrapped("=> ", simulated + verdict_sentence(report), options.width);
  sentence.pop_back();
  return text + "\n" + text::bold(sentence, options.color) + "\n";
}

}  // namespace batchtune
