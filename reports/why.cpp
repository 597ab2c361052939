// The lines of the page. Its table and layout are why_text.cpp's.
#include "reports/why.h"

#include <fmt/format.h>
#include <algorithm>

#include "reports/dynamic_batch.h"
#include "reports/text/words.h"
#include "reports/text_memory.h"
#include "reports/text_trials.h"
#include "reports/text_verdict.h"
#include "tuner/core/units.h"
#include "tuner/core/unknown.h"

namespace batchtune {
namespace {

using text::find_trial;
using text::label_of;

// "-3.9 % throughput, -48 % latency"
std::string factors_words(double throughput, double latency) {
  return fmt::format("{} throughput, {} latency", text::signed_percent(throughput - 1),
                     text::signed_percent(latency - 1));
}

std::string against(const TuneReport& report, const Trial& other, const Trial& chosen) {
  const Wishes& wishes = report.record.header.wishes;
  return factors_words(users_throughput(other, wishes) / users_throughput(chosen, wishes),
                       other.measurement->undisturbed / chosen.measurement->undisturbed);
}

std::string estimated_words(const TuneReport& report, const Trial& trial) {
  std::vector<std::string> parts;
  for (const Estimate& estimate : report.record.header.estimates) {
    if (estimate.group != trial.candidate.group) continue;
    if (!is_known(estimate)) return text::kUnknownEstimate;
    parts.push_back(fmt::format("the roofline said batch {} ({}-bound)", estimate.batch,
                                name_of(estimate.bound)));
    if (estimate.formula) parts.push_back(fmt::format("the formula {}", estimate.formula->batch));
  }
  if (trial.estimate && trial.measurement)
    parts.push_back(fmt::format(
        "for batch {} it said {}, {} of what was measured", trial.candidate.batch,
        format_seconds(trial.estimate->latency),
        format_number(trial.estimate->latency / trial.measurement->undisturbed, 2) + " x"));
  return text::joined(parts, "; ");
}

std::string seen_words(const TuneReport& report, const Trial& trial) {
  const Measurement& m = *trial.measurement;
  std::string words =
      fmt::format("{} samples/s undisturbed, {} as seen; latency {} undisturbed",
                  format_number(m.throughput_undisturbed, 3),
                  format_number(m.throughput_as_seen, 3), format_seconds(m.undisturbed));
  if (m.undisturbed_ci95)
    words += fmt::format(" ({} to {})", format_seconds(m.undisturbed_ci95->low),
                         format_seconds(m.undisturbed_ci95->high));
  const std::pair<const char*, std::optional<Seconds>> percentiles[] = {{"p50", m.p50},
                                                                        {"p99", m.p99}};
  for (const auto& [name, value] : percentiles)
    if (value) words += fmt::format(", {} {}", name, format_seconds(*value));
  words += fmt::format("; {} visit{}", m.visits, m.visits == 1 ? "" : "s");
  if (report.conclusion.quiet_share) words += fmt::format(", {} of them quiet", m.quiet_visits);
  return words;
}

std::string limits_words(const Trial& trial) {
  std::vector<std::string> parts;
  for (const LimitVerdict& limit : trial.limits)
    parts.push_back(fmt::format("{} is {} ({} of {} runs over)",
                                to_string(LatencyLimit{limit.metric, limit.limit}),
                                name_of(limit.decision), limit.over, limit.runs));
  return text::joined(parts, "; ");
}

std::string step_words(const Verdict& verdict) {
  std::vector<std::string> parts;
  for (const auto& step : {verdict.down, verdict.up})
    if (step)
      parts.push_back(
          fmt::format("batch {}: {}", step->batch, factors_words(step->throughput, step->latency)));
  return text::joined(parts, "; ");
}

std::string tightening_words(const TuneReport& report, const Verdict& verdict) {
  const Tightening& tightening = *verdict.tightening;
  std::string words =
      fmt::format("{} can be tightened to {} (by {})", to_string(tightening.limit),
                  format_seconds(std::min(tightening.until, tightening.limit.limit)),
                  format_percent(*verdict.limit_slack));
  const Trial* next = find_trial(report.conclusion, tightening.next);
  return words + (next ? fmt::format("; below, it would be {}", label_of(report, next->candidate))
                       : std::string("; below, nothing measured keeps it"));
}

std::string memory_words(const TuneReport& report, const Verdict& verdict, const Trial& trial) {
  std::vector<std::string> parts;
  if (verdict.headroom) parts.push_back(text::headroom_words(verdict));
  std::string end = text::memory_end(report.conclusion, trial.candidate.group);
  if (!end.empty()) parts.push_back(end.substr(end.find_first_not_of("; ")));
  if (verdict.soaked) parts.push_back(text::soak_words(*verdict.soaked));
  return text::joined(parts, "; ");
}

std::string shape_words(const TuneReport& report, const CandidateGroup& group) {
  for (const Boundary& boundary : report.conclusion.boundaries)
    if (boundary.group == group && boundary.shape)
      return fmt::format("{}: {}", name_of(*boundary.shape), boundary.shape_evidence);
  return "";
}

std::string effort_words(const Effort& effort) {
  std::string words = fmt::format("{} of device time on {} candidate{}, {} visits in {} rounds",
                                  format_seconds(effort.racing), effort.candidates,
                                  effort.candidates == 1 ? "" : "s", effort.visits, effort.rounds);
  if (effort.probing > 0) words += ", " + format_seconds(effort.probing) + " on memory";
  if (effort.sweep && *effort.sweep > 0)
    words += fmt::format(
        "; ten visits to every batch up to {} would have taken about {} ({} of it was spent)",
        effort.up_to, format_seconds(*effort.sweep), format_percent(effort.racing / *effort.sweep));
  return words;
}

std::string ended_words(const SessionRecord& record) {
  std::string words(name_of(record.end));
  return record.end_reason.empty() ? words : words + ": " + record.end_reason;
}

// Of a choice: what is known of the trial and of its rivals.
void add_choice(std::vector<WhyLine>& lines, const TuneReport& report, const Verdict& verdict,
                const Trial& trial) {
  lines.push_back({"estimated", estimated_words(report, trial)});
  lines.push_back({"seen", seen_words(report, trial)});
  lines.push_back({"limits", limits_words(trial)});
  lines.push_back({"binding", verdict.binding});
  const Trial* second =
      verdict.runner_up ? find_trial(report.conclusion, *verdict.runner_up) : nullptr;
  if (second && second->measurement)
    lines.push_back(
        {"runner-up", label_of(report, second->candidate) + ": " + against(report, *second, trial)});
  const std::string alike = text::alike_words(report, verdict);
  lines.push_back({"alike", alike.empty() ? "no other choice is as good, as far as was measured" : alike});
  lines.push_back({"neighbours", step_words(verdict)});
  lines.push_back({"stability", text::stability_words(verdict)});
  if (verdict.tightening && verdict.limit_slack)
    lines.push_back({"slack", tightening_words(report, verdict)});
  lines.push_back({"memory", memory_words(report, verdict, trial)});
  lines.push_back({"end", shape_words(report, trial.candidate.group)});
  lines.push_back({"cost", text::cost_words(report, verdict)});
}

void add_nothing(std::vector<WhyLine>& lines, const TuneReport& report,
                 const NothingFits& nothing) {
  const Trial* nearest = find_trial(report.conclusion, nothing.nearest);
  lines.push_back({"nearest", nearest ? label_of(report, nearest->candidate) : ""});
  lines.push_back({"gap", nothing.gap});
  for (const std::string& lever : nothing.levers) lines.push_back({"would help", lever});
}

}  // namespace

std::vector<WhyLine> why_lines(const TuneReport& report, const Verdict& verdict) {
  std::vector<WhyLine> lines;
  lines.push_back({"wished", text::wishes_words(report.record.header.wishes)});
  lines.push_back({"reason", verdict.reason});
  const Trial* trial = verdict.trial ? find_trial(report.conclusion, *verdict.trial) : nullptr;
  if (trial && trial->measurement)
    add_choice(lines, report, verdict, *trial);
  else if (verdict.nothing_fits)
    add_nothing(lines, report, *verdict.nothing_fits);
  lines.push_back({"pipeline", text::pipeline_words(report, verdict)});
  std::erase_if(lines, [](const WhyLine& line) { return line.words.empty(); });
  return lines;
}

std::vector<WhyLine> session_lines(const TuneReport& report) {
  return {{"spent", effort_words(report.conclusion.effort)}, {"ended", ended_words(report.record)}};
}

}  // namespace batchtune
