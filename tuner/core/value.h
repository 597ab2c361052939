// A setting or environment figure whose type differs from name to name.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

namespace batchtune {

using Value = std::variant<std::monostate, bool, std::int64_t, double, std::string>;

// One setting with its value and why it has it: "default", "--threads", "cgroup quota",
// "environment".
struct Setting {
  std::string name;
  Value value;
  std::string origin;

  bool operator==(const Setting&) const = default;
};

// In the order in which they are shown. Requested: as the user gave them. Effective: in force.
struct Settings {
  std::vector<Setting> requested;
  std::vector<Setting> effective;

  bool operator==(const Settings&) const = default;
};

// What a machine and build look like to a session: flat names ("cpu.model", "kernel",
// "library.sqlite").
using Environment = std::vector<std::pair<std::string, Value>>;

std::string to_string(const Value& value);  // "null" for monostate

}  // namespace batchtune
