// The parts that several JSON documents share. A figure that is absent or not finite is null, never
// 0 or NaN.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "tuner/core/session.h"
#include "tuner/core/trial.h"

namespace batchtune::json {

using Json = nlohmann::ordered_json;  // keeps the order of DESIGN's examples

Json number(double value);
Json number(const std::optional<double>& value);
template <typename T>
Json integer(const std::optional<T>& value) {
  return value ? Json(*value) : Json(nullptr);
}
Json interval(const std::optional<Interval>& interval);  // [low, high]
Json value(const Value& value);
Json group(const CandidateGroup& group);
Json candidate(const Candidate& candidate);
Json model(const ModelSummary& model);
Json device(const DeviceInfo& device);    // whole: peaks and memory levels
Json estimate(const Estimate& estimate);  // without its curve
Json curve(const Estimate& estimate);
Json overhead(const std::optional<Overhead>& overhead);  // null where it is not known

// One document, indented, ending with a line feed; text that is not UTF-8 is repaired.
std::string document(const Json& json);

}  // namespace batchtune::json
