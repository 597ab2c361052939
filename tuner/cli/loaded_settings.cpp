#include "tuner/cli/loaded_settings.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

namespace batchtune {
namespace {

std::vector<Setting>::iterator find(std::vector<Setting>& settings, const std::string& name) {
  return std::find_if(settings.begin(), settings.end(),
                      [&](const Setting& known) { return known.name == name; });
}

std::string name_in_session(SessionHeader& header, const LoadNotice& notice,
                            const Setting& setting) {
  const std::string prefix = notice.group.backend + ".";
  const std::string full = setting.name.starts_with(prefix) ? setting.name : prefix + setting.name;
  std::vector<Setting>& effective = header.settings.effective;
  const auto group =
      std::find_if(header.estimates.begin(), header.estimates.end(),
                   [&](const Estimate& estimate) { return estimate.group == notice.group; });
  const auto numbered = fmt::format("{}.{}", full, group - header.estimates.begin() + 1);
  if (find(effective, numbered) != effective.end()) return numbered;
  const auto common = find(effective, full);
  const bool differs = common != effective.end() && common->value != setting.value;
  return header.estimates.size() > 1 && differs ? numbered : full;
}

// Whether anything changed.
bool put(std::vector<Setting>& settings, Setting setting) {
  const auto old = find(settings, setting.name);
  if (old != settings.end() && *old == setting) return false;
  if (old == settings.end())
    settings.push_back(std::move(setting));
  else
    *old = std::move(setting);
  return true;
}

}  // namespace

bool add_loaded_settings(SessionHeader& header, const LoadNotice& notice) {
  bool changed = false;
  for (Setting setting : notice.report.effective) {
    setting.name = name_in_session(header, notice, setting);
    changed |= put(header.settings.effective, std::move(setting));
  }
  return changed;
}

bool add_output_settings(SessionHeader& header, const OutputNotice& notice) {
  const std::string& variant = notice.group.variant;
  const auto name = fmt::format("{}.output_error.{}{}{}", notice.group.backend,
                                name_of(notice.group.dtype), variant.empty() ? "" : ".", variant);
  const Value error = std::isfinite(notice.error) ? Value(notice.error) : Value("not comparable");
  return put(header.settings.effective,
             {name, error, "of the largest value of " + to_string(notice.against)});
}

}  // namespace batchtune
