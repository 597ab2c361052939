#include "reports/text_limits.h"

#include <fmt/format.h>
#include <algorithm>
#include <cmath>

#include "reports/text/words.h"
#include "reports/text_trials.h"

namespace batchtune::text {
namespace {

// Rounded down: a confidence of 99.97 % is none of 100 %.
std::string confidence_words(double confidence) {
  constexpr double kTenths = 1000;  // of a percent
  const double tenths = std::floor(confidence * kTenths + 1e-6);
  return std::isfinite(tenths) ? fmt::format("confidence {:g} %", tenths / 10)
                               : std::string("confidence ?");
}

// "confidence 99 %, 662 samples (of 900 runs), 1 over"; "" when nothing was computed. While it is
// unproven the confidence is that of being kept, and may be small.
std::string basis_words(const LimitVerdict& verdict) {
  std::vector<std::string> parts;
  const bool unproven = verdict.decision == LimitDecision::unproven;
  if (verdict.confidence)
    parts.push_back(confidence_words(*verdict.confidence) + (unproven ? " that it is kept" : ""));
  const bool counted = verdict.runs > 0;
  if (std::isfinite(verdict.samples) && (counted || verdict.samples > 0)) {
    const double samples = std::floor(verdict.samples);
    std::string words = fmt::format("{:.0f} sample{}", samples, samples == 1 ? "" : "s");
    if (verdict.runs > samples) words += fmt::format(" (of {} runs)", verdict.runs);
    parts.push_back(words);
  }
  if (counted) parts.push_back(fmt::format("{} over", verdict.over));
  return joined(parts, ", ");
}

bool same_limit(const LimitVerdict& verdict, const LatencyLimit& limit) {
  return verdict.metric == limit.metric && verdict.limit == limit.limit;
}

// Those that were asked for, and any other that a trial was judged by.
std::vector<LatencyLimit> limits_of(const TuneReport& report) {
  std::vector<LatencyLimit> limits = report.record.header.wishes.latency_limits;
  for (const Trial& trial : report.conclusion.trials)
    for (const LimitVerdict& verdict : trial.limits)
      if (std::none_of(limits.begin(), limits.end(),
                       [&](const LatencyLimit& limit) { return same_limit(verdict, limit); }))
        limits.push_back({verdict.metric, verdict.limit});
  return limits;
}

std::string decisions_on(const TuneReport& report, const LatencyLimit& limit, int width) {
  struct Line {
    std::string label, decision, basis;
  };
  std::vector<Line> lines;
  std::size_t label_width = 0, decision_width = 0;
  for (const Trial* trial : in_order(report.conclusion))
    for (const LimitVerdict& verdict : trial->limits) {
      if (!same_limit(verdict, limit)) continue;
      lines.push_back({label_of(report, trial->candidate), std::string(name_of(verdict.decision)),
                       basis_words(verdict)});
      label_width = std::max(label_width, lines.back().label.size());
      decision_width = std::max(decision_width, lines.back().decision.size());
    }
  if (lines.empty()) return wrapped("", to_string(limit) + ": no batch was judged by it", width);
  std::string text = wrapped("", to_string(limit), width);
  for (const Line& line : lines) {
    const std::string separator = line.basis.empty() ? "" : "  ";
    const std::string head = fmt::format("  {:<{}}  ", line.label, label_width);
    const std::string aligned = fmt::format("{}{:<{}}{}", head, line.decision,
                                            separator.empty() ? 0 : decision_width, separator);
    text += aligned.size() < static_cast<std::size_t>(width) / 2
                ? wrapped(aligned, line.basis, width)
                : wrapped("  " + line.label + ": ", line.decision + separator + line.basis, width);
  }
  return text;
}

}  // namespace

std::string limit_decisions(const TuneReport& report, int width) {
  std::string text;
  for (const LatencyLimit& limit : limits_of(report)) text += decisions_on(report, limit, width);
  return text;
}

std::string unproven_words(const Trial& trial) {
  std::string words;
  for (const LimitVerdict& verdict : trial.limits) {
    if (verdict.decision != LimitDecision::unproven) continue;
    words += "; " + to_string(LatencyLimit{verdict.metric, verdict.limit}) + " is not proven";
  }
  return words;
}

}  // namespace batchtune::text
