#include "tuner/backend/cpu/program.h"

#include <algorithm>
#include <cstring>
#include <iterator>
#include <new>
#include <string>
#include <utility>

#include "kernels/bfloat16.h"
#include "tuner/workload/weights.h"

namespace batchtune::cpu {

Outcome<std::unique_ptr<CpuProgram>> CpuProgram::prepare(CpuModel& model, std::int64_t batch) {
  std::unique_ptr<CpuProgram> program(new CpuProgram(model, batch));
  BT_TRY_VOID(program->allocate_memory());
  for (Instance& instance : program->instances_)
    instance.steps = lower({.model = model,
                            .batch = batch,
                            .plan = program->plan_,
                            .activations = instance.activations.buffer.as<std::byte>(),
                            .workspace = instance.workspace.buffer.as<std::byte>()});
  program->touch();
  return program;
}

// Nothing is multiplied by the batch before the account has agreed to the arena: the plan
// saturates.
Outcome<void> CpuProgram::allocate_memory() {
  plan_ = plan_memory(model_.model(), batch_, model_.group().dtype);
  const int threads = model_.group().threads, count = model_.group().instances;
  const Bytes scratch = lane_workspace_bytes(model_) * threads;
  for (int number = 1; number <= count; ++number) {
    const std::string whose =
        count == 1 ? "" : ", instance " + std::to_string(number) + " of " + std::to_string(count);
    BT_TRY(activations, allocate(model_.account(), plan_.arena_bytes,
                                 "activations of batch " + std::to_string(batch_) + whose));
    BT_TRY(workspace, allocate(model_.account(), scratch,
                               "workspace of " + std::to_string(threads) + " threads" + whose));
    instances_.push_back({std::move(activations), std::move(workspace), {}, false});
  }
  return {};
}

// The system gives pages at the first touch; that must not be part of a run.
void CpuProgram::touch() {
  for (Instance& instance : instances_)
    for (const AccountedBuffer* part : {&instance.activations, &instance.workspace})
      if (part->buffer) std::memset(part->buffer.data(), 0, part->buffer.size());
}

std::byte* CpuProgram::tensor(OpIndex op, int instance) const {
  const AccountedBuffer& activations = instances_[static_cast<std::size_t>(instance)].activations;
  return activations.buffer.as<std::byte>() + plan_.offset[static_cast<std::size_t>(op)];
}

Outcome<RunTimes> CpuProgram::run(int n) {
  return model_.instances().run(n, [this](int instance, kernels::Team& team) {
    Instance& own = instances_[static_cast<std::size_t>(instance)];
    own.whole = false;
    for (const Step& step : own.steps) {
      if (model_.instances().over()) return;
      step.run(team);
    }
    own.whole = true;
  });
}

void CpuProgram::run_stepwise(const std::function<void(OpIndex, Seconds)>& after) {
  model_.instances().arena(0).run([&](kernels::Team& team) {
    for (const Step& step : instances_.front().steps) {
      const Seconds start = steady_seconds();
      step.run(team);
      after(step.op, steady_seconds() - start);
    }
  });
  instances_.front().whole = true;
}

namespace {

// One sample of an input operation into its place, in the storage that the operation has.
void fill_sample(const Op& op, std::uint64_t seed, std::int64_t sample, kernels::Dtype dtype,
                 std::byte* tensor) {
  constexpr std::int64_t kSlice = 4096;  // f32 values on the stack
  const std::int64_t count = elements(op.output);
  const auto size = static_cast<std::size_t>(count);
  if (op.input_kind == InputKind::token_ids) {
    auto* ids = reinterpret_cast<std::int32_t*>(tensor) + sample * count;
    return fill_token_ids(seed, op, sample, {ids, size});
  }
  if (dtype == kernels::Dtype::f32) {
    auto* values = reinterpret_cast<float*>(tensor) + sample * count;
    return fill_input(seed, op, sample, {values, size});
  }
  auto* values = reinterpret_cast<kernels::Bfloat16*>(tensor) + sample * count;
  float slice[kSlice];
  for (std::int64_t first = 0; first < count; first += kSlice) {
    const std::int64_t length = std::min(kSlice, count - first);
    fill_input(seed, op, sample, {slice, static_cast<std::size_t>(length)}, first);
    std::transform(slice, slice + length, values + first, kernels::to_bfloat16);
  }
}

}  // namespace

void CpuProgram::set_input(std::uint64_t seed) {
  for (std::size_t i = 0; i < model_.model().ops.size(); ++i) {
    const Op& op = model_.model().ops[i];
    if (op.kind != OpKind::input) continue;
    for (int instance = 0; instance < std::ssize(instances_); ++instance)
      for (std::int64_t sample = 0; sample < batch_; ++sample)
        fill_sample(op, seed, sample, model_.dtype(), tensor(static_cast<OpIndex>(i), instance));
  }
}

std::vector<float> CpuProgram::read_tensor(OpIndex op, std::int64_t samples, int instance) const {
  const std::int64_t count = elements(model_.model().ops[static_cast<std::size_t>(op)].output) *
                             std::clamp<std::int64_t>(samples, 0, batch_);
  std::vector<float> values(static_cast<std::size_t>(count));
  if (model_.dtype() == kernels::Dtype::f32) {
    const auto* from = reinterpret_cast<const float*>(tensor(op, instance));
    std::copy(from, from + count, values.begin());
  } else {
    const auto* from = reinterpret_cast<const kernels::Bfloat16*>(tensor(op, instance));
    std::transform(from, from + count, values.begin(),
                   [](kernels::Bfloat16 value) { return kernels::to_float(value); });
  }
  return values;
}

// Of an instance whose last batch was broken off the tensors hold parts of two batches.
void CpuProgram::make_whole(int instance) {
  Instance& own = instances_[static_cast<std::size_t>(instance)];
  if (own.whole) return;
  model_.instances().arena(instance).run([&](kernels::Team& team) {
    for (const Step& step : own.steps) step.run(team);
  });
  own.whole = true;
}

Outcome<std::vector<float>> CpuProgram::read_output(std::int64_t samples) {
  try {
    const OpIndex output = find_op(model_.model(), model_.model().output);
    std::vector<float> all;
    for (int instance = 0; instance < std::ssize(instances_); ++instance) {
      make_whole(instance);
      const std::vector<float> values = read_tensor(output, samples, instance);
      all.insert(all.end(), values.begin(), values.end());
    }
    return all;
  } catch (const std::bad_alloc&) {
    return tl::make_unexpected(out_of_host_memory(0, "a copy of the output"));
  }
}

MemoryUse CpuProgram::memory() const {
  MemoryUse use{.weights = model_.weight_bytes(), .kind = MemoryKind::account};
  for (const Instance& instance : instances_) {
    use.activations += instance.activations.charge.bytes();
    use.workspace += instance.workspace.charge.bytes();
  }
  return use;
}

}  // namespace batchtune::cpu
