#include "tuner/cli/loaded_settings.h"

#include <fmt/format.h>

#include <algorithm>

namespace batchtune {
namespace {

std::string name_in_session(const SessionHeader& header, const LoadNotice& notice,
                            const std::string& name) {
  const std::string prefix = notice.group.backend + ".";
  const std::string full = name.starts_with(prefix) ? name : prefix + name;
  if (header.estimates.size() < 2) return full;
  const auto group =
      std::find_if(header.estimates.begin(), header.estimates.end(),
                   [&](const Estimate& estimate) { return estimate.group == notice.group; });
  return fmt::format("{}.{}", full, group - header.estimates.begin() + 1);
}

}  // namespace

bool add_loaded_settings(SessionHeader& header, const LoadNotice& notice) {
  std::vector<Setting>& effective = header.settings.effective;
  bool changed = false;
  for (Setting setting : notice.report.effective) {
    setting.name = name_in_session(header, notice, setting.name);
    const auto old = std::find_if(effective.begin(), effective.end(),
                                  [&](const Setting& known) { return known.name == setting.name; });
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
