#include "tuner/cli/session_plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "tuner/backend/backend_list.h"
#include "tuner/cli/host.h"
#include "tuner/cli/kernel_notes.h"
#include "tuner/cli/reference_backend.h"
#include "tuner/cli/timestamp.h"
#include "tuner/cli/wish_settings.h"
#include "tuner/estimate/roofline.h"
#include "tuner/workload/model_file.h"
#include "tuner/workload/work.h"

namespace batchtune {
namespace {

// A run that takes 20 times what was estimated is taken to hang, but nothing below a minute is.
constexpr Seconds kLeastTimeout = 60;
constexpr double kTimeoutOverEstimate = 20;

constexpr std::uint64_t kDefaultSeed = 1;

const char* origin(bool given, const char* option, const char* otherwise = "default") {
  return given ? option : otherwise;
}

struct MemoryLimit {
  Bytes limit = 0;
  std::string origin;
};

// A device with memory of its own is limited by that; the CPU shares the machine's.
MemoryLimit default_memory_limit(const std::vector<OpenDevice>& devices) {
  const bool all_simulated =
      std::all_of(devices.begin(), devices.end(),
                  [](const OpenDevice& device) { return device.entry->simulated; });
  if (all_simulated && devices.front().figures.device.memory_bytes)
    return {static_cast<Bytes>(*devices.front().figures.device.memory_bytes), "device memory"};
  const MemoryShare share = memory_share();
  return {share.limit, share.origin};
}

int instances_of(const TuningRequest& request) {
  return request.instances.value_or(1);
}

std::vector<int> threads_of(const TuningRequest& request) {
  if (!request.threads.empty()) return request.threads;
  return {std::max(1, cpu_share().usable / instances_of(request))};
}

std::vector<std::string> specs_of(const TuningRequest& request) {
  return request.backends.empty() ? std::vector<std::string>{"cpu"} : request.backends;
}

// More threads than CPUs measure the scheduler; a simulated device has as many as it likes.
Status check_threads(const TuningRequest& request) {
  const CpuShare cpus = cpu_share();
  for (const std::string& spec : specs_of(request)) {
    if (find_backend(split_backend_spec(spec).name)->simulated) continue;
    for (const int threads : threads_of(request))
      if (threads * instances_of(request) > cpus.usable)
        return bad_input(fmt::format("at most {} threads in all ({})", cpus.usable, cpus.origin),
                         fmt::format("{} x {} threads", instances_of(request), threads),
                         "--threads, --instances");
  }
  return {};
}

std::vector<CandidateGroup> groups_of(const TuningRequest& request, const Model& model,
                                      const std::vector<OpenDevice>& devices) {
  const std::vector<DType> dtypes =
      request.dtypes.empty() ? std::vector{DType::f32} : request.dtypes;
  std::vector<CandidateGroup> groups;
  for (const OpenDevice& device : devices)
    for (const DType dtype : dtypes)
      for (const int threads : threads_of(request))
        groups.push_back({device.entry->name, dtype, threads, instances_of(request), model.dims});
  return groups;
}

Result<std::vector<Estimate>> estimates_of(const TuningRequest& request, const Model& model,
                                           const std::vector<OpenDevice>& devices,
                                           const Wishes& wishes) {
  EstimateOptions options;
  options.give_up = wishes.give_up;
  options.batches = request.batches;
  options.memory_limit = static_cast<double>(*wishes.memory_limit);
  std::vector<Estimate> estimates;
  for (const CandidateGroup& group : groups_of(request, model, devices)) {
    const auto device = std::find_if(devices.begin(), devices.end(), [&](const OpenDevice& open) {
      return open.entry->name == group.backend;
    });
    BT_TRY(estimate,
           estimate_model(model, device->at(group.threads * group.instances), group, options));
    estimates.push_back(std::move(estimate));
  }
  return estimates;
}

BoundaryWish boundary_of(const TuningRequest& request) {
  return request.boundary.value_or(request.memory_limit ? BoundaryWish::probed
                                                        : BoundaryWish::predicted);
}

Seconds timeout_of(const TuningRequest& request, const std::vector<Estimate>& estimates) {
  Seconds longest = 0;
  for (const Estimate& estimate : estimates)
    for (const PointEstimate& point : estimate.curve)
      if (point.batch <= estimate.batch) longest = std::max(longest, point.latency);
  return request.timeout.value_or(std::max(kLeastTimeout, kTimeoutOverEstimate * longest));
}

std::string strategy_of(const TuningRequest& request) {
  return request.strategy.empty() ? std::string(strategies().front().name) : request.strategy;
}

template <typename Range, typename Text>
std::string list_of(const Range& range, Text text) {
  std::string list;
  for (const auto& element : range) list += (list.empty() ? "" : ", ") + std::string(text(element));
  return list;
}

std::vector<Setting> device_settings(const TuningRequest& request,
                                     const std::vector<OpenDevice>& devices,
                                     const std::vector<Estimate>& estimates) {
  const CandidateGroup& group = estimates.front().group;
  const CpuShare cpus = cpu_share();
  const Value threads =
      request.threads.size() > 1
          ? Value(list_of(request.threads, [](int n) { return fmt::to_string(n); }))
          : Value(std::int64_t{group.threads});
  std::vector<Setting> settings{
      {"backend", list_of(devices, [](const OpenDevice& device) { return device.spec; }),
       origin(!request.backends.empty(), "--backend")},
      {"dtype",
       request.dtypes.empty() ? std::string("f32")
                              : list_of(request.dtypes, [](DType d) { return name_of(d); }),
       origin(!request.dtypes.empty(), "--dtype")},
      {"cpus", std::int64_t{cpus.usable}, cpus.origin},
      {"threads", threads, request.threads.empty() ? cpus.origin : "--threads"},
      {"instances", std::int64_t{group.instances},
       origin(request.instances.has_value(), "--instances")},
  };
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

std::vector<Setting> search_settings(const TuningRequest& request,
                                     const std::vector<Estimate>& estimates) {
  const Budget budget;
  return {
      {"batches",
       request.batches.empty()
           ? Value(std::string("all from 1"))
           : Value(list_of(request.batches, [](auto b) { return fmt::to_string(b); })),
       origin(!request.batches.empty(), "--batches")},
      {"boundary", std::string(name_of(boundary_of(request))),
       origin(request.boundary.has_value(), "--boundary",
              request.memory_limit ? "--memory-limit was given" : "default")},
      {"strategy", strategy_of(request), origin(!request.strategy.empty(), "--strategy")},
      {"budget", request.budget.value_or(budget.racing),
       origin(request.budget.has_value(), "--budget")},
      {"probe_budget", request.probe_budget.value_or(budget.probing),
       origin(request.probe_budget.has_value(), "--probe-budget")},
      {"timeout", timeout_of(request, estimates),
       origin(request.timeout.has_value(), "--timeout",
              "the longer of 60 s and 20 x the estimate")},
      {"seed", static_cast<std::int64_t>(request.seed.value_or(kDefaultSeed)),
       origin(request.seed.has_value(), "--seed")},
  };
}

// The backends of a request with what their loading needs.
Result<std::vector<MeasuredBackend>> measured_backends(const TuningRequest& request,
                                                       const Store& store) {
  std::vector<MeasuredBackend> measured;
  for (const std::string& spec : specs_of(request)) {
    const auto [name, parameters] = split_backend_spec(spec);
    const BackendEntry* backend = find_backend(name);
    BT_TRY(proven, proven_kernels(store, *backend));
    measured.push_back({name, parameters, backend->memory_kind, request.isa, std::move(proven)});
  }
  return measured;
}

}  // namespace

Result<std::vector<OpenDevice>> open_devices(const TuningRequest& request, Store& store,
                                             bool quiet) {
  std::vector<OpenDevice> devices;
  BT_TRY_VOID(check_threads(request));
  for (const std::string& spec : specs_of(request)) {
    BT_TRY(device, open_device(spec, request.isa, store, quiet));
    devices.push_back(std::move(device));
  }
  return devices;
}

Result<SessionHeader> make_header(const TuningRequest& request, const Model& model,
                                  const std::vector<OpenDevice>& devices, const Store& store,
                                  const std::string& command) {
  SessionHeader header;
  const MemoryLimit memory = default_memory_limit(devices);
  header.wishes.memory_limit = memory.limit;
  header.wishes = wishes_of(request, header.wishes);
  BT_TRY(estimates, estimates_of(request, model, devices, header.wishes));
  header.estimates = std::move(estimates);
  header.uuid = random_uuid();
  header.database = store.path();
  header.command = command;
  header.started_at = utc_now();
  header.seed = request.seed.value_or(kDefaultSeed);
  header.strategy = command == "tune" ? strategy_of(request) : "exhaustive";
  header.model = summarise(model);
  header.model_json = write_model(model);
  header.environment = environment_snapshot();
  for (const OpenDevice& device : devices) {
    header.devices.push_back(device.figures.device);
    header.simulated |= device.entry->simulated;
  }
  if (!header.simulated) header.reference_hash = reference_hash();
  header.revision = request.revision;
  header.branch = request.branch;
  header.label = request.label;
  header.settings.requested = request.given;
  header.settings.effective = device_settings(request, devices, header.estimates);
  for (auto more : {wish_settings(request, header.wishes, memory.origin),
                    search_settings(request, header.estimates)})
    header.settings.effective.insert(header.settings.effective.end(), more.begin(), more.end());
  return header;
}

Result<SessionPlan> make_plan(const TuningRequest& request, const Model& model,
                              const SessionHeader& header, const Store& store) {
  SessionPlan plan;
  Problem& problem = plan.problem;
  problem.groups = header.estimates;
  problem.batches = request.batches;
  if (!request.batches.empty())
    problem.largest_batch = std::max(problem.largest_batch, request.batches.back());
  problem.wishes = header.wishes;
  problem.budget.racing = request.budget.value_or(problem.budget.racing);
  problem.budget.probing = request.probe_budget.value_or(problem.budget.probing);
  problem.boundary = boundary_of(request);

  WorkerMeasurerOptions& measuring = plan.measuring;
  measuring.model = model;
  BT_TRY(measured, measured_backends(request, store));
  measuring.backends = std::move(measured);
  measuring.seed = header.seed;
  measuring.timeout = timeout_of(request, header.estimates);
  if (!header.reference_hash.empty())
    for (const Estimate& estimate : header.estimates)
      measuring.reference_threads =
          std::max(measuring.reference_threads, estimate.group.threads * estimate.group.instances);
  problem.memory_is_exact = std::all_of(
      measuring.backends.begin(), measuring.backends.end(),
      [](const MeasuredBackend& backend) { return backend.memory_kind == MemoryKind::account; });
  return plan;
}

std::unique_ptr<Strategy> make_strategy(const SessionHeader& header, const Problem& problem) {
  for (const StrategyEntry& entry : strategies())
    if (entry.name == header.strategy) return entry.create(problem, header.seed);
  return nullptr;  // parse_tuning has checked the name
}

}  // namespace batchtune
