#include "tuner/cli/session_plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

#include "tuner/backend/backend_list.h"
#include "tuner/backend/command/command_backend.h"
#include "tuner/backend/simulated/simulated.h"
#include "tuner/cli/ceilings.h"
#include "tuner/cli/compile_limits.h"
#include "tuner/cli/corrections.h"
#include "tuner/cli/defaults.h"
#include "tuner/cli/effective_settings.h"
#include "tuner/cli/equal_settings.h"
#include "tuner/cli/host.h"
#include "tuner/cli/input_file.h"
#include "tuner/cli/kernel_notes.h"
#include "tuner/cli/neuron_request.h"
#include "tuner/cli/quiet_notes.h"
#include "tuner/cli/reference_backend.h"
#include "tuner/cli/splits.h"
#include "tuner/cli/timestamp.h"
#include "tuner/cli/user_batches.h"
#include "tuner/cli/wish_request.h"
#include "tuner/estimate/correction.h"
#include "tuner/estimate/roofline.h"
#include "tuner/search/boundary.h"
#include "tuner/workload/model_file.h"
#include "tuner/workload/work.h"

namespace batchtune {
namespace {

std::vector<Split> splits_of(const TuningRequest& request, const OpenDevice& device) {
  const bool accelerator = device.entry->simulated &&
                           names_accelerator(split_backend_spec(device.spec).parameters);
  return accelerator ? neuron_splits(request) : splits_of(request, *device.entry);
}

std::vector<CandidateGroup> groups_of(const TuningRequest& request, const Model& model,
                                      const std::vector<OpenDevice>& devices) {
  std::vector<CandidateGroup> groups;
  for (const OpenDevice& device : devices)
    for (const DType dtype : dtypes_of(request, device))
      for (const Split& split : splits_of(request, device))
        for (const CompilerVariant& variant : variants_of(request, device.entry->name))
          groups.push_back({device.entry->name, dtype, split.threads, split.instances, model.dims,
                            split.cores, variant.name});
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
           estimate_model(model, at_cores(device->at(group.threads * group.instances), group.cores),
                          group, options));
    estimates.push_back(std::move(estimate));
  }
  return estimates;
}

std::vector<CandidateGroup> groups_in(const SessionHeader& header) {
  std::vector<CandidateGroup> groups;
  for (const Estimate& estimate : header.estimates) groups.push_back(estimate.group);
  return groups;
}

std::vector<std::string> backend_names(const TuningRequest& request) {
  std::vector<std::string> names;
  for (const std::string& spec : backends_of(request))
    names.push_back(split_backend_spec(spec).name);
  return names;
}

// Where not asked for: our own kernels must agree; a runtime or plugin computes as it sees fit; a simulated device not at all.
OutputCheck output_check_of(const TuningRequest& request, const BackendEntry& backend) {
  if (backend.simulated) return OutputCheck::off;
  if (request.check_outputs) return *request.check_outputs;
  const bool own = backend.memory_kind == MemoryKind::account && !is_plugin(backend);
  return own ? OutputCheck::strict : OutputCheck::warn;
}

// Commands have something to be done behind them, whatever became of the worker that ran them.
CleanUp clean_up_of(const BackendEntry& backend) {
  if (backend.create != command::create_backend) return {};
  return [](const protocol::Load& load) {
    if (const auto model = parse_model(load.model_json, "the model"))
      command::clean_up(*model, load.options);
  };
}

// The backends of a request with what their loading needs.
Result<std::vector<MeasuredBackend>> measured_backends(const TuningRequest& request,
                                                       const Store& store) {
  std::vector<MeasuredBackend> measured;
  for (const std::string& spec : backends_of(request)) {
    const auto [name, parameters] = split_backend_spec(spec);
    const BackendEntry* backend = find_backend(name);
    BT_TRY(proven, proven_kernels(store, *backend));
    measured.push_back({name, parameters, backend->memory_kind, request.isa, std::move(proven),
                        output_check_of(request, *backend), request.input, clean_up_of(*backend)});
    for (const CompilerVariant& variant : variants_of(request, name))
      measured.back().variants[variant.name] = variant.arguments;
  }
  return measured;
}

// Depends on the moment, so a resumed session takes what it was started with.
std::optional<Bytes> stored_safe_memory(const SessionHeader& header) {
  for (const Setting& setting : header.settings.effective)
    if (const auto* bytes = std::get_if<std::int64_t>(&setting.value);
        bytes && setting.name == kSafeMemorySetting)
      return *bytes;
  return std::nullopt;
}

// Of the memory that is available now, the half: the other is for solo workers and everybody else.
// Of a device's own, which racing has for itself, what is surely not taken by its runtime.
Bytes racing_memory(const std::vector<MeasuredBackend>& backends, Bytes limit) {
  const bool own = std::all_of(backends.begin(), backends.end(), [](const MeasuredBackend& each) {
    return each.memory_kind == MemoryKind::device;
  });
  constexpr Bytes kOfTen = 8;
  return own ? limit / 10 * kOfTen : memory_share().available / 2;
}

}  // namespace

