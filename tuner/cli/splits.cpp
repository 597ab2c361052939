#include "tuner/cli/splits.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "tuner/backend/backend_list.h"
#include "tuner/backend/neuron/options.h"
#include "tuner/cli/defaults.h"
#include "tuner/cli/host.h"
#include "tuner/cli/neuron_request.h"

namespace batchtune {
namespace {

std::vector<int> divisors_of(int number) {
  std::vector<int> divisors;
  for (int divisor = 1; divisor <= number; ++divisor)
    if (number % divisor == 0) divisors.push_back(divisor);
  return divisors;
}

std::vector<int> instances_of(const TuningRequest& request, int room) {
  if (!request.instances.empty()) return request.instances;
  if (!request.threads.empty() && !request.auto_instances) return {1};
  return divisors_of(std::max(1, room));
}

// Its instances take no CPUs: they wait for the device.
bool is_neuron(const BackendEntry& backend) {
  return backend.name == std::string_view(neuron::kName);
}

bool is_used(const std::vector<Split>& splits, int Split::*axis, int value) {
  return std::any_of(splits.begin(), splits.end(),
                     [&](const Split& split) { return split.*axis == value; });
}

}  // namespace

std::string to_string(const Split& split) {
  return fmt::format("{} x {} thread{}", split.instances, split.threads,
                     split.threads == 1 ? "" : "s");
}

std::vector<Split> splits_of(const TuningRequest& request, int cpus, int most) {
  std::vector<Split> splits;
  const auto add = [&](Split split) {
    if (split.cpus() <= most) splits.push_back(split);
  };
  if (request.threads.empty())
    for (const int instances : instances_of(request, cpus))
      add({instances, std::max(1, cpus / instances)});
  for (const int threads : request.threads)
    for (const int instances : instances_of(request, cpus / threads)) add({instances, threads});
  return splits;
}

std::vector<Split> splits_of(const TuningRequest& request, bool simulated) {
  const int cpus = cpu_share().usable;
  return splits_of(request, cpus, simulated ? std::numeric_limits<int>::max() : cpus);
}

std::vector<Split> splits_of(const TuningRequest& request, const BackendEntry& backend) {
  if (is_neuron(backend)) return neuron_splits(request);
  std::vector<Split> splits = splits_of(request, backend.simulated);
  if (backend.one_instance && request.instances.empty())
    std::erase_if(splits, [](const Split& split) { return split.instances != 1; });
  return splits;
}

Status check_splits(const TuningRequest& request) {
  const CpuShare cpus = cpu_share();
  const auto specs = backends_of(request);
  if (std::all_of(specs.begin(), specs.end(), [](const std::string& spec) {
        const BackendEntry& backend = *find_backend(split_backend_spec(spec).name);
        return backend.simulated || is_neuron(backend);
      }))
    return {};
  const std::vector<Split> fitting = splits_of(request, false);
  for (const Split& wanted : splits_of(request, true)) {
    const bool idle_threads =
        !request.threads.empty() && !is_used(fitting, &Split::threads, wanted.threads);
    if (idle_threads || !is_used(fitting, &Split::instances, wanted.instances))
      return bad_input(fmt::format("at most {} threads in all ({})", cpus.usable, cpus.origin),
                       to_string(wanted), "--threads, --instances");
  }
  return {};
}

}  // namespace batchtune
