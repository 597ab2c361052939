#include "reports/compare_report.h"

#include <fmt/format.h>
#include <cmath>

#include "reports/json/parts.h"
#include "reports/text/table.h"
#include "reports/text/words.h"
#include "tuner/core/units.h"

namespace batchtune {
namespace {

constexpr int kSchemaVersion = 1;

std::string value_text(const ComparedPair& pair, double value) {
  return pair.metric == "latency" ? format_seconds(value) : format_number(value, 3);
}

std::string pairs_table(const Comparison& comparison, int width) {
  bool several = false;
  for (const ComparedPair& pair : comparison.pairs)
    several |= pair.candidate.group != comparison.pairs.front().candidate.group;
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
                     text::percent(comparison.threshold),
                     comparison.shrank ? ", memory ends earlier" : "");
}

}  // namespace

std::string text_compare(const CompareReport& report, const TextOptions& options) {
  const Comparison& comparison = report.comparison;
  std::string text = text::wrapped("base  ", report.base, options.width);
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
                          options.width);
  text += fmt::format("\nrecommended: {} -> {}{}\n", batch_text(comparison.base_batch),
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
                     {"verdict", name_of(pair.verdict)}});
  const json::Json recommendation = {{"base", json::integer(comparison.base_batch)},
                                     {"new", json::integer(comparison.new_batch)},
                                     {"moved", comparison.moved}};
  const json::Json boundary = {{"base", json::integer(comparison.base_boundary)},
                               {"new", json::integer(comparison.new_boundary)},
                               {"shrank", comparison.shrank}};
  return json::document({{"schema_version", kSchemaVersion},
                         {"command", "compare"},
                         {"base", report.base},
                         {"new", report.now},
                         {"comparable", comparison.comparable},
                         {"differences", comparison.differences},
                         {"threshold", json::number(comparison.threshold)},
                         {"pairs", pairs},
                         {"recommendation", recommendation},
                         {"boundary", boundary}});
}

std::string csv_compare(const CompareReport& report) {
  const auto cell = [](double value) {
    return std::isfinite(value) ? fmt::format("{}", value) : std::string();
  };
  std::string text =
      "backend,dtype,threads,instances,batch,metric,base,new,ratio,low,high,verdict\n";
  for (const ComparedPair& pair : report.comparison.pairs) {
    const CandidateGroup& group = pair.candidate.group;
    text += fmt::format("{},{},{},{},{},{},{},{},{},{},{},{}\n", group.backend,
                        name_of(group.dtype), group.threads, group.instances, pair.candidate.batch,
                        pair.metric, cell(pair.base), cell(pair.now), cell(pair.ratio),
                        pair.ci95 ? cell(pair.ci95->low) : "",
                        pair.ci95 ? cell(pair.ci95->high) : "", name_of(pair.verdict));
  }
  return text;
}

}  // namespace batchtune
