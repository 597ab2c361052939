#include "tuner/measure/solo_worker.h"

#include <algorithm>
#include <chrono>
#include <limits>
#include <utility>

#include "tuner/measure/racing_worker.h"
#include "tuner/measure/worker_process.h"

namespace batchtune {
namespace {

using namespace protocol;

constexpr TrialId kOnlyProgram = 1;
constexpr int kOnlyLoad = 1;

LimiterKind limiter_for(MemoryKind kind, bool limited) {
  if (!limited) return LimiterKind::none;
  return kind == MemoryKind::account ? LimiterKind::account : LimiterKind::rlimit;
}

Load load_request(const MeasuredBackend& backend, const std::string& model_json, const Probe& probe,
                  std::uint64_t seed) {
  Load request{kOnlyLoad, model_json,
               load_options(backend, probe.candidate.group, backend.parameters, seed), std::nullopt,
               false};
  if (probe.limiter == LimiterKind::account) {
    request.options.account_limit = probe.limit;
    // Only the net below the account: a backend that forgot to account something is caught by it.
    const CandidateGroup& group = probe.candidate.group;
    const Bytes slack = kAddressSpaceSlack + kThreadStack * group.threads * group.instances;
    request.address_space =
        std::min(*probe.limit, std::numeric_limits<Bytes>::max() - slack) + slack;
    request.limit_after_loading = true;
  } else {
    request.address_space = probe.limit;
  }
  return request;
}

// The answer of the expected type; an Error when the backend cannot be had; else the probe's ending
// is set.
template <typename Answer>
Result<std::optional<Answer>> ask(WorkerProcess& worker, const Request& request, Seconds timeout,
                                  Probe& probe) {
  worker.send(request);
  auto reply = worker.receive(timeout);
  if (!reply) {
    probe.ending = reply.error();
    return std::optional<Answer>();
  }
  if (const auto* refused = std::get_if<Refused>(&*reply)) return tl::unexpected(refused->error);
  auto* answer = std::get_if<Answer>(&*reply);
  if (answer == nullptr) {
    probe.ending = worker.out_of_step();
    return std::optional<Answer>();
  }
  probe.ending = answer->ending;
  return std::optional<Answer>(std::move(*answer));
}

}  // namespace

Result<Probe> probe_alone(const MeasuredBackend& backend, const std::string& model_json,
                          const ProbeRequest& request, std::uint64_t seed, Seconds timeout) {
  const auto& [candidate, limit, soak] = request;
  Probe probe;
  probe.candidate = candidate;
  probe.limit = limit;
  probe.soak = soak;
  probe.limiter = limiter_for(backend.memory_kind, limit.has_value());
  const auto start = std::chrono::steady_clock::now();
  BT_TRY(worker, WorkerProcess::start(backend_spec(backend)));

  const Load load = load_request(backend, model_json, probe, seed);
  BT_TRY(loaded, ask<Loaded>(*worker, load, timeout, probe));
  if (loaded) probe.seconds += loaded->load_seconds;
  if (probe.ending.status == TrialStatus::ok) {
    const Prepare prepare{kOnlyLoad, kOnlyProgram, candidate, /*check=*/false};
    BT_TRY(prepared, ask<Prepared>(*worker, prepare, timeout, probe));
    if (prepared) {
      probe.seconds += prepared->spent;
      probe.memory = prepared->memory;
    }
  }
  if (worker->ended())
    probe.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return probe;
}

}  // namespace batchtune
