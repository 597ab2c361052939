#include "tuner/backend/cpu/program.h"

#include <algorithm>
#include <cstring>
#include <iterator>
#include <new>
#include <string>
#include <utility>

#include "kernels/bfloat16.h"
#include "tuner/backend/imported/file_samples.h"
#include "tuner/backend/layer_times.h"

namespace batchtune::cpu {

Outcome<std::unique_ptr<CpuProgram>> CpuProgram::prepare(CpuModel& model, std::int64_t batch) {
  std::unique_ptr<CpuProgram> program(new CpuProgram(model, batch));
  BT_TRY_VOID(program->allocate_memory());
  if (model.lowered() != nullptr)
    program->call_constants_ = imported::CallConstants(*model.lowered(), batch);
  for (Instance& instance : program->instances_)
    instance.steps = lower({.model = model,
                            .batch = batch,
                            .plan = program->plan_,
                            .activations = instance.activations.buffer.as<std::byte>(),
                            .workspace = instance.workspace.buffer.as<std::byte>(),
                            .lane_workspace = lane_workspace_bytes(model, batch),
                            .constants = program->call_constants_,
                            .failure = &instance.failure});
  program->touch();
  return program;
}

// Nothing is multiplied by the batch before the account has agreed to the arena: the plan
// saturates.
Outcome<void> CpuProgram::allocate_memory() {
  plan_ = plan_memory(model_.model(), batch_, model_.group().dtype);
  const int threads = model_.group().threads, count = model_.group().instances;
  for (int number = 1; number <= count; ++number) {
    const std::string whose =
        count == 1 ? "" : ", instance " + std::to_string(number) + " of " + std::to_string(count);
    BT_TRY(activations, allocate(model_.account(), plan_.arena_bytes,
                                 "activations of batch " + std::to_string(batch_) + whose));
    BT_TRY(workspace, allocate(model_.account(), lane_workspace_bytes(model_, batch_) * threads,
                               "workspace of " + std::to_string(threads) + " threads" + whose));
    instances_.push_back(
        {.activations = std::move(activations), .workspace = std::move(workspace)});
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
  if (!input_set_) return tl::make_unexpected(no_samples(input_set_.error()));
  RunTimes times = model_.instances().run(n, [this](int instance, kernels::Team& team) {
    Instance& own = instances_[static_cast<std::size_t>(instance)];
    own.whole = false;
    for (const Step& step : own.steps) {
      if (model_.instances().over()) return;
      step.run(team);
    }
    own.whole = true;
  });
  BT_TRY_VOID(check_calls());
  return times;
}

Outcome<void> CpuProgram::check_calls() const {
  for (const Instance& instance : instances_) BT_TRY_VOID(imported::check(instance.failure));
  return {};
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

Outcome<std::vector<LayerTime>> CpuProgram::profile(int runs) {
  if (!input_set_) return tl::make_unexpected(no_samples(input_set_.error()));
  LayerTimes times;
  for (int i = 0; i < runs; ++i) {
    times.begin_run();
    run_stepwise([&](OpIndex index, Seconds seconds) {
      const Op& op = model_.model().ops[static_cast<std::size_t>(index)];
      times.add(op.name, std::string(name_of(op.kind)), seconds);
    });
  }
  return times.medians();
}

namespace {

// One sample of an input operation into its place, in the storage that the operation has.
Status fill_sample(InputSource& source, const Op& op, std::uint64_t seed, std::int64_t sample,
                   kernels::Dtype dtype, std::byte* tensor) {
  constexpr std::int64_t kSlice = 4096;  // f32 values on the stack
  const std::int64_t count = elements(op.output);
  const auto size = static_cast<std::size_t>(count);
  if (op.input_kind == InputKind::token_ids) {
    auto* ids = reinterpret_cast<std::int32_t*>(tensor) + sample * count;
    return source.fill_ids(seed, op, sample, {ids, size});
  }
  if (dtype == kernels::Dtype::f32) {
    auto* values = reinterpret_cast<float*>(tensor) + sample * count;
    return source.fill(seed, op, sample, {values, size});
  }
  auto* values = reinterpret_cast<kernels::Bfloat16*>(tensor) + sample * count;
  float slice[kSlice];
  for (std::int64_t first = 0; first < count; first += kSlice) {
    const std::int64_t length = std::min(kSlice, count - first);
    BT_TRY_VOID(source.fill(seed, op, sample, {slice, static_cast<std::size_t>(length)}, first));
    std::transform(slice, slice + length, values + first, kernels::to_bfloat16);
  }
  return {};
}

}  // namespace

Status CpuProgram::fill_input(OpIndex index, std::uint64_t seed, std::int64_t sample,
                              int instance) {
  const Op& op = model_.model().ops[static_cast<std::size_t>(index)];
  const imported::FileTensor* of_file = nullptr;
  if (model_.lowered() != nullptr) of_file = imported::input_at(*model_.lowered(), index);
  if (of_file != nullptr)
    return imported::fill_sample(model_.inputs(), op, seed, sample, of_file->operand, batch_,
                                 tensor(index, instance));
  return fill_sample(model_.inputs(), op, seed, sample, model_.dtype(), tensor(index, instance));
}

void CpuProgram::set_input(std::uint64_t seed) {
  input_set_ = {};
  for (std::size_t i = 0; i < model_.model().ops.size(); ++i) {
    const Op& op = model_.model().ops[i];
    if (op.kind != OpKind::input) continue;
    for (int instance = 0; instance < std::ssize(instances_); ++instance)
      for (std::int64_t sample = 0; sample < batch_; ++sample)
        if (Status filled = fill_input(static_cast<OpIndex>(i), seed, sample, instance); !filled)
          input_set_ = filled;
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
    const imported::FileTensor* of_file = nullptr;
    if (model_.lowered() != nullptr) of_file = imported::first_output(*model_.lowered());
    std::vector<float> all;
    for (int instance = 0; instance < std::ssize(instances_); ++instance) {
      make_whole(instance);
      if (of_file != nullptr) {
        for (std::int64_t sample = 0; sample < std::min(samples, batch_); ++sample)
          imported::append_sample(of_file->operand, batch_, sample,
                                  tensor(of_file->operand.index, instance), all);
        continue;
      }
      const std::vector<float> values = read_tensor(output, samples, instance);
      all.insert(all.end(), values.begin(), values.end());
    }
    BT_TRY_VOID(check_calls());
    return all;
  } catch (const std::bad_alloc&) {
    return tl::make_unexpected(out_of_host_memory(0, "a copy of the output"));
  }
}

namespace {

Result<const imported::FileTensor*> find_tensor(const std::vector<imported::FileTensor>& tensors,
                                                const std::string& name) {
  for (const imported::FileTensor& tensor : tensors)
    if (tensor.name == name) return &tensor;
  return bad_input("an input or output of the file", "\"" + name + "\"");
}

}  // namespace

Status CpuProgram::write_file_input(const std::string& name, const std::string& bytes) {
  if (model_.lowered() == nullptr)
    return bad_input("an imported model", "another", model_.model().name);
  BT_TRY(input, find_tensor(model_.lowered()->inputs, name));
  const std::int64_t size = imported::whole_bytes(input->operand, batch_);
  if (std::ssize(bytes) != size)
    return bad_input(std::to_string(size) + " bytes", std::to_string(bytes.size()),
                     "input \"" + name + "\"");
  std::copy(bytes.begin(), bytes.end(), reinterpret_cast<char*>(tensor(input->operand.index, 0)));
  return {};
}

Result<RawTensor> CpuProgram::read_file_output(const std::string& name) const {
  if (model_.lowered() == nullptr)
    return bad_input("an imported model", "another", model_.model().name);
  BT_TRY(output, find_tensor(model_.lowered()->outputs, name));
  const auto* from = static_cast<const char*>(
      imported::data_of(output->operand, *model_.lowered(), call_constants_,
                        [this](OpIndex op) { return tensor(op, 0); }));
  return RawTensor{
      output->operand.type, output->operand.shape.at(batch_),
      std::make_shared<const std::string>(
          from, static_cast<std::size_t>(imported::whole_bytes(output->operand, batch_)))};
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