Status check_request(const TuningRequest& request) {
  BT_TRY_VOID(check_splits(request));
  BT_TRY_VOID(check_memory_limit(request));
  return check_wishes(request, wishes_of(request, {}), backend_names(request));
}

Result<std::vector<OpenDevice>> open_devices(const TuningRequest& request, Store& store,
                                             bool quiet) {
  std::vector<OpenDevice> devices;
  BT_TRY_VOID(check_request(request));
  for (const std::string& spec : backends_of(request)) {
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
  header.seed = seed_of(request);
  header.strategy = command == "tune" ? strategy_of(request) : "exhaustive";
  header.model = summarise(model);
  header.model_json = write_model(model);
  header.environment = environment_snapshot();
  for (const OpenDevice& device : devices) {
    if (const auto plugin = plugin_of(device.spec))
      header.environment.emplace_back(
          "plugin." + plugin->name, plugin->path + ", " + device.figures.device.version);
    header.devices.push_back(device.figures.device);
    header.simulated |= device.entry->simulated;
  }
  if (!header.simulated) header.reference_hash = reference_hash();
  header.revision = request.revision;
  header.branch = request.branch;
  header.label = request.label;
  header.settings.requested = request.given;
  std::vector<Setting>& effective = header.settings.effective;
  effective = effective_settings(request, devices, header, memory.origin);
  const std::vector<Setting> compiling = compile_settings(request, header);
  effective.insert(effective.end(), compiling.begin(), compiling.end());
  BT_TRY(input, input_settings(request, model));
  effective.insert(effective.end(), input.begin(), input.end());
  const std::vector<Setting> levelled = levelled_settings(request);
  effective.insert(effective.end(), levelled.begin(), levelled.end());
  if (const auto safe = safe_memory(request, *header.wishes.memory_limit))
    effective.push_back({std::string(kSafeMemorySetting), *safe, "80 % of available memory"});
  if (boundary_of(request) == BoundaryWish::probed) {
    BT_TRY(ceilings, known_ceilings(store, backends_of(request), header));
    effective.insert(effective.end(), ceilings.begin(), ceilings.end());
  }
  if (command == "tune") {
    BT_TRY(corrections, known_corrections(store, backends_of(request), header));
    effective.insert(effective.end(), corrections.begin(), corrections.end());
  }
  return header;
}

Result<SessionPlan> make_plan(const TuningRequest& request, const Model& model,
                              const SessionHeader& header, const Store& store) {
  SessionPlan plan;
  plan.backends = backends_of(request);
  Problem& problem = plan.problem;
  problem.groups = corrected_estimates(header);
  problem.batches = request.batches;
  problem.candidates = split_candidates(request, groups_in(header));
  if (!request.batches.empty())
    problem.largest_batch = std::max(problem.largest_batch, request.batches.back());
  problem.wishes = header.wishes;
  problem.budget = budget_of(request);
  problem.boundary = boundary_of(request);
  problem.stop_rule = stop_rule_of(request);
  problem.most_batches = request.max_batches.value_or(0);
  apply_compile_settings(header.settings.effective, problem);
  problem.ceilings = ceilings_of(header);
  problem.safe_memory = stored_safe_memory(header);
  problem.soak = header.command == "tune" ? soak_of(request) : 0;

  WorkerMeasurerOptions& measuring = plan.measuring;
  measuring.model = model;
  BT_TRY(measured, measured_backends(request, store));
  measuring.backends = std::move(measured);
  plan.programs = std::make_unique<SessionPrograms>(header.uuid);
  for (MeasuredBackend& backend : measuring.backends)
    if (find_backend(backend.name)->simulated)
      backend.parameters = plan.programs->with_folder(backend.parameters);
  measuring.seed = header.seed;
  measuring.timeout = timeout_of(request, header.estimates);
  measuring.reference_threads = reference_cpus(header);
  measuring.limiter = limiter_of(request);
  measuring.verify = request.verify;
  if (header.simulated) return plan;
  measuring.programs_memory = racing_memory(measuring.backends, *header.wishes.memory_limit);
  const std::vector<int> watched = canary_cpus();
  measuring.canary_cpus = static_cast<int>(watched.size());
  BT_TRY(quiet, known_quiet_levels(store, watched));
  measuring.quiet = std::move(quiet);
  return plan;
}

std::unique_ptr<Strategy> make_strategy(const SessionHeader& header, const Problem& problem) {
  for (const StrategyEntry& entry : strategies())
    if (entry.name == header.strategy) return entry.create(problem, header.seed);
  return nullptr;  // parse_tuning has checked the name
}

}  // namespace batchtune
