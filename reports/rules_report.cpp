#include "reports/rules_report.h"

#include <fmt/format.h>

#include "reports/csv/row.h"
#include "reports/json/parts.h"
#include "reports/text/table.h"
#include "reports/text/words.h"

namespace batchtune {
namespace {

constexpr int kRulesSchema = 1;

std::string default_of(const RuleParameter& parameter) {
  if (!parameter.shown_default.empty()) return parameter.shown_default;
  const std::string unit = parameter.unit.empty() ? "" : " " + parameter.unit;
  return text::shown(parameter.default_value) + unit;
}

std::string parameters_table(const std::vector<RuleParameter>& parameters, int width) {
  constexpr int kIndent = 2;
  text::Column name{"", "parameter", true, 0, {}}, value{"", "default", true, 0, {}},
      description{"", "", true, 1, {}};
  for (const RuleParameter& parameter : parameters) {
    name.cells.push_back(text::one_line(parameter.name));
    value.cells.push_back(default_of(parameter));
    description.cells.push_back(text::one_line(parameter.description));
  }
  const std::string table = text::format_table({name, value, description}, width - kIndent);
  std::string indented;
  for (std::size_t begin = 0; begin < table.size();) {
    const std::size_t end = table.find('\n', begin) + 1;
    indented += std::string(kIndent, ' ') + table.substr(begin, end - begin);
    begin = end;
  }
  return indented;
}

json::Json parameter_of(const RuleParameter& parameter) {
  return {{"name", parameter.name},
          {"description", parameter.description},
          {"unit", parameter.unit},
          {"default", json::value(parameter.default_value)}};
}

}  // namespace

std::string text_rules(const std::vector<RuleEntry>& rules, const TextOptions& options) {
  std::string text;
  for (const RuleEntry& rule : rules) {
    if (!text.empty()) text += "\n";
    text += text::wrapped("", rule.name + ": " + rule.description, options.width);
    if (!rule.parameters.empty()) text += parameters_table(rule.parameters, options.width);
  }
  return text;
}

std::string json_rules(const std::vector<RuleEntry>& rules) {
  json::Json list = json::Json::array();
  for (const RuleEntry& rule : rules) {
    json::Json parameters = json::Json::array();
    for (const RuleParameter& parameter : rule.parameters)
      parameters.push_back(parameter_of(parameter));
    list.push_back(
        {{"name", rule.name}, {"description", rule.description}, {"parameters", parameters}});
  }
  return json::document({{"schema_version", kRulesSchema}, {"command", "list"}, {"rules", list}});
}

std::string csv_rules(const std::vector<RuleEntry>& rules) {
  std::string text = "rule,parameter,default,unit,description\n";
  const auto add = [&](const RuleEntry& rule, const RuleParameter& parameter) {
    csv::Row row;
    row.text(rule.name);
    row.text(parameter.name);
    row.value(parameter.default_value);
    row.text(parameter.unit);
    row.text(parameter.name.empty() ? rule.description : parameter.description);
    text += row.line();
  };
  for (const RuleEntry& rule : rules) {
    if (rule.parameters.empty()) add(rule, {});
    for (const RuleParameter& parameter : rule.parameters) add(rule, parameter);
  }
  return text;
}

}  // namespace batchtune
