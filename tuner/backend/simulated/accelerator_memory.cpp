// The account of accelerator_cost.h, and the wall that it meets.
#include <algorithm>
#include <cmath>
#include <vector>

#include "tuner/backend/simulated/accelerator_cost.h"
#include "tuner/backend/simulated/accelerator_work.h"
#include "tuner/backend/simulated/cost.h"

namespace batchtune::simulated {
namespace {

constexpr Bytes kSaturated = Bytes{1} << 60;  // a handful of them still add up without overflow
constexpr std::int64_t kLargestBatch = std::int64_t{1} << 40;  // beyond any wall

Bytes saturated(double bytes) {
  return bytes >= static_cast<double>(kSaturated) ? kSaturated : static_cast<Bytes>(bytes);
}

// Tensors that enter and leave, of one sample.
double outside_elements(const Model& model) {
  double sum = 0;
  for (const Op& op : model.ops)
    if (op.kind == OpKind::input || op.name == model.output)
      sum += static_cast<double>(elements(op.output));
  return sum;
}

// Which operation wrote the tensor that each one gives: a reshape gives its input's.
std::vector<std::size_t> writers_of(const Model& model) {
  std::vector<std::size_t> writers(model.ops.size());
  for (std::size_t i = 0; i < model.ops.size(); ++i) {
    const Op& op = model.ops[i];
    writers[i] = op.kind == OpKind::reshape
                     ? writers[static_cast<std::size_t>(reads_of(model, op).front())]
                     : i;
  }
  return writers;
}

// The most that is alive at one time in between, of one sample: each tensor from the operation that writes it to the
// last one that reads it.
double inside_elements(const Model& model) {
  const std::size_t count = model.ops.size();
  const std::vector<std::size_t> writers = writers_of(model);
  std::vector<std::size_t> last(count);
  for (std::size_t i = 0; i < count; ++i) {
    last[i] = i;
    for (const OpIndex read : reads_of(model, model.ops[i]))
      last[writers[static_cast<std::size_t>(read)]] = i;
  }
  std::vector<std::vector<std::size_t>> ending(count);
  for (std::size_t i = 0; i < count; ++i) ending[last[i]].push_back(i);
  const auto size = [&](std::size_t i) {
    return is_work(model.ops[i]) ? static_cast<double>(elements(model.ops[i].output)) : 0.0;
  };
  double alive = 0, most = 0;
  for (std::size_t i = 0; i < count; ++i) {
    alive += size(i);
    most = std::max(most, alive);
    for (const std::size_t gone : ending[i]) alive -= size(gone);
  }
  return most;
}

double whole_pages(double bytes, const Accelerator& device) {
  return std::ceil(bytes / device.memory_page) * device.memory_page;
}

int most_on_a_core(const CandidateGroup& group) {
  return (group.instances + group.cores - 1) / group.cores;
}

}  // namespace

MemoryUse memory_of(const Model& model, const Candidate& candidate, const Accelerator& device) {
  const CandidateGroup& group = candidate.group;
  const auto batch = static_cast<double>(candidate.batch);
  const double sample = batch * static_cast<double>(size_of(group.dtype));
  double instructions = 0;
  for (const Op& op : model.ops)
    if (is_work(op)) instructions += work_of(model, op, group.dtype, batch, device).instructions;
  const int copies = most_on_a_core(group);
  MemoryUse use;
  use.weights = weights_of(model, group.dtype);
  const double tensors =
      sample * outside_elements(model) + whole_pages(sample * inside_elements(model), device);
  const double program = device.code + instructions * device.instruction;
  use.activations = saturated(copies * std::floor(tensors));
  use.workspace = saturated(copies * std::floor(program));
  return use;
}

Bytes wall_of(const Accelerator& device, int cores) {
  const auto sharing = std::min<std::int64_t>(cores, device.cores_per_memory);
  return saturated(device.memory / static_cast<double>(sharing));
}

std::int64_t largest_fitting(const Model& model, const CandidateGroup& group,
                             const Accelerator& device, Bytes wall) {
  std::int64_t fits = 0, fails = kLargestBatch;
  while (fails - fits > 1) {
    const std::int64_t between = fits + (fails - fits) / 2;
    (memory_of(model, {group, between}, device).total() <= wall ? fits : fails) = between;
  }
  return fits;
}

}  // namespace batchtune::simulated
