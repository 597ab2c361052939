#include "tuner/cli/equal_settings.h"

#include <fmt/format.h>

#include <algorithm>

#include "tuner/backend/backend_list.h"
#include "tuner/cli/defaults.h"

namespace batchtune {
namespace {

constexpr char kEqualOption[] = "--equal-settings";

// One thing that differs between backends by default, and what is done about it in each.
struct EqualSetting {
  const char* name;  // of the setting, behind "equal."
  const char* aim;
  struct Of {
    const char* backend;
    const char* parameter;  // of its spec, "" where it is so anyway or cannot be set
    const char* value;
    const char* words;
  } of[4];
};
constexpr EqualSetting kLevels[] = {
    {"precision",
     "f32",
     {{"cpu", "", "", "computes in the data type asked for"},
      {"onnxruntime", "", "", "computes in the types of the file"},
      {"openvino", "", "", "inference precision f32"},
      {"onednn", "", "", "computes in the data type asked for"}}},
    {"spinning",
     "off",
     {{"cpu", "", "", "between the operations of a run, never between runs (cannot be set)"},
      {"onnxruntime", "spinning", "0", "off"},
      {"openvino", "", "", "waits in oneTBB (cannot be set)"},
      {"onednn", "spinning", "0", "off"}}},
    {"pinning",
     "on",
     {{"cpu", "", "", "a CPU for each thread"},
      {"onnxruntime", "pinning", "1", "a CPU for each thread but the one that calls"},
      {"openvino", "pinning", "1", "a CPU for each thread"},
      {"onednn", "", "", "a CPU for each thread"}}},
    {"denormals",
     "computed",
     {{"cpu", "", "", "computed, but for bf16 products (the instructions take them as zero)"},
      {"onnxruntime", "denormals", "1", "computed"},
      {"openvino", "denormals", "1", "computed"},
      {"onednn", "", "", "computed, but for bf16 products"}}},
    {"threads",
     "those of the candidate",
     {{"cpu", "", "", "as asked for"},
      {"onnxruntime", "", "", "within operations, one between them"},
      {"openvino", "", "", "as asked for, a stream for each instance"},
      {"onednn", "", "", "as asked for"}}},
};
constexpr char kLeft[] = "optimisation of the graph, layouts, algorithms and memory: each runtime's own";

// The value of a parameter of a spec; "" where it has none.
std::string parameter_of(const std::string& spec, const std::string& name) {
  std::string rest = split_backend_spec(spec).parameters;
  while (!rest.empty()) {
    const std::string one = rest.substr(0, rest.find(','));
    if (one.starts_with(name + "=")) return one.substr(name.size() + 1);
    rest.erase(0, one.size() + 1);
  }
  return "";
}

}  // namespace

Status level_backends(std::vector<std::string>& specs) {
  for (std::string& spec : specs) {
    const std::string backend = split_backend_spec(spec).name;
    for (const EqualSetting& level : kLevels)
      for (const auto& [of, parameter, value, words] : level.of) {
        if (backend != of || *parameter == '\0') continue;
        const std::string given = parameter_of(spec, parameter);
        if (given.empty())
          spec = with_parameter(spec, parameter, value);
        else if (given != value)
          return bad_input(fmt::format("{}={} of {}", parameter, value, backend), given, kEqualOption,
                           "Leave one of the two out");
      }
  }
  return {};
}

std::vector<Setting> levelled_settings(const TuningRequest& request) {
  std::vector<Setting> settings;
  if (!request.equal_settings) return settings;
  const std::vector<std::string> specs = backends_of(request);
  const auto takes_part = [&](const char* backend) {
    return std::any_of(specs.begin(), specs.end(), [&](const std::string& spec) {
      return split_backend_spec(spec).name == backend;
    });
  };
  for (const EqualSetting& level : kLevels) {
    std::string words;
    for (const auto& of : level.of)
      if (takes_part(of.backend))
        words += fmt::format("{}{}: {}", words.empty() ? "" : "; ", of.backend, of.words);
    settings.push_back({fmt::format("equal.{}", level.name), std::string(level.aim),
                        fmt::format("{}; {}", kEqualOption, words)});
  }
  settings.push_back({"equal.left", std::string(kLeft), kEqualOption});
  return settings;
}

}  // namespace batchtune
