#include "tuner/deploy/points.h"

#include <fmt/format.h>

#include <algorithm>

#include "tuner/core/user_batches.h"
#include "tuner/deploy/follow.h"

namespace batchtune {
namespace {

bool asked_for(const SessionHeader& header, std::string_view name) {
  return std::any_of(header.settings.requested.begin(), header.settings.requested.end(),
                     [&](const Setting& setting) { return setting.name == name; });
}

Wishes asked_wishes(const SessionHeader& header) {
  Wishes wishes = header.wishes;
  if (!asked_for(header, "memory_limit")) wishes.memory_limit.reset();
  return wishes;
}

std::vector<DType> dtypes_of(const SessionHeader& header, const std::string& backend) {
  std::vector<DType> dtypes;
  for (const Estimate& estimate : header.estimates)
    if (estimate.group.backend == backend) dtypes.push_back(estimate.group.dtype);
  std::sort(dtypes.begin(), dtypes.end());
  dtypes.erase(std::unique(dtypes.begin(), dtypes.end()), dtypes.end());
  return dtypes;
}

std::map<std::string, std::int64_t> dims_of(const SessionHeader& header) {
  return header.estimates.empty() ? std::map<std::string, std::int64_t>{}
                                  : header.estimates.front().group.dims;
}

std::string objective_of(const Wishes& wishes) {
  std::string text(name_of(wishes.objective));
  if (wishes.objective == Objective::knee) text += fmt::format(" {}", wishes.give_up);
  if (wishes.throughput_floor) text += fmt::format(" from {}/s", *wishes.throughput_floor);
  if (!wishes.user_batches.empty()) text += " of user batches " + to_string(wishes.user_batches);
  return text;
}

std::vector<std::string> limits_of(const Wishes& wishes) {
  std::vector<std::string> limits;
  for (const LatencyLimit& limit : wishes.latency_limits)
    limits.push_back(fmt::format("{} <= {} s", name_of(limit.metric), limit.limit));
  if (wishes.memory_limit)
    limits.push_back(fmt::format("memory <= {} bytes", *wishes.memory_limit));
  std::sort(limits.begin(), limits.end());
  return limits;
}

}  // namespace

std::string spec_of(const SessionHeader& header, const std::string& backend) {
  for (const Setting& setting : header.settings.requested) {
    const auto* spec = std::get_if<std::string>(&setting.value);
    if (spec && setting.name == "backend" && spec->substr(0, spec->find(':')) == backend)
      return *spec;
  }
  return backend;
}

Question question_of(const SessionHeader& header, const DeviceInfo& device) {
  const Wishes wishes = asked_wishes(header);
  return {.model = header.model.name,
          .dims = dims_of(header),
          .backend = spec_of(header, device.backend),
          .device = device.name,
          .dtypes = dtypes_of(header, device.backend),
          .objective = objective_of(wishes),
          .limits = limits_of(wishes)};
}

std::vector<Current> current_points(std::span<const SessionHeader> finished) {
  std::map<Question, Current> newest;
  for (const SessionHeader& header : finished)
    for (const DeviceInfo& device : header.devices) {
      Current& current = newest[question_of(header, device)];
      if (header.number > current.session) current = {header.number, device.backend};
    }
  std::vector<Current> points;
  for (const auto& [question, current] : newest) points.push_back(current);
  return points;
}

DeploymentPoint point_of(const SessionRecord& record, const Conclusion& conclusion,
                         const std::string& backend) {
  const SessionHeader& header = record.header;
  DeploymentPoint point;
  point.session = header.number;
  point.measured_at = header.started_at;
  point.model = header.model.name;
  point.model_hash = header.model.hash;
  point.dims = dims_of(header);
  point.backend = spec_of(header, backend);
  point.dtypes = dtypes_of(header, backend);
  point.wishes = asked_wishes(header);
  point.simulated = header.simulated;
  for (const DeviceInfo& device : header.devices)
    if (device.backend == backend) point.device = device.name;
  for (const Verdict& verdict : conclusion.verdicts) {
    if (verdict.backend != backend) continue;
    if (verdict.nothing_fits) point.gap = verdict.nothing_fits->gap;
    const Trial* trial = verdict.trial ? find_trial(conclusion, *verdict.trial) : nullptr;
    if (trial == nullptr) continue;
    point.trial = *trial;
    point.proven = std::all_of(
        trial->limits.begin(), trial->limits.end(),
        [](const LimitVerdict& limit) { return limit.decision == LimitDecision::kept; });
  }
  return point;
}

}  // namespace batchtune
