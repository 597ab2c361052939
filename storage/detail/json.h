// The parts of a session that are kept as JSON columns, to JSON and back without loss. Reading
// throws nlohmann's exceptions; decode() is the one place that turns them into an Error.
#pragma once

#include <exception>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "storage/detail/database.h"
#include "tuner/core/session.h"
#include "tuner/core/trial.h"

namespace batchtune::detail {

using Json = nlohmann::ordered_json;

Json to_json(const std::map<std::string, std::int64_t>& dims);
Json to_json(const std::vector<std::int64_t>& batches);
Json to_json(const Environment& environment);
Json to_json(const Settings& settings);
Json to_json(const Wishes& wishes);
Json to_json(const DeviceInfo& device);
Json to_json(const HostState& host);     // without what is absent
Json to_json(const Estimate& estimate);  // without its group, which has columns

void from_json_to(const Json& json, std::map<std::string, std::int64_t>& dims);
void from_json_to(const Json& json, std::vector<std::int64_t>& batches);
void from_json_to(const Json& json, Environment& environment);
void from_json_to(const Json& json, Settings& settings);
void from_json_to(const Json& json, Wishes& wishes);
void from_json_to(const Json& json, DeviceInfo& device);
void from_json_to(const Json& json, HostState& host);
void from_json_to(const Json& json, Estimate& estimate);

// Refuses NaN and infinities, which JSON cannot say: they would come back as null.
Result<std::string> encode(const Json& json);

// Refuses text that others wrote as JSON and is not.
Status check_json(const std::string& text, std::string_view where);

template <typename T>
Status decode(const Database& database, const std::string& text, T& value) {
  try {
    from_json_to(Json::parse(text), value);
    return {};
  } catch (const std::exception& exception) {
    return database.error(SQLITE_CORRUPT, exception.what());
  }
}

// The enumerator of `all` with this name. Throws std::invalid_argument.
template <typename Range>
auto named(const Range& all, const std::string& name) {
  for (auto value : all)
    if (name_of(value) == name) return value;
  throw std::invalid_argument("unknown word '" + name + "'");
}

inline constexpr MemoryKind kMemoryKinds[] = {MemoryKind::account, MemoryKind::rss,
                                              MemoryKind::device};
inline constexpr LimiterKind kLimiterKinds[] = {LimiterKind::none, LimiterKind::account,
                                                LimiterKind::rlimit, LimiterKind::cgroup,
                                                LimiterKind::device};

}  // namespace batchtune::detail
