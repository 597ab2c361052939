#include "tuner/cli/wish_settings.h"

#include <algorithm>

namespace batchtune {
namespace {

const char* origin(bool given, const char* option) {
  return given ? option : "default";
}

}  // namespace

std::vector<Setting> wish_settings(const TuningRequest& request, const Wishes& wishes,
                                   const std::string& memory_origin) {
  std::vector<Setting> settings{
      {"memory_limit", wishes.memory_limit ? Value(*wishes.memory_limit) : Value(),
       request.memory_limit ? "--memory-limit" : memory_origin},
      {"objective", std::string(name_of(wishes.objective)),
       origin(request.objective.has_value(), "--objective")},
  };
  if (wishes.objective == Objective::knee)
    settings.push_back(
        {"give_up", wishes.give_up, origin(request.give_up.has_value(), "--give-up")});
  for (const LatencyLimit& limit : wishes.latency_limits)
    settings.push_back({"latency_limit", to_string(limit), "--latency-limit"});
  return settings;
}

void replace_wish_settings(SessionHeader& header, const TuningRequest& request) {
  std::vector<Setting>& effective = header.settings.effective;
  for (Setting& setting : wish_settings(request, header.wishes, "")) {
    if (setting.name == "latency_limit") continue;
    if (!setting.origin.starts_with("--")) continue;
    const auto old = std::find_if(effective.begin(), effective.end(),
                                  [&](const Setting& known) { return known.name == setting.name; });
    if (old != effective.end())
      *old = setting;
    else
      effective.push_back(setting);
  }
  if (request.latency_limits.empty()) return;
  std::erase_if(effective, [](const Setting& known) { return known.name == "latency_limit"; });
  for (const LatencyLimit& limit : request.latency_limits)
    effective.push_back({"latency_limit", to_string(limit), "--latency-limit"});
}

}  // namespace batchtune
