#include "tuner/backend/onednn/program.h"

#include <algorithm>
#include <cstring>
#include <iterator>
#include <new>
#include <span>
#include <utility>

#include "kernels/bfloat16.h"
#include "tuner/backend/imported/file_samples.h"
#include "tuner/backend/layer_times.h"
#include "tuner/backend/onednn/lane_threads.h"
#include "tuner/backend/runtime/endings.h"

namespace batchtune::onednn {

Ending ending_of(const dnnl::error& error, const std::string& what) {
  if (error.status == dnnl_out_of_memory) return runtime::no_memory(what);
  return runtime::ending_of_message(
      what, error.what(),
      error.status == dnnl_unimplemented ? runtime::Refusal::cannot : runtime::Refusal::fault);
}

Outcome<std::unique_ptr<OneDnnProgram>> OneDnnProgram::prepare(OneDnnModel& model,
                                                               std::int64_t batch) {
  std::unique_ptr<OneDnnProgram> program(new OneDnnProgram(model, batch));
  BT_TRY(graph, model.build(batch));
  program->graph_ = std::move(graph);
  BT_TRY_VOID(program->allocate_memory());
  model.lanes(0).within([&] {
    for (const Step& step : program->graph_.steps)
      program->primitives_.push_back(step.is_primitive() ? make_primitive(step.description)
                                                         : dnnl::primitive());
  });
  if (model.lowered() != nullptr)
    program->call_constants_ = imported::CallConstants(*model.lowered(), batch);
  for (Instance& instance : program->instances_) program->bind(instance);
  return program;
}

// The system gives pages at the first touch; that must not be part of a run.
Outcome<void> OneDnnProgram::allocate_memory() {
  const int count = model_.group().instances;
  for (int number = 1; number <= count; ++number) {
    const std::string whose =
        count == 1 ? "" : ", instance " + std::to_string(number) + " of " + std::to_string(count);
    const std::string of_batch = " of batch " + std::to_string(batch_) + whose;
    BT_TRY(activations, model_.weights().allocate(graph_.arena_bytes, "activations" + of_batch));
    BT_TRY(scratch, model_.weights().allocate(graph_.scratch_bytes, "workspace" + of_batch));
    instances_.push_back(
        {std::move(activations), std::move(scratch), dnnl::stream(model_.engine())});
    for (const cpu::AccountedBuffer* part :
         {&instances_.back().activations, &instances_.back().scratch})
      if (part->buffer) std::memset(part->buffer.data(), 0, part->buffer.size());
  }
  return {};
}

std::byte* OneDnnProgram::buffer(const Instance& instance, int buffer) const {
  return instance.activations.buffer.as<std::byte>() +
         graph_.buffers[static_cast<std::size_t>(buffer)].offset;
}

void* OneDnnProgram::address(const Instance& instance, const Operand& operand) const {
  if (operand.weight != nullptr) return operand.weight->buffer.buffer.data();
  if (operand.buffer >= 0) return buffer(instance, operand.buffer);
  return instance.scratch.buffer.data();
}

std::function<void(kernels::Team&)> OneDnnProgram::prepare_call(
    Instance& instance, const imported::NodeCall& call) const {
  const auto place = [&](OpIndex op) {
    return buffer(instance, graph_.plain_buffers[static_cast<std::size_t>(op)]);
  };
  const kernels::Workspace workspace{instance.scratch.buffer.as<std::byte>(),
                                     static_cast<std::size_t>(graph_.lane_bytes)};
  return imported::prepare_call({*model_.lowered(), model_.call_kernels(), call_constants_, batch_,
                                 place, workspace, &instance.failure},
                                call);
}

void OneDnnProgram::bind(Instance& instance) {
  for (const Step& step : graph_.steps) {
    Call call;
    for (const Operand& operand : step.operands) {
      void* const bytes = address(instance, operand);
      call.operands.push_back(bytes);
      if (!step.is_primitive()) continue;
      call.memories.emplace_back(operand.desc, model_.engine(), bytes);
      call.arguments.push_back({operand.argument, call.memories.back().get()});
    }
    if (step.call != nullptr) call.run = prepare_call(instance, *step.call);
    instance.calls.push_back(std::move(call));
  }
}

void OneDnnProgram::execute(Instance& instance, std::size_t step, const Lanes& lanes) const {
  const Call& call = instance.calls[step];
  if (const OwnStep& own = graph_.steps[step].own) return own(lanes, call.operands);
  if (call.run) {
    LaneThreads threads(lanes);
    kernels::Team team(threads, lanes.threads());
    return call.run(team);
  }
  const dnnl_status_t status =
      dnnl_primitive_execute(primitives_[step].get(), instance.stream.get(),
                             static_cast<int>(call.arguments.size()), call.arguments.data());
  if (status != dnnl_success) throw dnnl::error(status, "a primitive did not run");
}

void OneDnnProgram::run_batch(int number) {
  Instance& instance = instances_[static_cast<std::size_t>(number)];
  const Lanes& lanes = model_.lanes(number);
  instance.whole = false;
  for (std::size_t step = 0; step < graph_.steps.size(); ++step) {
    if (model_.instances().over()) return;
    execute(instance, step, lanes);
  }
  instance.whole = true;
}

Outcome<void> OneDnnProgram::check_calls() const {
  for (const Instance& instance : instances_) BT_TRY_VOID(imported::check(instance.failure));
  return {};
}

Outcome<RunTimes> OneDnnProgram::run(int n) {
  if (!input_set_) return tl::unexpected(no_samples(input_set_.error()));
  try {
    RunTimes times = model_.instances().run(n, [this](int instance) { run_batch(instance); });
    BT_TRY_VOID(check_calls());
    return times;
  } catch (const dnnl::error& error) {
    return tl::unexpected(ending_of(error, "oneDNN could not run batch " + std::to_string(batch_)));
  } catch (const std::bad_alloc&) {
    return tl::unexpected(runtime::no_memory("running batch " + std::to_string(batch_)));
  }
}

namespace {

// One sample of an input operation into its place.
Status fill_sample(InputSource& source, const Op& op, std::uint64_t seed, std::int64_t sample,
                   DType dtype, std::byte* tensor) {
  const std::int64_t count = elements(op.output);
  const auto size = static_cast<std::size_t>(count);
  if (op.input_kind == InputKind::token_ids)
    return source.fill_ids(seed, op, sample,
                           {reinterpret_cast<std::int32_t*>(tensor) + sample * count, size});
  if (dtype == DType::f32)
    return source.fill(seed, op, sample, {reinterpret_cast<float*>(tensor) + sample * count, size});
  std::vector<float> values(size);
  BT_TRY_VOID(source.fill(seed, op, sample, values));
  std::transform(values.begin(), values.end(),
                 reinterpret_cast<kernels::Bfloat16*>(tensor) + sample * count,
                 kernels::to_bfloat16);
  return {};
}

}  // namespace

Status OneDnnProgram::fill_input(OpIndex index, std::uint64_t seed, std::int64_t sample,
                                 const Instance& instance) {
  const auto i = static_cast<std::size_t>(index);
  const Op& op = model_.model().ops[i];
  std::byte* const to = buffer(instance, graph_.input_buffers[i]);
  const imported::FileTensor* of_file = nullptr;
  if (model_.lowered() != nullptr) of_file = imported::input_at(*model_.lowered(), index);
  if (of_file != nullptr)
    return imported::fill_sample(model_.inputs(), op, seed, sample, of_file->operand, batch_, to);
  return fill_sample(model_.inputs(), op, seed, sample, model_.group().dtype, to);
}

void OneDnnProgram::set_input(std::uint64_t seed) {
  input_set_ = {};
  for (std::size_t i = 0; i < graph_.input_buffers.size(); ++i) {
    if (graph_.input_buffers[i] < 0) continue;
    for (const Instance& instance : instances_)
      for (std::int64_t sample = 0; sample < batch_; ++sample)
        if (Status filled = fill_input(static_cast<OpIndex>(i), seed, sample, instance); !filled)
          input_set_ = filled;
  }
}

// Of an instance whose last batch was broken off the tensors hold parts of two batches.
void OneDnnProgram::make_whole(int number) {
  Instance& instance = instances_[static_cast<std::size_t>(number)];
  if (instance.whole) return;
  Lanes& lanes = model_.lanes(number);
  lanes.within([&] {
    for (std::size_t step = 0; step < graph_.steps.size(); ++step) execute(instance, step, lanes);
  });
  instance.whole = true;
}

// The first `samples` of them; of a file as the file has it.
std::vector<float> OneDnnProgram::output_of(const Instance& instance, std::int64_t samples) const {
  const Model& model = model_.model();
  const Shape& shape = model.ops[static_cast<std::size_t>(find_op(model, model.output))].output;
  const std::byte* from = buffer(instance, graph_.output_buffer);
  std::vector<float> all;
  const imported::FileTensor* of_file = nullptr;
  if (model_.lowered() != nullptr) of_file = imported::first_output(*model_.lowered());
  if (of_file != nullptr) {
    for (std::int64_t sample = 0; sample < samples; ++sample)
      imported::append_sample(of_file->operand, batch_, sample, from, all);
  } else if (const std::int64_t count = elements(shape) * samples;
             model_.group().dtype == DType::f32) {
    const auto* values = reinterpret_cast<const float*>(from);
    all.assign(values, values + count);
  } else {
    const auto* values = reinterpret_cast<const kernels::Bfloat16*>(from);
    std::transform(values, values + count, std::back_inserter(all),
                   [](kernels::Bfloat16 value) { return kernels::to_float(value); });
  }
  return all;
}

Outcome<std::vector<float>> OneDnnProgram::read_output(std::int64_t samples) {
  try {
    std::vector<float> all;
    for (int number = 0; number < std::ssize(instances_); ++number) {
      make_whole(number);
      const std::vector<float> values = output_of(instances_[static_cast<std::size_t>(number)],
                                                  std::clamp<std::int64_t>(samples, 0, batch_));
      all.insert(all.end(), values.begin(), values.end());
    }
    BT_TRY_VOID(check_calls());
    return all;
  } catch (const std::bad_alloc&) {
    return tl::unexpected(runtime::no_memory("a copy of the output"));
  } catch (const dnnl::error& error) {
    return tl::unexpected(ending_of(error, "the run whose output is to be read"));
  }
}

MemoryUse OneDnnProgram::memory() const {
  MemoryUse use{.weights = graph_.weight_bytes + model_.held_bytes(), .kind = MemoryKind::account};
  for (const Instance& instance : instances_) {
    use.activations += instance.activations.charge.bytes();
    use.workspace += instance.scratch.charge.bytes();
  }
  return use;
}

// Step by step in the first instance, the others at rest.
Outcome<std::vector<LayerTime>> OneDnnProgram::profile(int runs) {
  if (!input_set_) return tl::unexpected(no_samples(input_set_.error()));
  try {
    Instance& instance = instances_.front();
    LayerTimes times;
    model_.lanes(0).within([&] {
      for (int run = 0; run < runs; ++run) {
        times.begin_run();
        for (std::size_t step = 0; step < graph_.steps.size(); ++step) {
          const Seconds start = steady_seconds();
          execute(instance, step, model_.lanes(0));
          const Seconds passed = steady_seconds() - start;
          const Step& of = graph_.steps[step];
          times.add(model_.model().ops[static_cast<std::size_t>(of.op)].name, of.kind, passed);
        }
      }
    });
    instance.whole = true;
    return times.medians();
  } catch (const dnnl::error& error) {
    return tl::unexpected(ending_of(error, "oneDNN could not run a profiled batch"));
  }
}

}  // namespace batchtune::onednn
