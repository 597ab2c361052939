// See differences.h.
#include "tuner/track/differences.h"

#include <fmt/format.h>

#include <algorithm>

namespace batchtune {
namespace {

using Named = std::vector<std::pair<std::string, std::string>>;

Named named(const Settings& settings) {
  Named result;
  for (const Setting& setting : settings.effective) {
    // Unless it was asked for, it follows what memory is free at the moment.
    if (setting.name == "memory_limit" && !setting.origin.starts_with("--")) continue;
    result.emplace_back(setting.name, to_string(setting.value));
  }
  return result;
}

Named named(const Environment& environment) {
  Named result;
  for (const auto& [name, value] : environment) result.emplace_back(name, to_string(value));
  return result;
}

// Names of both sides; one that only one side has is "absent" on the other.
void add(std::vector<std::string>& differences, const Named& base, const Named& now) {
  const auto value_in = [](const Named& side, const std::string& name) -> std::string {
    const auto found = std::find_if(side.begin(), side.end(),
                                    [&](const auto& entry) { return entry.first == name; });
    return found == side.end() ? "absent" : found->second;
  };
  for (const auto& [name, value] : base) {
    const std::string other = value_in(now, name);
    if (other != value) differences.push_back(fmt::format("{}: {} -> {}", name, value, other));
  }
  for (const auto& [name, value] : now)
    if (value_in(base, name) == "absent" && value != "absent")
      differences.push_back(fmt::format("{}: absent -> {}", name, value));
}

std::string or_none(const std::string& text) {
  return text.empty() ? "none" : text;
}

}  // namespace

std::vector<std::string> differences_of(const SessionHeader& base, const SessionHeader& now) {
  std::vector<std::string> differences;
  const auto words = [](bool simulated) { return simulated ? "simulated" : "measured"; };
  add(differences,
      {{"model", base.model.name},
       {"model hash", base.model.hash},
       {"device", words(base.simulated)},
       {"reference programs", or_none(base.reference_hash)}},
      {{"model", now.model.name},
       {"model hash", now.model.hash},
       {"device", words(now.simulated)},
       {"reference programs", or_none(now.reference_hash)}});
  add(differences, named(base.settings), named(now.settings));
  add(differences, named(base.environment), named(now.environment));
  return differences;
}

}  // namespace batchtune
