#include "tuner/measure/solo_worker.h"

#include <algorithm>
#include <memory>
#include <utility>
#include <variant>

#include "tuner/core/stopwatch.h"
#include "tuner/measure/racing_worker.h"
#include "tuner/measure/solo_questions.h"
#include "tuner/measure/worker_process.h"

namespace batchtune {
namespace {

using namespace protocol;

// As the worker reports it: a value when it is in force.
constexpr char kAddressSpaceSetting[] = "worker.rlimit_as";
constexpr char kSpilled[] = "it needs more memory than the limit";
constexpr char kSwapped[] = "it needs more memory than this machine has free";
// Of a process that waits for a while the kernel takes some pages that it will not miss: the start
// of a runtime, what was read once.
constexpr double kUnmissed = 0.01;  // of its peak
constexpr Bytes kLeastSwapped = Bytes{1} << 20;
// A start reads some dozen MiB of code and libraries, 64 KiB or more at a fault.
constexpr std::int64_t kManyFaults = 1000;

// The answer of the expected type; an Error when the backend cannot be had; else the probe's ending
// is set.
template <typename Answer>
Result<std::optional<Answer>> ask(WorkerProcess& worker, const Request& request, Seconds timeout,
                                  Probe& probe) {
  BT_TRY(answer, ask<Answer>(worker, request, timeout));
  probe.ending = answer ? answer->ending : answer.error();
  if (!answer) return std::optional<Answer>();
  return std::optional<Answer>(std::move(*answer));
}

// Sanitizer builds cannot keep one: then nothing is, and the peak is looked at afterwards.
bool keeps_address_space(const LoadReport& report) {
  const auto& settings = report.effective;
  return std::any_of(settings.begin(), settings.end(), [](const Setting& setting) {
    return setting.name == kAddressSpaceSetting &&
           !std::holds_alternative<std::monostate>(setting.value);
  });
}

// Load, prepare and first run, soak: until one of them ends otherwise than ok.
Status run(WorkerProcess& worker, const Load& load, const SoloOptions& options, Probe& probe) {
  BT_TRY(loaded, ask<Loaded>(worker, load, options.timeout, probe));
  if (loaded) probe.seconds += loaded->load_seconds;
  if (loaded && probe.limiter == LimiterKind::rlimit && !keeps_address_space(loaded->report))
    probe.limiter = LimiterKind::none;
  if (probe.ending.status != TrialStatus::ok) return {};
  Prepare prepare{kOnlyLoad, kOnlyProgram, probe.candidate};
  prepare.check = false;
  BT_TRY(prepared, ask<Prepared>(worker, prepare, options.timeout, probe));
  if (prepared) {
    probe.seconds += prepared->spent;
    probe.memory = prepared->memory;
    if (prepared->first_run) ++probe.runs;
  }
  if (probe.ending.status != TrialStatus::ok || probe.soak <= 0) return {};
  BT_TRY(soaked, ask<Soaked>(worker, Soak{kOnlyProgram, probe.soak}, options.timeout, probe));
  if (soaked) {
    probe.seconds += soaked->spent;
    probe.runs += soaked->runs;
  }
  return {};
}

// Of the process itself while it lives: a cgroup counts cached files as well, which it would give
// back, and the system's figure for a process that is gone what its parent held at its start.
void read_memory(const WorkerProcess& worker, const MemoryLimiter& limiter, Probe& probe) {
  if (!worker.ended()) {
    const ProcessMemory memory = read_process_memory(worker.pid());
    probe.peak_resident = memory.peak_resident;
    probe.spill = memory.spill;
  } else if (const auto peak = limiter.peak()) {
    probe.peak_resident = peak;
  } else if (worker.peak_resident() > 0) {
    probe.peak_resident = worker.peak_resident();
  }
}

struct Try {
  Probe probe;
  bool unexplained = false;  // killed for no reason that could be seen
};

Result<Try> try_once(const MeasuredBackend& backend, const std::string& model_json,
                     const ProbeRequest& request, const SoloOptions& options) {
  Try result;
  Probe& probe = result.probe;
  probe.candidate = request.candidate;
  probe.limit = request.limit;
  probe.soak = request.soak;
  BT_TRY(limiter, make_limiter(options.limiter, backend.memory_kind, request.limit,
                               options.cgroup_root, options.proc_root));
  probe.limiter = limiter->kind();
  const Stopwatch stopwatch;
  WorkerStart setup{backend_spec(backend)};
  setup.limiter = limiter.get();
  setup.proc_root = options.proc_root;
  setup.clean_up = backend.clean_up;
  BT_TRY(worker, WorkerProcess::start(std::move(setup)));

  Load load{kOnlyLoad, model_json,
            load_options(backend, probe.candidate.group, backend.parameters, options.seed),
            std::nullopt, false};
  limiter->limit(load);
  BT_TRY_VOID(run(*worker, load, options, probe));
  read_memory(*worker, *limiter, probe);
  if (const Judgement* judgement = worker->judgement()) {
    probe.seconds = stopwatch.seconds();
    probe.killed = judgement->killed;
    result.unexplained = judgement->unexplained;
  } else if (probe.ending.status == TrialStatus::ok) {
    probe.ending = judge_spill(probe);
  }
  return result;
}

Ending judge_device_memory(const Probe& probe) {
  if (!probe.limit || !probe.memory || probe.memory->total() <= *probe.limit) return probe.ending;
  return {TrialStatus::out_of_memory, "it needs more of the device's memory than the limit",
          "device: " + format_bytes(static_cast<double>(probe.memory->total())) + " of " +
              format_bytes(static_cast<double>(*probe.limit)),
          "device"};
}

}  // namespace

Ending judge_spill(const Probe& probe) {
  if (probe.limiter == LimiterKind::account) return probe.ending;
  if (probe.limiter == LimiterKind::device) return judge_device_memory(probe);
  const auto bytes = [](Bytes count) { return format_bytes(static_cast<double>(count)); };
  const auto unmissed =
      static_cast<Bytes>(kUnmissed * static_cast<double>(probe.peak_resident.value_or(0)));
  if (probe.spill && probe.spill->swapped > std::max(kLeastSwapped, unmissed))
    return {TrialStatus::out_of_memory, probe.limit ? kSpilled : kSwapped,
            "spill: " + bytes(probe.spill->swapped) + " of it went to swap, " +
                std::to_string(probe.spill->major_faults) + " major faults",
            "host"};
  if (probe.limit && probe.limiter == LimiterKind::none && probe.peak_resident > *probe.limit)
    return {TrialStatus::out_of_memory, kSpilled,
            "spill: peak resident " + bytes(*probe.peak_resident) + " of " + bytes(*probe.limit) +
                ", which nothing enforced",
            "host"};
  Ending ending = probe.ending;
  if (probe.spill && probe.spill->major_faults >= kManyFaults && ending.evidence.empty())
    ending.evidence = "spill: " + std::to_string(probe.spill->major_faults) +
                      " major faults: pages were read from disk, which files at first use do too";
  return ending;
}

Result<Probe> probe_alone(const MeasuredBackend& backend, const std::string& model_json,
                          const ProbeRequest& request, const SoloOptions& options) {
  BT_TRY(first, try_once(backend, model_json, request, options));
  if (!first.unexplained) return std::move(first.probe);
  BT_TRY(second, try_once(backend, model_json, request, options));
  second.probe.killed = true;
  second.probe.seconds += first.probe.seconds;
  return std::move(second.probe);
}

}  // namespace batchtune
