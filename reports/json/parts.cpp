#include "reports/json/parts.h"

#include <cmath>

#include "tuner/core/unknown.h"

namespace batchtune::json {
namespace {

constexpr int kIndent = 2;

// A count is a whole number that may be too large for an integer.
Json count(double value) {
  constexpr double kExact = 9007199254740992;  // 2^53: below, doubles hold every whole number
  if (std::isfinite(value) && std::abs(value) < kExact && std::floor(value) == value)
    return static_cast<std::int64_t>(value);
  return number(value);
}

Json formula(const FormulaEstimate& f) {
  return {{"batch", f.batch},
          {"guide_batch", integer(f.guide_batch)},
          {"exact", number(f.exact)},
          {"peak_flops", number(f.peak_flops)},
          {"bandwidth", number(f.bandwidth)},
          {"ridge", number(f.ridge)},
          {"flops_per_sample", number(f.flops_per_sample)},
          {"dense_parameters", number(f.dense_parameters)},
          {"dtype_bytes", number(f.dtype_bytes)},
          {"intensity_per_sample", number(f.intensity_per_sample)},
          {"below_ridge", f.below_ridge},
          {"above_ridge", f.above_ridge}};
}

}  // namespace

Json number(double value) {
  return std::isfinite(value) ? Json(value) : Json(nullptr);
}

Json number(const std::optional<double>& value) {
  return value ? number(*value) : Json(nullptr);
}

Json interval(const std::optional<Interval>& interval) {
  if (!interval || !std::isfinite(interval->low) || !std::isfinite(interval->high)) return nullptr;
  return Json::array({interval->low, interval->high});
}

Json value(const Value& value) {
  if (const auto* flag = std::get_if<bool>(&value)) return *flag;
  if (const auto* whole = std::get_if<std::int64_t>(&value)) return *whole;
  if (const auto* real = std::get_if<double>(&value)) return number(*real);
  if (const auto* text = std::get_if<std::string>(&value)) return *text;
  return nullptr;
}

Json group(const CandidateGroup& group) {
  Json dims = Json::object();
  for (const auto& [name, size] : group.dims) dims[name] = size;
  return {{"backend", group.backend},
          {"dtype", name_of(group.dtype)},
          {"threads", group.threads},
          {"instances", group.instances},
          {"dims", dims},
          {"cores", group.cores},
          {"variant", group.variant},
          {"compiled_batch", group.compiled_batch > 0 ? Json(group.compiled_batch) : Json(nullptr)}};
}

Json candidate(const Candidate& candidate) {
  Json json = group(candidate.group);
  json["batch"] = candidate.batch;
  return json;
}

Json model(const ModelSummary& model) {
  const bool known = has_counts(model);
  const auto count = [known](double value) { return known ? json::count(value) : Json(nullptr); };
  return {{"name", model.name},
          {"hash", model.hash},
          {"parameters", count(model.parameters)},
          {"flops_per_sample", count(model.flops_per_sample)},
          {"dense_parameters", count(model.dense_parameters)},
          {"dense_flops_per_sample", count(model.dense_flops_per_sample)},
          {"activation_bytes_per_sample", count(model.activation_bytes_per_sample)}};
}

Json device(const DeviceInfo& device) {
  Json peaks = Json::array(), levels = Json::array();
  for (const Peak& peak : device.peaks)
    peaks.push_back({{"dtype", name_of(peak.dtype)},
                     {"isa", peak.isa},
                     {"flops_per_second", number(peak.flops_per_second)},
                     {"origin", name_of(peak.origin)},
                     {"source", peak.source}});
  for (const MemoryLevel& level : device.memory_levels)
    levels.push_back({{"name", level.name},
                      {"capacity", number(level.capacity_bytes)},
                      {"bandwidth", number(level.bytes_per_second)},
                      {"origin", name_of(level.origin)},
                      {"source", level.source}});
  return {{"name", device.name},
          {"backend", device.backend},
          {"version", device.version},
          {"cores", device.cores},
          {"memory", number(device.memory_bytes)},
          {"peaks", peaks},
          {"memory_levels", levels},
          {"run_overhead", number(device.run_overhead)},
          {"layer_overhead", number(device.layer_overhead)},
          {"simulated", device.simulated}};
}

Json estimate(const Estimate& estimate) {
  const bool known = is_known(estimate);
  return {{"group", group(estimate.group)},
          {"batch", known ? Json(estimate.batch) : Json(nullptr)},
          {"bound", known ? Json(name_of(estimate.bound)) : Json(nullptr)},
          {"formula", estimate.formula ? formula(*estimate.formula) : Json(nullptr)}};
}

Json curve(const Estimate& estimate) {
  Json points = Json::array();
  for (const PointEstimate& point : estimate.curve)
    points.push_back({{"batch", point.batch},
                      {"latency", number(point.latency)},
                      {"throughput", number(point.throughput)},
                      {"memory", number(point.memory)},
                      {"bound", name_of(point.bound)}});
  return points;
}

Json overhead(const std::optional<Overhead>& overhead) {
  if (!overhead) return nullptr;
  return {{"in_interval", number(overhead->in_interval)},
          {"between_visits", number(overhead->between_visits)},
          {"outside_share", number(overhead->outside_share)}};
}

std::string document(const Json& json) {
  return json.dump(kIndent, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace batchtune::json
