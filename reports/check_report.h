// What `backend-check` shows: a verdict for each rule. JSON: check.schema.json.
#pragma once

#include <string>
#include <vector>

#include "reports/report.h"
#include "tuner/core/candidate.h"
#include "tuner/core/device.h"
#include "tuner/core/units.h"

namespace batchtune {

struct RuleVerdict {
  std::string rule;     // "lifetime"
  std::string demand;   // what it wants, one sentence
  std::string verdict;  // passed, failed, skipped or advisory
  std::string seen;     // in words; of skipped: why
  Seconds seconds = 0;  // that checking took
};

struct CheckReport {
  std::string backend;  // the spec
  DeviceInfo device;
  std::string model;
  CandidateGroup group;
  std::vector<RuleVerdict> rules;
};

// In pieces, since rules take seconds: who is checked, a line for each rule, how many of each
// verdict.
std::string text_check_subject(const CheckReport& report, const TextOptions& options);
std::string text_rule_verdict(const RuleVerdict& rule, const TextOptions& options);
std::string text_check_summary(const CheckReport& report);
std::string json_check(const CheckReport& report);

}  // namespace batchtune
