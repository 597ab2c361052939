#include "tuner/cli/effective_settings.h"

#include <fmt/format.h>

#include <algorithm>

#include "tuner/cli/defaults.h"
#include "tuner/cli/host.h"
#include "tuner/core/unknown.h"
#include "tuner/core/user_batches.h"

namespace batchtune {
namespace {

const char* origin(bool given, const char* option, const char* otherwise = "default") {
  return given ? option : otherwise;
}

// Of --backend, or of what was found for a file.
std::string origin_of_backend(const TuningRequest& request) {
  for (const Setting& setting : request.given)
    if (setting.name == "backend") return setting.origin;
  return "default";
}

template <typename Range, typename Text>
std::string list_of(const Range& range, Text text) {
  std::string list;
  for (const auto& element : range) list += (list.empty() ? "" : ", ") + std::string(text(element));
  return list;
}

std::string_view names_of_dtype(DType dtype) {
  return name_of(dtype);
}

// A number, or the list of those that the groups have.
Value axis_of(const std::vector<Estimate>& estimates, int CandidateGroup::*axis) {
  std::vector<std::int64_t> values;
  for (const Estimate& estimate : estimates)
    if (std::find(values.begin(), values.end(), estimate.group.*axis) == values.end())
      values.push_back(estimate.group.*axis);
  if (values.size() == 1) return values.front();
  return list_of(values, [](std::int64_t value) { return fmt::to_string(value); });
}

// Of all groups, and one of each backend beside it where these do not agree.
std::vector<Setting> dtype_settings(const TuningRequest& request,
                                    const std::vector<OpenDevice>& devices) {
  std::vector<DType> all;
  std::vector<Setting> own;
  for (const OpenDevice& device : devices) {
    const std::vector<DType> dtypes = dtypes_of(request, device);
    for (const DType dtype : dtypes)
      if (std::find(all.begin(), all.end(), dtype) == all.end()) all.push_back(dtype);
    own.push_back({fmt::format("{}.dtype", device.entry->name), list_of(dtypes, names_of_dtype),
                   dtype_origin(request, device)});
  }
  if (own.empty()) return {};
  const bool agree = std::all_of(own.begin(), own.end(), [&](const Setting& setting) {
    return setting.value == own.front().value && setting.origin == own.front().origin;
  });
  std::vector<Setting> settings{{"dtype", list_of(all, names_of_dtype),
                                 agree ? own.front().origin : "each backend's own default"}};
  if (!agree) settings.insert(settings.end(), own.begin(), own.end());
  return settings;
}

std::vector<Setting> device_settings(const TuningRequest& request,
                                     const std::vector<OpenDevice>& devices,
                                     const std::vector<Estimate>& estimates) {
  const CpuShare cpus = cpu_share();
  const auto axis = [&](int CandidateGroup::*member) { return axis_of(estimates, member); };
  const bool alone = axis(&CandidateGroup::instances) == Value(std::int64_t{1});
  std::vector<Setting> settings{
      {"backend", list_of(devices, [](const OpenDevice& device) { return device.spec; }),
       origin_of_backend(request)},
      {"cpus", std::int64_t{cpus.usable}, cpus.origin},
      {"threads", axis(&CandidateGroup::threads),
       !request.threads.empty() ? "--threads"
       : alone                  ? cpus.origin
                                : cpus.origin + ", shared by the instances"},
      {"instances", axis(&CandidateGroup::instances),
       origin(request.auto_instances || !request.instances.empty(), "--instances")},
  };
  const std::vector<Setting> dtypes = dtype_settings(request, devices);
  settings.insert(settings.begin() + 1, dtypes.begin(), dtypes.end());  // behind the backends
  for (const OpenDevice& device : devices)
    for (const auto& [dtype, isa] : device.figures.device.isa_in_use)
      for (const Estimate& estimate : estimates)
        if (estimate.group.dtype == dtype && estimate.group.backend == device.entry->name) {
          settings.push_back({fmt::format("isa.{}", name_of(dtype)), isa,
                              origin(!request.isa.empty(), "--isa", "widest of this CPU")});
          break;
        }
  return settings;
}

const char* batches_origin(const TuningRequest& request) {
  if (!request.compiled_batches.empty()) return "--compiled-batch";
  const bool typed = std::any_of(request.given.begin(), request.given.end(),
                                 [](const Setting& setting) { return setting.name == "batches"; });
  if (!typed && !request.user_batches.empty()) return "those that can serve --user-batches best";
  return origin(typed, "--batches");
}

std::vector<Setting> search_settings(const TuningRequest& request, const SessionHeader& header) {
  const Budget budget = budget_of(request);
  std::vector<Setting> settings{
      {"batches",
       request.batches.empty()
           ? Value(std::string("all from 1"))
           : Value(list_of(request.batches, [](auto b) { return fmt::to_string(b); })),
       batches_origin(request)},
      {"boundary", std::string(name_of(boundary_of(request))),
       origin(request.boundary.has_value(), "--boundary",
              request.memory_limit ? "--memory-limit was given" : "default")},
      {"strategy", header.strategy,
       origin(!request.strategy.empty(), "--strategy",
              request.user_batches.empty() ? "default" : "--user-batches")},
      {"budget", budget.racing, origin(request.budget.has_value(), "--budget")},
      {"probe_budget", budget.probing, origin(request.probe_budget.has_value(), "--probe-budget")},
      {"timeout", timeout_of(request, header.estimates),
       origin(request.timeout.has_value(), "--timeout",
              has_estimates(header) ? timeout_origin(header.estimates)
                                    : "default, since nothing is estimated")},
      {"seed", static_cast<std::int64_t>(seed_of(request)),
       origin(request.seed.has_value(), "--seed")},
      {"limiter", std::string(name_of(limiter_of(request))),
       origin(request.limiter.has_value(), "--limiter")},
      {"verify", request.verify, origin(request.verify, "--verify")},
  };
  if (header.command == "tune")
    settings.push_back({"soak", soak_of(request),
                        origin(request.soak.has_value(), "--soak", "a tenth of --budget")});
  else
    settings.push_back({"stop", stop_rule_of(request), origin(!request.stop.empty(), "--stop")});
  if (!request.split_batches.empty())
    settings.push_back({"user_batches",
                        list_of(request.split_batches, [](auto batch) { return fmt::to_string(batch); }),
                        "--user-batches"});
  if (request.max_batches)
    settings.push_back({"max_batches", std::int64_t{*request.max_batches}, "--max-batches"});
  if (request.allow_system_oom)
    settings.push_back({"allow_system_oom", true, "--allow-system-oom"});
  return settings;
}

std::string price_words(const std::pair<const std::string, double>& price) {
  return fmt::format("{}{}/h", price.first.empty() ? "" : price.first + "=", price.second);
}

std::vector<Setting> wish_settings(const TuningRequest& request, const Wishes& wishes,
                                   const std::string& memory_origin) {
  std::vector<Setting> settings{
      {"memory_limit", wishes.memory_limit ? Value(*wishes.memory_limit) : Value(),
       request.memory_limit ? "--memory-limit" : memory_origin},
      {"objective", std::string(name_of(wishes.objective)),
       origin(request.objective.has_value(), "--objective",
              wishes.user_batches.empty() ? "default" : "--user-batches")},
  };
  if (wishes.objective == Objective::knee)
    settings.push_back(
        {"give_up", wishes.give_up, origin(request.give_up.has_value(), "--give-up")});
  if (wishes.objective == Objective::latency && wishes.throughput_floor)
    settings.push_back({"min_throughput", *wishes.throughput_floor, "--min-throughput"});
  if (wishes.objective == Objective::cost)
    settings.push_back({"price", list_of(wishes.prices, price_words), "--price"});
  settings.push_back(
      {"tolerance", wishes.tolerance, origin(request.tolerance.has_value(), "--tolerance")});
  settings.push_back(
      {"precision", wishes.precision, origin(request.precision.has_value(), "--precision")});
  if (!wishes.user_batches.empty())
    settings.push_back({"user_batches", to_string(wishes.user_batches), "--user-batches"});
  if (!wishes.latency_limits.empty())
    settings.push_back(
        {"latency_limit",
         list_of(wishes.latency_limits, [](const LatencyLimit& limit) { return to_string(limit); }),
         "--latency-limit"});
  return settings;
}

}  // namespace

std::vector<Setting> effective_settings(const TuningRequest& request,
                                        const std::vector<OpenDevice>& devices,
                                        const SessionHeader& header,
                                        const std::string& memory_origin) {
  std::vector<Setting> settings = device_settings(request, devices, header.estimates);
  for (const auto& more :
       {wish_settings(request, header.wishes, memory_origin), search_settings(request, header)})
    settings.insert(settings.end(), more.begin(), more.end());
  return settings;
}

void replace_wish_settings(SessionHeader& header, const TuningRequest& request) {
  std::vector<Setting>& effective = header.settings.effective;
  for (Setting& setting : wish_settings(request, header.wishes, "")) {
    const bool given =
        std::any_of(request.given.begin(), request.given.end(),
                    [&](const Setting& typed) { return typed.name == setting.name; });
    const auto old = std::find_if(effective.begin(), effective.end(),
                                  [&](const Setting& known) { return known.name == setting.name; });
    if (old == effective.end())
      effective.push_back(setting);
    else if (given || old->value != setting.value)  // a mix brings an objective along
      *old = setting;
  }
  const Objective objective = header.wishes.objective;
  std::erase_if(effective, [&](const Setting& known) {
    return (known.name == "give_up" && objective != Objective::knee) ||
           (known.name == "min_throughput" && objective != Objective::latency) ||
           (known.name == "price" && objective != Objective::cost);
  });
}

}  // namespace batchtune
