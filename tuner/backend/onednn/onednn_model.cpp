#include "tuner/backend/onednn/onednn_model.h"

#include <algorithm>
#include <new>
#include <numeric>
#include <utility>

#include "tuner/backend/onednn/program.h"
#include "tuner/backend/runtime/endings.h"
#include "tuner/backend/runtime/tolerance.h"
#include "tuner/workload/memory_plan.h"

namespace batchtune::onednn {
namespace {

std::vector<int> joined(const std::vector<std::vector<int>>& lists) {
  std::vector<int> all;
  for (const std::vector<int>& list : lists) all.insert(all.end(), list.begin(), list.end());
  return all;
}

}  // namespace

OneDnnModel::OneDnnModel(Source source, const LoadOptions& options,
                         const kernels::tensor::Kernels& call_kernels, Bytes machine_memory)
    : source_(std::move(source)),
      options_(options),
      call_kernels_(call_kernels),
      engine_(dnnl::engine::kind::cpu, 0),
      account_(options.account_limit, machine_memory),
      everybody_(options.group.threads * options.group.instances,
                 joined(cpus_of_instances(options.group.instances, options.group.threads))),
      weights_(model(), options.group.dtype, *source_.values, engine_, account_, everybody_) {
  const CandidateGroup& group = options_.group;
  for (std::vector<int>& cpus : cpus_of_instances(group.instances, group.threads))
    lanes_.push_back(std::make_unique<Lanes>(group.threads, std::move(cpus)));
  side_by_side_ = std::make_unique<SideBySide>(
      group.instances,
      [this](int instance, const std::function<void()>& work) { lanes(instance).within(work); });
}

// Formats may depend on the batch. Weights are made in those of batch 1, which most batches share.
Outcome<std::unique_ptr<OneDnnModel>> OneDnnModel::load(
    Source source, const LoadOptions& options, const kernels::tensor::Kernels& call_kernels,
    Bytes machine_memory) {
  const Seconds start = steady_seconds();
  std::unique_ptr<OneDnnModel> loaded(
      new OneDnnModel(std::move(source), options, call_kernels, machine_memory));
  BT_TRY(held,
         loaded->account_.charge(loaded->source_.held_bytes, "weights of " + loaded->model().name));
  loaded->held_ = std::move(held);
  BT_TRY(inputs, inputs_of(loaded->model(), options));
  loaded->inputs_ = std::move(inputs);
  BT_TRY_VOID(loaded->build(1));
  loaded->load_seconds_ = steady_seconds() - start;
  return loaded;
}

// A batch is absurd long before the library is asked where its largest tensor alone does not fit:
// nothing is multiplied by the batch before the account has agreed to that one.
Outcome<Graph> OneDnnModel::build(std::int64_t batch) {
  const MemoryPlan least = plan_memory(model(), batch, options_.group.dtype);
  const Bytes largest = *std::max_element(least.bytes.begin(), least.bytes.end());
  BT_TRY_VOID(weights_.allows(largest, "activations of batch " + std::to_string(batch)));
  Outcome<Graph> graph;
  lanes(0).within([&] {
    graph = build_graph({model(), options_.group.dtype, batch, engine_, weights_, lowered(),
                         call_kernels_, options_.group.threads});
  });
  return graph;
}

Outcome<std::unique_ptr<Program>> OneDnnModel::prepare(const Candidate& candidate) {
  const std::string what = "oneDNN could not prepare " + to_string(candidate);
  try {
    BT_TRY_VOID(runtime::check_candidate(candidate, options_.group));
    BT_TRY(program, OneDnnProgram::prepare(*this, candidate.batch));
    return std::unique_ptr<Program>(std::move(program));
  } catch (const std::bad_alloc&) {
    return tl::unexpected(runtime::no_memory(what));
  } catch (const dnnl::error& error) {
    return tl::unexpected(ending_of(error, what));
  }
}

double OneDnnModel::output_tolerance() const {
  return runtime::output_tolerance(model(), options_.group.dtype);
}

}  // namespace batchtune::onednn
