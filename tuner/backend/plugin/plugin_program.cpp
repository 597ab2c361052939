#include "tuner/backend/plugin/plugin_program.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <new>
#include <span>
#include <utility>

#include "tuner/backend/inputs.h"
#include "tuner/backend/plugin/cancel_watch.h"
#include "tuner/backend/plugin/model_source.h"
#include "tuner/backend/runtime/endings.h"
#include "tuner/backend/runtime/resident.h"

namespace batchtune::plugin {
namespace {

constexpr std::int64_t kPart =
    1 << 20;  // elements of an input handed over at a time, or one sample
// Behind the place of an output: a plugin that writes too much is found out, and mostly does no
// harm.
constexpr std::size_t kGuard = 1024;
constexpr float kGuardValue = -1.25e37F;

struct RunFailed {  // thrown from an instance's thread to the caller's
  Ending ending;
};

// One sample of an input. Integers that are no token ids are 1 where nothing else is known, as for
// every runtime.
Status fill_sample(InputSource& source, std::uint64_t seed, const Op& input, std::int64_t sample,
                   std::span<float> values) {
  if (input.input_kind == InputKind::token_ids) {
    std::vector<std::int32_t> ids(values.size());
    BT_TRY_VOID(source.fill_ids(seed, input, sample, ids));
    std::memcpy(values.data(), ids.data(), values.size_bytes());
    return {};
  }
  if (input.element_bytes == 0 || source.is_file()) return source.fill(seed, input, sample, values);
  std::fill(values.begin(), values.end(), 1.0F);
  return {};
}

Bytes value_bytes(const Model& model) {
  Bytes bytes = 0;
  for (const Op* input : input_operations(model)) bytes += elements(input->output);
  const OpIndex output = find_op(model, model.output);
  if (output >= 0) bytes += elements(model.ops[static_cast<std::size_t>(output)].output);
  return bytes * static_cast<Bytes>(sizeof(float));
}

}  // namespace

Outcome<std::unique_ptr<PluginProgram>> PluginProgram::prepare(PluginModel& model,
                                                               std::int64_t batch) {
  std::unique_ptr<PluginProgram> program(new PluginProgram(model, batch));
  const PluginDevice& device = model.device();
  const std::string what = "prepare batch " + std::to_string(batch);
  const bool looks = device.memory_kind() == MemoryKind::rss;
  const Bytes before = looks ? runtime::settled_resident_bytes() : 0;
  for (int instance = 0; instance < model.instances().count(); ++instance) {
    bt_program* raw = nullptr;
    BT_TRY_VOID(device.outcome(device.table().prepare(model.handle(), batch, &raw), what));
    if (raw == nullptr) return made_nothing(what);
    program->programs_.emplace_back(raw, device.table().release);
  }
  if (looks) program->grown_ = std::max<Bytes>(0, runtime::settled_resident_bytes() - before);
  return program;
}

void PluginProgram::set_input(std::uint64_t seed) {
  input_failure_.reset();
  for (const Handle& program : programs_) {
    Outcome<void> written;
    try {
      written = write_inputs(program.get(), seed);
    } catch (const std::bad_alloc&) {
      written = tl::unexpected(runtime::no_memory("make the input"));
    }
    if (!written) input_failure_ = written.error();
  }
}

Outcome<void> PluginProgram::write_inputs(bt_program* program, std::uint64_t seed) const {
  const PluginDevice& device = model_.device();
  const std::vector<const Op*> inputs = input_operations(model_.model());
  for (std::uint32_t i = 0; i < inputs.size(); ++i) {
    const std::int64_t size = elements(inputs[i]->output);
    const std::int64_t part =
        std::min(batch_, std::max<std::int64_t>(1, kPart / std::max<std::int64_t>(1, size)));
    std::vector<float> values(static_cast<std::size_t>(part * size));
    for (std::int64_t first = 0; first < batch_; first += part) {
      const std::int64_t samples = std::min(part, batch_ - first);
      for (std::int64_t sample = 0; sample < samples; ++sample) {
        const auto filled =
            fill_sample(model_.samples(), seed, *inputs[i], first + sample,
                        {values.data() + sample * size, static_cast<std::size_t>(size)});
        if (!filled) return tl::unexpected(no_samples(filled.error()));
      }
      BT_TRY_VOID(
          device.outcome(device.table().write_input(program, i, first, samples, values.data()),
                         "take samples of its input " + inputs[i]->name));
    }
  }
  return {};
}

Outcome<RunTimes> PluginProgram::run(int n) {
  if (input_failure_) return tl::unexpected(*input_failure_);
  const CancellableRun in_progress(*this);
  if (programs_.size() > 1) return run_side_by_side(n);
  const PluginDevice& device = model_.device();
  RunTimes times;
  // Not a number where the plugin writes nothing.
  times.seconds.assign(static_cast<std::size_t>(n), std::numeric_limits<double>::quiet_NaN());
  times.instance.assign(static_cast<std::size_t>(n), 0);
  times.clock = device.clock();
  BT_TRY_VOID(device.outcome(device.table().run(programs_.front().get(), n, times.seconds.data()),
                             "run batch " + std::to_string(batch_)));
  return times;
}

Outcome<RunTimes> PluginProgram::run_side_by_side(int n) {
  const PluginDevice& device = model_.device();
  try {
    return model_.instances().run(n, [&](int instance) {
      double seconds = 0;
      bt_program* const program = programs_[static_cast<std::size_t>(instance)].get();
      auto done = device.outcome(device.table().run(program, 1, &seconds),
                                 "run batch " + std::to_string(batch_));
      if (!done) throw RunFailed{std::move(done.error())};
    });
  } catch (RunFailed& failure) {
    return tl::unexpected(std::move(failure.ending));
  }
}

Outcome<std::vector<float>> PluginProgram::read_output(std::int64_t samples) {
  std::vector<float> output;
  for (const Handle& program : programs_)
    BT_TRY_VOID(append_output(program.get(), std::clamp<std::int64_t>(samples, 0, batch_), output));
  return output;
}

Outcome<void> PluginProgram::append_output(bt_program* program, std::int64_t samples,
                                           std::vector<float>& output) const {
  const PluginDevice& device = model_.device();
  const Model& model = model_.model();
  const Op& op = model.ops[static_cast<std::size_t>(find_op(model, model.output))];
  const std::int64_t capacity = samples * elements(op.output);
  const auto size = static_cast<std::size_t>(capacity);
  std::vector<float> values(size + kGuard, std::numeric_limits<float>::quiet_NaN());
  std::fill(values.begin() + capacity, values.end(), kGuardValue);
  std::int64_t written = 0;
  BT_TRY_VOID(device.outcome(
      device.table().read_output(program, samples, values.data(), capacity, &written),
      "give its output"));
  const bool overran = std::any_of(values.begin() + capacity, values.end(),
                                   [](float value) { return !(value == kGuardValue); });
  if (overran)
    return tl::unexpected(Ending{TrialStatus::wrong_result, "the plugin wrote beyond its output",
                                 "more than " + std::to_string(capacity) + " values", ""});
  if (written != capacity)
    return tl::unexpected(Ending{TrialStatus::wrong_result, "the output has another size",
                                 std::to_string(written) + " values of " + std::to_string(capacity),
                                 ""});
  output.insert(output.end(), values.begin(), values.begin() + capacity);
  return {};
}

MemoryUse PluginProgram::memory() const {
  return model_.device().memory_kind() == MemoryKind::rss ? memory_as_grown() : memory_as_told();
}

// Of all instances; the weights once. What it cannot say is 0.
MemoryUse PluginProgram::memory_as_told() const {
  MemoryUse use;
  use.kind = model_.device().memory_kind();
  for (const Handle& program : programs_) {
    bt_memory told{};
    told.struct_size = sizeof told;
    if (model_.device().table().memory(program.get(), &told) != BT_OK) continue;
    use.weights = std::max<Bytes>(use.weights, told.weights);
    use.activations += std::max<Bytes>(0, told.activations);
    use.workspace += std::max<Bytes>(0, told.workspace);
  }
  return use;
}

MemoryUse PluginProgram::memory_as_grown() const {
  const Bytes activations =
      value_bytes(model_.model()) * batch_ * static_cast<Bytes>(programs_.size());
  return {model_.grown_by_loading(), activations, std::max<Bytes>(0, grown_ - activations),
          MemoryKind::rss};
}

bool PluginProgram::can_cancel() const {
  return model_.device().table().cancel != nullptr;
}

void PluginProgram::cancel() {
  for (const Handle& program : programs_) model_.device().table().cancel(program.get());
}

}  // namespace batchtune::plugin
