#include "tuner/cli/loaded_settings.h"

#include <fmt/format.h>

#include <algorithm>
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

}  // namespace

bool add_loaded_settings(SessionHeader& header, const LoadNotice& notice) {
  std::vector<Setting>& effective = header.settings.effective;
  bool changed = false;
  for (Setting setting : notice.report.effective) {
    setting.name = name_in_session(header, notice, setting);
    const auto old = find(effective, setting.name);
    if (old != effective.end() && *old == setting) continue;
    changed = true;
    if (old == effective.end())
      effective.push_back(std::move(setting));
    else
      *old = std::move(setting);
  }
  return changed;
}

}  // namespace batchtune
