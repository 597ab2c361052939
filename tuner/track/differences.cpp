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
    // Where the search began; each session corrects it for the next.
    if (setting.name.starts_with("roofline.")) continue;
    result.emplace_back(setting.name, to_string(setting.value));
  }
  return result;
}

Named named(const Environment& environment) {
  Named result;
  for (const auto& [name, value] : environment) result.emplace_back(name, to_string(value));
  return result;
}

// Names of both sides; `missing` stands for one that only the other side has.
void add(std::vector<std::string>& differences, const Named& base, const Named& now,
         const std::string& missing) {
  const auto value_in = [&](const Named& side, const std::string& name) {
    const auto found = std::find_if(side.begin(), side.end(),
                                    [&](const auto& entry) { return entry.first == name; });
    return found == side.end() ? missing : found->second;
  };
  Named all = base;
  for (const auto& entry : now)
    if (value_in(base, entry.first) == missing) all.push_back(entry);
  for (const auto& [name, value] : all) {
    const std::string before = value_in(base, name), after = value_in(now, name);
    if (before != after) differences.push_back(fmt::format("{}: {} -> {}", name, before, after));
  }
}

std::string or_none(const std::string& text) {
  return text.empty() ? "none" : text;
}

// What is measured and held against: model, devices with their libraries, reference programs.
Named named(const SessionHeader& header) {
  Named result{{"model", header.model.name},
               {"model hash", header.model.hash},
               {"device", header.simulated ? "simulated" : "measured"}};
  for (const DeviceInfo& device : header.devices)
    result.emplace_back("device " + device.backend,
                        device.name + (device.version.empty() ? "" : ", " + device.version));
  result.emplace_back("reference programs", or_none(header.reference_hash));
  if (const int cpus = reference_cpus(header); cpus > 0)
    result.emplace_back("CPUs of the reference programs", std::to_string(cpus));
  return result;
}

}  // namespace

std::vector<std::string> differences_of(const SessionHeader& base, const SessionHeader& now) {
  std::vector<std::string> differences;
  add(differences, named(base), named(now), "absent");
  add(differences, named(base.settings), named(now.settings), "the default");
  add(differences, named(base.environment), named(now.environment), "absent");
  return differences;
}

}  // namespace batchtune
