#include "tuner/deploy/plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tuner/core/units.h"

namespace batchtune {
namespace {

constexpr std::int64_t kStepsPerStage = 4;  // GPipe: below so many micro-batches its idle share is felt

std::vector<std::int64_t> divisors_of(std::int64_t number) {  // largest first
  std::vector<std::int64_t> small, large;
  for (std::int64_t d = 1; d * d <= number; ++d) {
    if (number % d != 0) continue;
    small.push_back(d);
    if (d != number / d) large.push_back(number / d);
  }
  large.insert(large.end(), small.rbegin(), small.rend());
  return large;
}

Status check_shares(const PlanRequest& request) {
  const std::int64_t global = request.global_batch, ranks = request.data_parallel;
  if (global < 1 || global > kLargestGlobalBatch)
    return bad_input(fmt::format("a global batch from 1 to {}", kLargestGlobalBatch),
                     fmt::to_string(global), "--global-batch");
  if (ranks < 1)
    return bad_input("at least one data-parallel rank", fmt::to_string(ranks), "--data-parallel");
  if (global % ranks != 0) {
    const std::int64_t below = global / ranks * ranks, above = below + ranks;
    return bad_input(fmt::format("a global batch that {} data-parallel ranks share evenly", ranks),
                     fmt::format("{} ({} for each and {} left over)", global, global / ranks,
                                 global - below),
                     "--global-batch",
                     below > 0 ? fmt::format("The nearest are {} and {}", below, above)
                               : fmt::format("The smallest is {}, a sample for each", above));
  }
  const std::int64_t workers = request.workers == 0 ? ranks : request.workers;
  if (workers < 1 || (ranks % workers != 0 && workers % ranks != 0))
    return bad_input(
        fmt::format("workers that hold whole ranks, or ranks that hold whole workers: a divisor or "
                    "multiple of {}",
                    ranks),
        fmt::to_string(workers), "--workers");
  return {};
}

MicroBatch split_of(const TrainingMemory& memory, std::int64_t replica, std::int64_t size, int stages) {
  MicroBatch micro{.size = size, .steps = replica / size, .bytes = 0, .idle = 0, .fits = true};
  // The first stage keeps one micro-batch in flight for each stage, if there are so many.
  const double in_flight =
      static_cast<double>(std::min<std::int64_t>(micro.steps, stages)) / stages;
  micro.bytes = memory.state_bytes() +
                static_cast<double>(size) * memory.activation_bytes_per_sample * in_flight;
  micro.idle = static_cast<double>(stages - 1) / static_cast<double>(micro.steps + stages - 1);
  micro.fits = memory.memory_bytes == 0 || micro.bytes <= memory.memory_bytes * (1 + 1e-12);
  return micro;
}

std::vector<MicroBatch> splits_of(const TrainingMemory& memory, std::int64_t replica, int stages) {
  std::vector<MicroBatch> splits;
  for (const std::int64_t size : divisors_of(replica))
    splits.push_back(split_of(memory, replica, size, stages));
  return splits;
}

// The largest that fits, among those with enough steps for the pipeline where there are any.
std::optional<MicroBatch> choose(const std::vector<MicroBatch>& splits, int stages) {
  std::optional<MicroBatch> chosen;
  for (const MicroBatch& split : splits) {
    if (!split.fits) continue;
    if (stages == 1 || split.steps >= kStepsPerStage * stages) return split;
    chosen = split;  // ever more steps
  }
  return chosen;
}

std::string reason_of(const TrainingPlan& plan) {
  const TrainingMemory& memory = plan.memory;
  if (memory.memory_bytes == 0)
    return "the memory of a core is not known, so every micro-batch is listed with what it needs";
  if (plan.chosen) {
    const auto larger = std::find_if(
        plan.splits.rbegin(), plan.splits.rend(),
        [&](const MicroBatch& split) { return split.size > plan.chosen->size; });
    if (larger == plan.splits.rend()) return "the whole replica batch fits, so nothing is accumulated";
    if (larger->fits)
      return fmt::format("the largest that leaves {} steps for {} stages of a pipeline, which idle {} of the time",
                         plan.chosen->steps, plan.pipeline_parallel, format_percent(plan.chosen->idle));
    return fmt::format("the largest divisor of {} that fits: {} would need {} of {}",
                       plan.replica_batch, larger->size, format_bytes(larger->bytes),
                       format_bytes(memory.memory_bytes));
  }
  if (memory.free_bytes < 0)
    return fmt::format("weights, gradients and optimizer state alone need {} of {}",
                       format_bytes(memory.state_bytes()), format_bytes(memory.memory_bytes));
  return fmt::format("one sample needs {} of activations, and {} of {} are left for them",
                     format_bytes(memory.activation_bytes_per_sample), format_bytes(memory.free_bytes),
                     format_bytes(memory.memory_bytes));
}

// What the same job would have room for with other options.
Result<TrainingLever> lever_of(const TrainingCounts& counts, const PlanRequest& request,
                               std::string what) {
  const int stages = request.training.pipeline_parallel;
  BT_TRY(memory, training_memory(counts, request.training));
  const auto chosen =
      choose(splits_of(memory, request.global_batch / request.data_parallel, stages), stages);
  return TrainingLever{std::move(what), chosen ? chosen->size : 0};
}

// The smallest power of two of an axis that makes room for something; as given, up to 64 ranks.
Status add_ranks_lever(const TrainingCounts& counts, const PlanRequest& request, const char* name,
                       int TrainingOptions::*ranks, std::vector<TrainingLever>& levers) {
  constexpr int kMostRanks = 64;
  PlanRequest other = request;
  while (other.training.*ranks < kMostRanks) {
    other.training.*ranks *= 2;
    const std::int64_t cores = std::int64_t{other.data_parallel} * other.training.tensor_parallel *
                               other.training.pipeline_parallel;
    BT_TRY(lever, lever_of(counts, other,
                           fmt::format("{} {} ({} cores)", name, other.training.*ranks, cores)));
    if (lever.micro_batch == 0) continue;
    levers.push_back(std::move(lever));
    break;
  }
  return {};
}

Result<std::vector<TrainingLever>> levers_of(const TrainingCounts& counts,
                                             const PlanRequest& request,
                                             const TrainingPlan& plan) {
  std::vector<TrainingLever> levers;
  const auto add_if_it_helps = [&](TrainingLever lever) {
    if (lever.micro_batch > 0) levers.push_back(std::move(lever));
  };
  if (request.training.optimizer_shards == 1 && request.data_parallel > 1) {
    PlanRequest other = request;
    other.training.optimizer_shards = request.data_parallel;
    BT_TRY(lever, lever_of(counts, other,
                           fmt::format("--shard-optimizer: its state over the {} ranks (ZeRO stage 1)",
                                       request.data_parallel)));
    add_if_it_helps(std::move(lever));
  }
  constexpr double kGuideLeastOptimizer = 4;
  if (request.training.optimizer_bytes > kGuideLeastOptimizer) {
    PlanRequest other = request;
    other.training.optimizer_bytes = kGuideLeastOptimizer;
    BT_TRY(lever, lever_of(counts, other, "an optimizer of 4 bytes per parameter (adam-bf16)"));
    add_if_it_helps(std::move(lever));
  }
  BT_TRY_VOID(add_ranks_lever(counts, request, "--tp", &TrainingOptions::tensor_parallel, levers));
  BT_TRY_VOID(add_ranks_lever(counts, request, "--pp", &TrainingOptions::pipeline_parallel, levers));
  const double least = plan.splits.back().bytes;
  levers.push_back({fmt::format("{} of memory for each core", format_bytes(least)), 1});
  return levers;
}

// Global batches near by whose divisors use the memory at least twice as well, the nearest on each side.
std::vector<NearbyBatch> nearby_of(const TrainingPlan& plan) {
  constexpr std::int64_t kReach = 32;  // replica batches to each side; a power of two is mostly as near
  std::vector<NearbyBatch> nearby;
  if (!plan.chosen || plan.pipeline_parallel > 1) return nearby;
  const std::int64_t room = std::min(plan.memory.batch, plan.replica_batch);
  if (plan.chosen->size * 2 > room) return nearby;
  for (const int step : {-1, 1})
    for (std::int64_t distance = 1; distance <= kReach; ++distance) {
      const std::int64_t replica = plan.replica_batch + step * distance;
      const std::int64_t global = replica * plan.data_parallel;
      if (replica < 1 || global > kLargestGlobalBatch) break;
      const auto chosen = choose(splits_of(plan.memory, replica, 1), 1);
      if (!chosen || chosen->size * 2 <= room) continue;
      nearby.push_back({global, *chosen});
      break;
    }
  return nearby;
}

}  // namespace

Result<TrainingPlan> plan_training(const TrainingCounts& counts, const PlanRequest& request) {
  BT_TRY_VOID(check_shares(request));
  BT_TRY(memory, training_memory(counts, request.training));
  TrainingPlan plan;
  plan.global_batch = request.global_batch;
  plan.data_parallel = request.data_parallel;
  plan.replica_batch = request.global_batch / request.data_parallel;
  plan.workers = request.workers == 0 ? request.data_parallel : request.workers;
  plan.worker_batch =
      plan.replica_batch * std::max<std::int64_t>(1, plan.data_parallel / plan.workers);
  plan.tensor_parallel = request.training.tensor_parallel;
  plan.pipeline_parallel = request.training.pipeline_parallel;
  plan.memory = memory;
  plan.splits = splits_of(memory, plan.replica_batch, plan.pipeline_parallel);
  if (memory.memory_bytes > 0) {
    plan.chosen = choose(plan.splits, plan.pipeline_parallel);
    // No guide's formula for a model without dense weights: it divides by them.
    if (const auto formula = training_formula(counts.dense_parameters, request.training))
      plan.formula = *formula;
  }
  plan.reason = reason_of(plan);
  if (plan.nothing_fits()) {
    BT_TRY(levers, levers_of(counts, request, plan));
    plan.levers = std::move(levers);
  }
  plan.nearby = nearby_of(plan);
  return plan;
}

}  // namespace batchtune
