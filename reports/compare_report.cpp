#include "reports/compare_report.h"

#include <fmt/format.h>
#include <algorithm>

#include "reports/csv/row.h"
#include "reports/json/parts.h"
#include "reports/text/table.h"
#include "reports/text/words.h"
#include "tuner/core/units.h"

namespace batchtune {
namespace {

constexpr int kCompareSchema = 1;

std::string value_text(const ComparedPair& pair, double value) {
  return pair.metric == "latency" ? format_seconds(value) : format_number(value, 3);
}

bool has_several_groups(const Comparison& comparison) {
  bool several = false;
  for (const ComparedPair& pair : comparison.pairs)
    several |= pair.candidate.group != comparison.pairs.front().candidate.group;
  return several;
}

std::string pairs_table(const Comparison& comparison, int width) {
  const bool several = has_several_groups(comparison);
  text::Column candidate{"", several ? "candidate" : "batch", several, 0, {}},
      metric{"", "metric", true, 2, {}}, base{"", "base", false, 1, {}},
      now{"", "new", false, 1, {}}, ratio{"", "ratio", false, 0, {}},
      interval{"", "95 % interval", true, 3, {}}, verdict{"", "verdict", true, 0, {}};
  for (const ComparedPair& pair : comparison.pairs) {
    candidate.cells.push_back(several ? to_string(pair.candidate)
                                      : std::to_string(pair.candidate.batch));
    metric.cells.push_back(pair.metric);
    base.cells.push_back(value_text(pair, pair.base));
    now.cells.push_back(value_text(pair, pair.now));
    ratio.cells.push_back(format_number(pair.ratio, 4));
    interval.cells.push_back(pair.ci95 ? fmt::format("{} to {}", format_number(pair.ci95->low, 4),
                                                     format_number(pair.ci95->high, 4))
                                       : text::kAbsent);
    verdict.cells.emplace_back(name_of(pair.verdict));
  }
  return text::format_table({candidate, metric, base, now, ratio, interval, verdict}, width);
}

std::string batch_text(const std::optional<std::int64_t>& batch) {
  return batch ? "batch " + std::to_string(*batch) : std::string("none");
}

// "cpu f32, 2 x 1 thread, ", where the two recommend different groups.
std::string split_text(const Comparison& comparison, const std::optional<CandidateGroup>& group) {
  if (!group || comparison.base_group == comparison.new_group) return "";
  return to_string(*group) + ", ";
}

// Why pairs could not be judged: "batch 16, batch 32: inconclusive: only 3 rounds in the base".
std::string reasons(const Comparison& comparison, int width) {
  const bool several = has_several_groups(comparison);
  std::vector<std::pair<std::string, std::vector<std::string>>> labels_by_reason;
  for (const ComparedPair& pair : comparison.pairs) {
    if (pair.reason.empty()) continue;
    const std::string reason = std::string(name_of(pair.verdict)) + ": " + pair.reason;
    auto known = std::find_if(labels_by_reason.begin(), labels_by_reason.end(),
                              [&](const auto& entry) { return entry.first == reason; });
    if (known == labels_by_reason.end()) known = labels_by_reason.insert(known, {reason, {}});
    known->second.push_back(several ? to_string(pair.candidate)
                                    : "batch " + std::to_string(pair.candidate.batch));
  }
  std::string text;
  for (const auto& [reason, labels] : labels_by_reason)
    text += text::wrapped("  ", text::joined(labels, ", ") + ": " + reason, width);
  return text;
}

// "quiet: base 83 % of visits, new not judged"; "" when neither was judged.
std::string quiet_shares(const Comparison& comparison) {
  const auto& base = comparison.base_quiet_share;
  const auto& now = comparison.new_quiet_share;
  if (!base && !now) return "";
  const auto words = [](const std::optional<double>& share) {
    return share ? format_percent(*share) + " of visits" : std::string("not judged");
  };
  return fmt::format("quiet: base {}, new {}\n", words(base), words(now));
}

const char* outcome_text(const Comparison& comparison) {
  switch (outcome_of(comparison)) {
    case ComparisonOutcome::regression:
      return "a regression";
    case ComparisonOutcome::inconclusive:
      return "inconclusive";
    case ComparisonOutcome::no_regression:
      break;
  }
  return "no regression";
}

std::string summary(const Comparison& comparison) {
  int slower = 0, faster = 0, same = 0, inconclusive = 0;
  for (const ComparedPair& pair : comparison.pairs) {
    slower += pair.verdict == PairVerdict::slower;
    faster += pair.verdict == PairVerdict::faster;
    same += pair.verdict == PairVerdict::same;
    inconclusive += pair.verdict == PairVerdict::inconclusive;
  }
  return fmt::format("=> {}: {} slower, {} faster, {} same, {} inconclusive (threshold {}){}",
                     outcome_text(comparison), slower, faster, same, inconclusive,
                     format_percent(comparison.threshold),
                     comparison.shrank ? ", memory ends earlier" : "");
}

}  // namespace

std::string text_compare(const CompareReport& report, const TextOptions& options) {
  const Comparison& comparison = report.comparison;
  std::string text =
      report.simulated
          ? text::wrapped("", "SIMULATED: figures of a simulated device, not measured on hardware.",
                          options.width)
          : "";
  text += text::wrapped("base  ", report.base, options.width);
  text += text::wrapped("new   ", report.now, options.width);
  if (!comparison.differences.empty()) {
    text += "\nWARNING: the two did not run under the same conditions\n";
    for (const std::string& difference : comparison.differences)
      text += text::wrapped("  ", difference, options.width);
  }
  if (!comparison.comparable) return text + "\n=> not comparable\n";
  text += "\n";
  if (comparison.pairs.empty())
    text += "No batch was measured by both.\n";
  else
    text += pairs_table(comparison, options.width) +
            text::wrapped("ratio: ",
                          comparison.by_reference
                              ? "new / base, the host's speed taken out by the reference programs"
                              : "new / base as measured, no verdict: the sessions share no "
                                "reference programs",
                          options.width) +
            reasons(comparison, options.width);
  text += "\n" + quiet_shares(comparison);
  text +=
      fmt::format("recommended: {}{} -> {}{}{}\n", split_text(comparison, comparison.base_group),
                  batch_text(comparison.base_batch), split_text(comparison, comparison.new_group),
                  batch_text(comparison.new_batch), comparison.moved ? " (moved)" : "");
  text += fmt::format("memory ends: {} -> {}{}\n", batch_text(comparison.base_boundary),
                      batch_text(comparison.new_boundary), comparison.shrank ? " (shrank)" : "");
  return text + text::bold(summary(comparison), options.color) + "\n";
}

std::string json_compare(const CompareReport& report) {
  const Comparison& comparison = report.comparison;
  json::Json pairs = json::Json::array();
  for (const ComparedPair& pair : comparison.pairs)
    pairs.push_back({{"batch", pair.candidate.batch},
                     {"candidate", json::candidate(pair.candidate)},
                     {"metric", pair.metric},
                     {"base", json::number(pair.base)},
                     {"new", json::number(pair.now)},
                     {"ratio", json::number(pair.ratio)},
                     {"ci95", json::interval(pair.ci95)},
                     {"verdict", name_of(pair.verdict)},
                     {"reason", pair.reason}});
  const json::Json recommendation = {{"base", json::integer(comparison.base_batch)},
                                     {"new", json::integer(comparison.new_batch)},
                                     {"moved", comparison.moved}};
  const json::Json boundary = {{"base", json::integer(comparison.base_boundary)},
                               {"new", json::integer(comparison.new_boundary)},
                               {"shrank", comparison.shrank}};
  const json::Json quiet_share = {{"base", json::number(comparison.base_quiet_share)},
                                  {"new", json::number(comparison.new_quiet_share)}};
  return json::document({{"schema_version", kCompareSchema},
                         {"command", "compare"},
                         {"base", report.base},
                         {"new", report.now},
                         {"simulated", report.simulated},
                         {"comparable", comparison.comparable},
                         {"differences", comparison.differences},
                         {"threshold", json::number(comparison.threshold)},
                         {"quiet_share", quiet_share},
                         {"pairs", pairs},
                         {"recommendation", recommendation},
                         {"boundary", boundary}});
}

std::string csv_compare(const CompareReport& report) {
  std::string text =
      "backend,dtype,threads,instances,batch,metric,base,new,ratio,low,high,verdict,reason,simulated\n";
  for (const ComparedPair& pair : report.comparison.pairs) {
    const CandidateGroup& group = pair.candidate.group;
    csv::Row row;
    row.text(group.backend);
    row.text(name_of(group.dtype));
    row.integer(group.threads);
    row.integer(group.instances);
    row.integer(pair.candidate.batch);
    row.text(pair.metric);
    row.number(pair.base);
    row.number(pair.now);
    row.number(pair.ratio);
    row.number(pair.ci95 ? std::optional(pair.ci95->low) : std::nullopt);
    row.number(pair.ci95 ? std::optional(pair.ci95->high) : std::nullopt);
    row.text(name_of(pair.verdict));
    row.text(pair.reason);
    row.flag(report.simulated);
    text += row.line();
  }
  return text;
}

}  // namespace batchtune
