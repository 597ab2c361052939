#include "tuner/backend/simulated/accelerator_cost.h"

#include <algorithm>
#include <cmath>

#include "tuner/backend/simulated/accelerator_work.h"

namespace batchtune::simulated {
namespace {

// Two activities side by side: more than the longer, less than both one after the other.
Seconds together(Seconds one, Seconds other, double overlap) {
  const Seconds sum = one + other;
  return sum == 0 ? 0 : sum - overlap * one * other / sum;
}

// Of `bytes` in transfers of a size, so many at a time.
Seconds transfer_seconds(double bytes, int cores, const Accelerator& device) {
  const double transfers = std::ceil(bytes / device.dma_transfer);
  const double rounds = std::ceil(transfers / static_cast<double>(device.dma_engines));
  const double crowd = 1 + device.sharing * (cores - 1);
  return crowd * (bytes / device.dma_rate + rounds * device.dma_latency);
}

// Weights come while the array computes; what was spilled is waited for.
Seconds operation_seconds(const OperationWork& work, const Arithmetic& arithmetic, int cores,
                          const Accelerator& device) {
  const Seconds array = (work.array_rows * arithmetic.cycles_per_row +
                         work.array_loads * device.stationary_cycles) /
                        device.array_hertz;
  const Seconds vector = work.vector_rows / device.vector_hertz;
  const Seconds computing = together(array, vector, device.overlap);
  const Seconds weights = transfer_seconds(work.weight_bytes, cores, device);
  return device.operation_overhead + together(computing, weights, device.overlap) +
         transfer_seconds(work.spilled_bytes, cores, device);
}

// The types that a device lacks never get here: they are refused when the model is loaded.
const Arithmetic& arithmetic_for(const CandidateGroup& group, const Accelerator& device) {
  const Arithmetic* const own = arithmetic_of(device, group.dtype);
  return own != nullptr ? *own : device.arithmetic.front();
}

int instances_on_core(const CandidateGroup& group, int core) {
  return group.instances / group.cores + (core < group.instances % group.cores ? 1 : 0);
}

// One of `customers` runs that go round between the host, which each has for itself, and one device: mean value
// analysis of a closed network with a delay and a queue.
Seconds cycle_seconds(Seconds host, Seconds device, int customers) {
  Seconds cycle = 0;
  double queued = 0;
  for (int present = 1; present <= customers; ++present) {
    const Seconds at_device = device * (1 + queued);
    cycle = host + at_device;
    queued = present * at_device / cycle;
  }
  return cycle;
}

}  // namespace

std::vector<LayerTime> layer_seconds(const Model& model, const Candidate& candidate,
                                     const Accelerator& device) {
  const CandidateGroup& group = candidate.group;
  std::vector<LayerTime> layers;
  for (const Op& op : model.ops) {
    if (!is_work(op)) continue;
    const OperationWork work =
        work_of(model, op, group.dtype, static_cast<double>(candidate.batch), device);
    layers.push_back(
        {op.name, std::string(name_of(op.kind)),
         operation_seconds(work, arithmetic_for(group, device), group.cores, device)});
  }
  return layers;
}

Seconds run_seconds(const Model& model, const Candidate& candidate, int instance,
                    const Accelerator& device) {
  Seconds on_device = 0;
  for (const LayerTime& layer : layer_seconds(model, candidate, device)) on_device += layer.seconds;
  const int core = instance % candidate.group.cores;
  return cycle_seconds(device.run_overhead, on_device, instances_on_core(candidate.group, core));
}

Seconds compile_seconds(const Model& model, const Candidate& candidate, const Accelerator& device) {
  Seconds seconds = device.compile_base;
  for (const Op& op : model.ops) {
    if (!is_work(op)) continue;
    const OperationWork work = work_of(model, op, candidate.group.dtype,
                                       static_cast<double>(candidate.batch), device);
    seconds += device.compile_operation + work.instructions * device.compile_instruction;
  }
  return seconds;
}

}  // namespace batchtune::simulated
