#include "tuner/backend/neuron/neuron_program.h"

#include <algorithm>
#include <utility>

#include "tuner/backend/neuron/endings.h"
#include "tuner/backend/neuron/values.h"
#include "tuner/backend/side_by_side.h"

namespace batchtune::neuron {
namespace {

// A compiler that does not keep our names counts: "input0", "output1".
const HloTensor* find_tensor(const std::vector<HloTensor>& known, const std::string& name,
                             const std::string& counted) {
  for (std::size_t i = 0; i < known.size(); ++i)
    if (known[i].name == name || counted + std::to_string(i) == name) return &known[i];
  return nullptr;
}

tl::unexpected<Ending> failed(std::string reason, std::string evidence) {
  return tl::unexpected(Ending{TrialStatus::failed, std::move(reason), std::move(evidence), ""});
}

Outcome<void> check_size(const NeffTensor& neff, const HloTensor& ours) {
  if (neff.bytes == static_cast<std::size_t>(bytes_of(ours))) return {};
  return failed("the NEFF has a tensor of another size than the program",
                neff.name + ": " + std::to_string(neff.bytes) + " bytes, wanted " +
                    std::to_string(bytes_of(ours)));
}

std::string names_of(const std::vector<NeffTensor>& tensors) {
  std::string names;
  for (const NeffTensor& tensor : tensors) names += (names.empty() ? "" : ", ") + tensor.name;
  return names;
}

}  // namespace

NeuronProgram::NeuronProgram(const NeuronModel& model, std::int64_t batch, LoadedNeff neff,
                             TensorSet inputs, TensorSet outputs)
    : model_(model),
      batch_(batch),
      input_set_(std::move(inputs)),
      output_set_(std::move(outputs)),
      neff_(std::move(neff)) {}

Outcome<std::unique_ptr<Program>> NeuronProgram::prepare(const NeuronModel& model,
                                                         const std::string& neff,
                                                         const HloModule* program,
                                                         std::int64_t batch) {
  const std::optional<MemoryStats> before = model.library().memory();
  BT_TRY(loaded, LoadedNeff::load(model.library(), neff));
  BT_TRY(inputs, TensorSet::make(model.library()));
  BT_TRY(outputs, TensorSet::make(model.library()));
  std::unique_ptr<NeuronProgram> made(
      new NeuronProgram(model, batch, std::move(loaded), std::move(inputs), std::move(outputs)));
  made->before_ = before;
  BT_TRY_VOID(made->add_inputs(program));
  BT_TRY_VOID(made->add_outputs(program));
  made->account();
  return std::unique_ptr<Program>(std::move(made));
}

Outcome<Tensor*> NeuronProgram::own_tensor(const NeffTensor& described) {
  BT_TRY(tensor, Tensor::allocate(model_.library(), described.name, described.bytes));
  tensors_.push_back(std::move(tensor));
  memory_.activations += static_cast<Bytes>(described.bytes);
  return &tensors_.back();
}

Outcome<void> NeuronProgram::add_inputs(const HloModule* program) {
  for (const NeffTensor& each : neff_.inputs()) {
    const HloTensor* const ours =
        program == nullptr ? nullptr : find_tensor(program->parameters, each.name, "input");
    if (program != nullptr && ours == nullptr)
      return failed("the NEFF has an input that the program has not",
                    each.name + " of " + names_of(neff_.inputs()));
    if (ours != nullptr) BT_TRY_VOID(check_size(each, *ours));
    if (const Tensor* const weight = ours != nullptr ? model_.weight(ours->name) : nullptr) {
      BT_TRY_VOID(input_set_.add(each.name, *weight));
      continue;
    }
    BT_TRY(tensor, own_tensor(each));
    BT_TRY_VOID(input_set_.add(each.name, *tensor));
    inputs_.push_back({each, ours != nullptr ? std::optional(*ours) : std::nullopt, tensor});
  }
  return {};
}

// The result is the model's output, of a user's NEFF its first.
Outcome<void> NeuronProgram::add_outputs(const HloModule* program) {
  for (const NeffTensor& each : neff_.outputs()) {
    const HloTensor* const ours =
        program == nullptr ? nullptr : find_tensor(program->results, each.name, "output");
    if (ours != nullptr) BT_TRY_VOID(check_size(each, *ours));
    BT_TRY(tensor, own_tensor(each));
    BT_TRY_VOID(output_set_.add(each.name, *tensor));
    const bool is_result = program == nullptr ? result_ == nullptr : ours == &program->results[0];
    if (!is_result) continue;
    result_ = tensor;
    element_ = ours != nullptr ? element_of(ours->element)
                               : element_of(each.type).value_or(runtime::Element::u8);
  }
  if (result_ != nullptr) return {};
  return failed("the NEFF has not the program's result",
                "its outputs: " + names_of(neff_.outputs()));
}

// What the core holds more than before, beside the tensors, is code, scratch memory and rings.
// Rings come with the first run.
void NeuronProgram::account() {
  memory_.kind = MemoryKind::device;
  memory_.weights = model_.weight_bytes();
  const std::optional<MemoryStats> now = model_.library().memory();
  if (!now || !before_) return;
  const auto rise = static_cast<Bytes>(now->bytes_used) - static_cast<Bytes>(before_->bytes_used);
  memory_.workspace = std::max({Bytes{0}, memory_.workspace, rise - memory_.activations});
}

void NeuronProgram::set_input(std::uint64_t seed) {
  input_failure_.reset();
  for (const Input& input : inputs_) {
    const auto written = input.ours ? write_input(*input.tensor, model_.model(), *input.ours, seed)
                                    : write_unknown(*input.tensor, input.neff, batch_, seed);
    if (!written) input_failure_ = written.error();
  }
}

Outcome<Seconds> NeuronProgram::run_once(const CapturedLog* log) {
  const Seconds start = steady_seconds();
  const NrtStatus status = neff_.execute(input_set_, output_set_);
  const Seconds seconds = steady_seconds() - start;
  if (status == kSuccess) return seconds;
  return tl::unexpected(
      ending_of_call(Step::execute, "nrt_execute", status, log != nullptr ? log->text() : ""));
}

// The log is looked at in the first run alone: what does not fit ends there, and later ones are
// timed.
Outcome<Seconds> NeuronProgram::run_first() {
  const CapturedLog log;
  BT_TRY(seconds, run_once(&log));
  has_run_ = true;
  account();
  return seconds;
}

Outcome<RunTimes> NeuronProgram::run(int n) {
  if (input_failure_) return tl::unexpected(*input_failure_);
  RunTimes times;
  for (int i = 0; i < n; ++i) {
    BT_TRY(seconds, has_run_ ? run_once(nullptr) : run_first());
    times.seconds.push_back(seconds);
  }
  times.instance.assign(times.seconds.size(), 0);
  return times;
}

Outcome<std::vector<float>> NeuronProgram::read_output(std::int64_t samples) {
  return read_samples(*result_, element_, batch_, samples);
}

}  // namespace batchtune::neuron
