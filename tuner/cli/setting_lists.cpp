#include "tuner/cli/setting_lists.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace batchtune {
namespace {

// All values of one name: latency limits and backends may come several times.
std::string values_of(const std::vector<Setting>& settings, const std::string& name) {
  std::string values;
  for (const Setting& setting : settings)
    if (setting.name == name) values += (values.empty() ? "" : " ") + to_string(setting.value);
  return values.empty() ? "the default" : values;
}

// The names of `listed` once each, where they differ, by the origin of the first.
std::string differences(const std::vector<Setting>& listed, const std::vector<Setting>& then,
                        const std::vector<Setting>& now) {
  std::string text;
  std::set<std::string> seen;
  for (const Setting& setting : listed) {
    if (!seen.insert(setting.name).second) continue;
    const std::string before = values_of(then, setting.name), after = values_of(now, setting.name);
    if (before != after)
      text += fmt::format("{}{}: {} then, {} now", text.empty() ? "" : "; ", setting.origin, before,
                          after);
  }
  return text;
}

}  // namespace

Result<std::vector<Setting>> settings_named(const std::string& name,
                                            const std::vector<std::string>& texts) {
  const auto known = setting_names();
  const auto found = std::find_if(known.begin(), known.end(),
                                  [&](const SettingName& one) { return one.name == name; });
  if (found == known.end()) return bad_input("an option of tune", "'" + name + "'");
  std::vector<Setting> settings;
  if (found->kind == SettingKind::repeated) {
    for (const std::string& text : texts) settings.push_back({name, text, found->option});
    return settings;
  }
  const std::string joined = fmt::format("{}", fmt::join(texts, ","));
  if (found->kind == SettingKind::single)
    return std::vector<Setting>{{name, joined, found->option}};
  if (joined != "true" && joined != "false")
    return bad_input("true or false", "'" + joined + "'", found->option);
  return std::vector<Setting>{{name, joined == "true", found->option}};
}

std::vector<Setting> settings_over(const std::vector<Setting>& base,
                                   const std::vector<Setting>& own) {
  std::vector<Setting> settings;
  for (const Setting& setting : base)
    if (std::none_of(own.begin(), own.end(),
                     [&](const Setting& other) { return other.name == setting.name; }))
      settings.push_back(setting);
  settings.insert(settings.end(), own.begin(), own.end());
  return settings;
}

TuningOptions options_over(const TuningOptions& base, const TuningOptions& own) {
  TuningOptions options = options_from(settings_over(given_settings(base), given_settings(own)));
  const auto take = [&](std::string TuningOptions::*member) {
    options.*member = (own.*member).empty() ? base.*member : own.*member;
  };
  for (const auto member : {&TuningOptions::mode, &TuningOptions::revision, &TuningOptions::branch,
                            &TuningOptions::label})
    take(member);
  return options;
}

std::string changed_settings(const std::vector<Setting>& then, const std::vector<Setting>& now) {
  return differences(now, then, now);
}

std::string missing_settings(const std::vector<Setting>& then, const std::vector<Setting>& now) {
  std::vector<Setting> missing;
  for (const Setting& setting : then)
    if (std::none_of(now.begin(), now.end(),
                     [&](const Setting& other) { return other.name == setting.name; }))
      missing.push_back(setting);
  return differences(missing, then, now);
}

}  // namespace batchtune
