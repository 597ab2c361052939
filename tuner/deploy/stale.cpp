#include "tuner/deploy/stale.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

namespace batchtune {
namespace {

struct Watched {
  std::string_view entry;  // of the environment; a name that ends with a dot stands for all below
  std::string_view words;
  bool of_simulated;  // a simulated device depends on it as well
};
constexpr Watched kWatched[] = {
    {"cpu.model", "CPU", false},
    {"cpu.isa", "instruction set", false},
    {"cpu.affinity", "CPUs", false},
    {"cpu.quota", "CPU quota", false},
    {"driver.", "driver", false},
    {"version", "batchtune", true},
    {"build.id", "build of batchtune", true},
};

constexpr std::string_view kAbsent = "none";

std::string value_of(const Environment& environment, std::string_view name) {
  for (const auto& [key, value] : environment)
    if (key == name)
      return std::holds_alternative<std::monostate>(value) ? std::string(kAbsent)
                                                           : to_string(value);
  return std::string(kAbsent);
}

// `entry` itself, or every name of either side that begins with it.
std::vector<std::string> names_of(std::string_view entry, const Environment& then,
                                  const Environment& now) {
  if (!entry.ends_with('.')) return {std::string(entry)};
  std::vector<std::string> names;
  for (const Environment* environment : {&then, &now})
    for (const auto& [name, value] : *environment)
      if (name.starts_with(entry) && std::find(names.begin(), names.end(), name) == names.end())
        names.push_back(name);
  return names;
}

void compare(Staleness& staleness, std::string_view what, const std::string& then,
             const std::string& now) {
  if (then != now) staleness.reasons.push_back(fmt::format("{}: {} then, {} now", what, then, now));
}

void compare_device(Staleness& staleness, const DeviceInfo& then, const Present& now) {
  if (now.device) {
    compare(staleness, "device", then.name, now.device->name);
    compare(staleness, "runtime", then.version, now.device->version);
  } else if (now.device_failure.empty()) {
    staleness.unchecked.emplace_back("device");
  } else {
    staleness.reasons.push_back(
        fmt::format("device: {} then, cannot be opened now ({})", then.name, now.device_failure));
  }
}

}  // namespace

Staleness staleness_of(const SessionHeader& then, const std::string& backend, const Present& now) {
  Staleness staleness;
  if (now.model_hash)
    compare(staleness, "model", then.model.hash, *now.model_hash);
  else
    staleness.unchecked.emplace_back("model");
  for (const DeviceInfo& device : then.devices)
    if (device.backend == backend) compare_device(staleness, device, now);
  for (const Watched& watched : kWatched) {
    if (then.simulated && !watched.of_simulated) continue;
    for (const std::string& name : names_of(watched.entry, then.environment, now.environment))
      compare(staleness, watched.words, value_of(then.environment, name),
              value_of(now.environment, name));
  }
  return staleness;
}

}  // namespace batchtune
