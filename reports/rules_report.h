// What `list rules` shows: the stop rules with what can be set in each. JSON: rules.schema.json.
#pragma once

#include <string>
#include <vector>

#include "reports/report.h"
#include "tuner/core/value.h"

namespace batchtune {

struct RuleParameter {
  std::string name;
  std::string description;
  std::string unit;           // of the default: "share", "seconds", "rounds"; may be empty
  Value default_value;        // in that unit
  std::string shown_default;  // in text instead, with its unit ("1 %"); may be empty
};

struct RuleEntry {
  std::string name;
  std::string description;
  std::vector<RuleParameter> parameters;
};

std::string text_rules(const std::vector<RuleEntry>& rules, const TextOptions& options);
std::string json_rules(const std::vector<RuleEntry>& rules);  // "rules": [{name, ...}]
std::string csv_rules(const std::vector<RuleEntry>& rules);   // one row per parameter

}  // namespace batchtune
