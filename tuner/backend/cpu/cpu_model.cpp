#include "tuner/backend/cpu/cpu_model.h"

#include <cmath>
#include <new>

#include "tuner/backend/cpu/program.h"
#include "tuner/backend/imported/prepared_calls.h"

namespace batchtune::cpu {
namespace {

constexpr int kMostThreads = 1024;  // beyond it something is wrong, and each has a workspace

tl::unexpected<Ending> unsupported(std::string reason) {
  return tl::make_unexpected(Ending{TrialStatus::unsupported, std::move(reason), "", ""});
}

// The candidate must be of the group that the weights were loaded for.
Outcome<void> check(const Candidate& candidate, const CandidateGroup& loaded, const Model& model) {
  if (candidate.group.dtype != loaded.dtype || candidate.group.threads != loaded.threads ||
      candidate.group.instances != loaded.instances)
    return unsupported("the model was loaded for " + to_string(loaded) + ", not for " +
                       to_string(candidate.group));
  BT_TRY_VOID(supported_dtype(candidate.group));
  if (candidate.batch < 1)
    return unsupported("batch " + std::to_string(candidate.batch) + " is below 1");
  for (const auto& [name, size] : candidate.group.dims) {
    const auto found = model.dims.find(name);
    if (found == model.dims.end() || found->second != size)
      return unsupported("the model was not built with " + name + "=" + std::to_string(size));
  }
  return {};
}

}  // namespace

Outcome<kernels::Dtype> supported_dtype(const CandidateGroup& group) {
  if (group.threads < 1 || group.threads > kMostThreads)
    return unsupported("threads must be from 1 to " + std::to_string(kMostThreads));
  if (group.instances < 1 || group.instances > kMostThreads / group.threads)
    return unsupported("instances must be from 1 to " +
                       std::to_string(kMostThreads / group.threads) + ", with " +
                       std::to_string(group.threads) + " threads each");
  if (group.dtype == DType::f32) return kernels::Dtype::f32;
  if (group.dtype == DType::bf16) return kernels::Dtype::bf16;
  return unsupported("the cpu backend has no " + std::string(name_of(group.dtype)) +
                     " kernels (f32 and bf16)");
}

std::optional<Ending> foreign_operations(const Model& model) {
  std::string first;
  int count = 0;
  for (const Op& op : model.ops)
    if (op.kind == OpKind::foreign && ++count == 1) first = op.operation;
  if (count == 0) return std::nullopt;
  return unsupported(
             "the cpu backend cannot run operations that are counted alone, and this model has " +
             std::to_string(count) + " (the first: " + first +
             "); it runs them from an ONNX file: give that as the model")
      .value();
}

CpuModel::CpuModel(const Model& model, const LoadOptions& options, const KernelChoice& kernels,
                   Bytes machine_memory)
    : model_(model),
      options_(options),
      kernels_(kernels),
      account_(options.account_limit, machine_memory),
      instances_(options.group.instances, options.group.threads) {}

kernels::Dtype CpuModel::dtype() const {
  return options_.group.dtype == DType::f32 ? kernels::Dtype::f32 : kernels::Dtype::bf16;
}

Outcome<void> CpuModel::load_weights_from(WeightValues& values) {
  Outcome<std::vector<OpWeights>> weights;
  // Once for all instances, by the threads of all.
  kernels::Arena everybody(options_.group.threads * options_.group.instances, kernels::Pin::yes);
  everybody.run([&](kernels::Team& team) {
    weights = load_weights({model_, dtype(), values, kernels_, account_, team});
  });
  if (!weights) return tl::make_unexpected(weights.error());
  weights_ = std::move(*weights);
  return {};
}

Outcome<std::unique_ptr<CpuModel>> CpuModel::load(const Model& model, const LoadOptions& options,
                                                  const KernelChoice& kernels, Bytes machine_memory,
                                                  GraphReader read) {
  const Seconds start = steady_seconds();
  if (model.file && model.file->format == "onnx") {
    auto graph = read(model);
    if (!graph) return unsupported(to_string(graph.error()));
    const bool f32 = options.group.dtype == DType::f32;
    BT_TRY(lowered,
           imported::lower_imported(std::move(*graph), model,
                                    {.floats = f32 ? ElementType::f32 : ElementType::bf16}));
    BT_TRY(loaded, load(std::move(lowered), options, kernels, machine_memory));
    loaded->load_seconds_ = steady_seconds() - start;
    return loaded;
  }
  if (auto ending = foreign_operations(model)) return tl::make_unexpected(*ending);
  std::unique_ptr<CpuModel> loaded(new CpuModel(model, options, kernels, machine_memory));
  BT_TRY(inputs, inputs_of(model, options));
  loaded->inputs_ = std::move(inputs);
  SeededWeights values(options.seed, loaded->model_);
  BT_TRY_VOID(loaded->load_weights_from(values));
  loaded->weight_bytes_ = loaded->account_.used();
  loaded->load_seconds_ = steady_seconds() - start;
  return loaded;
}

Outcome<void> CpuModel::charge_constants() {
  BT_TRY(charge,
         account_.charge(imported::constant_bytes(*lowered_), "constants of " + model_.name));
  constants_ = std::move(charge);
  return {};
}

Outcome<std::unique_ptr<CpuModel>> CpuModel::load(imported::LoweredModel lowered,
                                                  const LoadOptions& options,
                                                  const KernelChoice& kernels,
                                                  Bytes machine_memory) {
  const Seconds start = steady_seconds();
  std::unique_ptr<CpuModel> loaded(new CpuModel(lowered.native, options, kernels, machine_memory));
  loaded->lowered_ = std::make_unique<imported::LoweredModel>(std::move(lowered));
  BT_TRY(inputs, inputs_of(loaded->model_, options));
  loaded->inputs_ = std::move(inputs);
  BT_TRY_VOID(loaded->charge_constants());
  BT_TRY_VOID(loaded->load_weights_from(*loaded->lowered_->weights));
  loaded->weight_bytes_ = loaded->account_.used();
  loaded->load_seconds_ = steady_seconds() - start;
  return loaded;
}

Outcome<std::unique_ptr<Program>> CpuModel::prepare(const Candidate& candidate) {
  try {
    BT_TRY_VOID(check(candidate, options_.group, model_));
    BT_TRY(program, CpuProgram::prepare(*this, candidate.batch));
    return std::unique_ptr<Program>(std::move(program));
  } catch (const std::bad_alloc&) {
    return tl::make_unexpected(out_of_host_memory(0, "the steps of " + to_string(candidate)));
  }
}

// Each operation's sums may be taken in another order at another batch, and the errors of a chain
// of operations add up like independent ones: sqrt(depth).
double CpuModel::output_tolerance() const {
  std::int64_t largest = 1;
  double depth = 1;
  for (const Op& op : model_.ops) {
    std::int64_t k = op.inner;
    if (op.kind == OpKind::conv2d) {
      const kernels::ConvShape shape = conv_shape_of(model_, op);
      k = shape.kernel_h * shape.kernel_w * shape.in_c / shape.groups;
    }
    if (k == 0) continue;
    largest = std::max(largest, k);
    depth += 1;
  }
  return kernels::tolerance(dtype(), largest) * std::sqrt(depth);
}

}  // namespace batchtune::cpu
