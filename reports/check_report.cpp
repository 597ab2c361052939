#include "reports/check_report.h"

#include <fmt/format.h>

#include <algorithm>

#include "reports/json/parts.h"
#include "reports/text/words.h"

namespace batchtune {
namespace {

constexpr int kSchemaVersion = 1;
constexpr const char* kVerdicts[] = {"passed", "failed", "advisory", "skipped"};

}  // namespace

std::string text_check_subject(const CheckReport& report, const TextOptions& options) {
  const std::string version = report.device.version.empty() ? "" : ", " + report.device.version;
  return text::wrapped(report.device.simulated ? "SIMULATED " : "",
                       fmt::format("{}: {}{}; checked with {}, {}", report.device.backend,
                                   text::one_line(report.device.name), version, report.model,
                                   to_string(report.group)),
                       options.width);
}

std::string text_rule_verdict(const RuleVerdict& rule, const TextOptions& options) {
  std::string seen = text::one_line(rule.seen);
  if (rule.verdict == "failed") seen += ". Wanted: " + rule.demand;
  const std::string head = fmt::format("{:<9} {:<14} ", rule.verdict, rule.rule);
  return text::wrapped(head, seen, options.width);
}

std::string text_check_summary(const CheckReport& report) {
  std::string summary =
      fmt::format("{} rule{}", report.rules.size(), report.rules.size() == 1 ? "" : "s");
  const char* separator = ": ";
  for (const char* verdict : kVerdicts) {
    const auto count =
        std::count_if(report.rules.begin(), report.rules.end(),
                      [&](const RuleVerdict& rule) { return rule.verdict == verdict; });
    if (count == 0) continue;
    summary += fmt::format("{}{} {}", separator, count, verdict);
    separator = ", ";
  }
  return summary + "\n";
}

std::string json_check(const CheckReport& report) {
  json::Json rules = json::Json::array();
  for (const RuleVerdict& rule : report.rules)
    rules.push_back({{"rule", rule.rule},
                     {"demand", rule.demand},
                     {"verdict", rule.verdict},
                     {"seen", rule.seen},
                     {"seconds", json::number(rule.seconds)}});
  return json::document({{"schema_version", kSchemaVersion},
                         {"command", "backend-check"},
                         {"backend", report.backend},
                         {"device",
                          {{"backend", report.device.backend},
                           {"name", report.device.name},
                           {"version", report.device.version},
                           {"simulated", report.device.simulated}}},
                         {"model", report.model},
                         {"group", json::group(report.group)},
                         {"rules", rules}});
}

}  // namespace batchtune
