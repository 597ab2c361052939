#include "tuner/backend/simulated/costs.h"

#include <algorithm>

#include "tuner/backend/simulated/accelerator_cost.h"
#include "tuner/backend/simulated/cost.h"

namespace batchtune::simulated {
namespace {

constexpr char kPlain[] = "plain";

DeviceInfo plain_description(const Parameters& parameters) {
  DeviceInfo device;
  device.name = "simulated device";
  device.backend = "simulated";
  device.version = "1";
  for (const DType dtype : kDTypes) {
    const double speedup = 4.0 / static_cast<double>(size_of(dtype));
    device.peaks.push_back(
        {dtype, "", parameters.rate * speedup, FigureOrigin::catalogue, "simulated"});
  }
  device.memory_levels.push_back({"DRAM", static_cast<double>(parameters.wall),
                                  parameters.rate / kFlopsPerWeightByte, FigureOrigin::catalogue,
                                  "simulated"});
  device.memory_bytes = static_cast<double>(parameters.wall);
  device.simulated = true;
  device.compiles_elsewhere = parameters.compiles();
  return device;
}

std::string names_of_dtypes(const Accelerator& device) {
  std::string names;
  for (const Arithmetic& one : device.arithmetic)
    names += (names.empty() ? "" : ", ") + std::string(name_of(one.dtype));
  return names;
}

double slowness(const Candidate& candidate, const Parameters& parameters) {
  return candidate.batch == parameters.slow.batch ? parameters.slow.factor : 1;
}

}  // namespace

// The plain device's run_seconds() has its slow batch in it.
Costs costs_of(const Model& model, const Candidate& candidate, const Parameters& parameters) {
  Costs costs;
  for (int instance = 0; instance < candidate.group.instances; ++instance) {
    const Seconds run = parameters.accelerator
                            ? slowness(candidate, parameters) *
                                  run_seconds(model, candidate, instance, *parameters.accelerator)
                            : run_seconds(model, candidate, parameters);
    costs.runs.push_back(run * unevenness(instance, parameters));
  }
  costs.layers = parameters.accelerator ? layer_seconds(model, candidate, *parameters.accelerator)
                                        : layer_seconds(model, candidate, parameters);
  return costs;
}

MemoryUse account_of(const Model& model, const Candidate& candidate, const Parameters& parameters) {
  return parameters.accelerator ? memory_of(model, candidate, *parameters.accelerator)
                                : memory_of(model, candidate);
}

Bytes wall_of(const CandidateGroup& group, const Parameters& parameters) {
  return parameters.accelerator ? wall_of(*parameters.accelerator, group.cores) : parameters.wall;
}

Bytes said_memory_of(const CandidateGroup& group, const Parameters& parameters) {
  const Bytes wall = wall_of(group, parameters);
  return parameters.accelerator
             ? std::max(wall, static_cast<Bytes>(parameters.accelerator->said_memory))
             : wall;
}

Seconds load_seconds(const Model& model, DType dtype, const Parameters& parameters) {
  if (!parameters.accelerator) return parameters.load;
  return parameters.load +
         static_cast<double>(weights_of(model, dtype)) / parameters.accelerator->load_rate;
}

std::optional<Seconds> compile_seconds(const Model& model, const Candidate& candidate,
                                       const Parameters& parameters) {
  if (parameters.compile) return parameters.compile;
  if (!parameters.accelerator) return std::nullopt;
  return compile_seconds(model, candidate, *parameters.accelerator);
}

std::string why_unsupported(const CandidateGroup& group, const Parameters& parameters) {
  if (!parameters.accelerator)
    return group.cores == 1 ? "" : "the simulated device has no cores to choose from";
  const Accelerator& device = *parameters.accelerator;
  if (arithmetic_of(device, group.dtype) == nullptr)
    return "the simulated " + device.name + " computes in " + names_of_dtypes(device) + ", not in " +
           std::string(name_of(group.dtype));
  if (group.cores < 1 || group.cores > device.cores)
    return "the simulated " + device.name + " has " + std::to_string(device.cores) + " cores, not " +
           std::to_string(group.cores);
  if (group.instances < group.cores)
    return std::to_string(group.cores) + " cores need as many instances at least, not " +
           std::to_string(group.instances);
  return "";
}

std::string device_name(const Parameters& parameters) {
  return parameters.accelerator ? parameters.accelerator->name : kPlain;
}

DeviceInfo description_of(const Parameters& parameters) {
  return parameters.accelerator ? describe(*parameters.accelerator)
                                : plain_description(parameters);
}

}  // namespace batchtune::simulated
