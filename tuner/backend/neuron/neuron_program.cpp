#include "tuner/backend/neuron/neuron_program.h"

#include <algorithm>
#include <utility>

#include "tuner/backend/neuron/endings.h"
#include "tuner/backend/neuron/values.h"

namespace batchtune::neuron {
namespace {

// A compiler that does not keep our names counts: "input0", "output1".
const HloTensor* find_tensor(const std::vector<HloTensor>& known, const std::string& name,
                             const std::string& counted) {
  for (std::size_t i = 0; i < known.size(); ++i)
    if (known[i].name == name || counted + std::to_string(i) == name) return &known[i];
  return nullptr;
}

struct ExecutionFailed {  // thrown from a flight's thread to the caller's
  NrtStatus status;
};

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

Outcome<std::unique_ptr<Program>> NeuronProgram::prepare(NeuronModel& model,
                                                         const std::string& neff,
                                                         const HloModule* program,
                                                         std::int64_t batch,
                                                         std::optional<Seconds> waited) {
  std::unique_ptr<NeuronProgram> made(new NeuronProgram(model, batch, waited));
  for (int core = 0; core < model.cores(); ++core) BT_TRY_VOID(made->add_core(core, neff));
  for (int i = 0; i < model.in_flight().count(); ++i)
    BT_TRY_VOID(made->add_flight(i % model.cores(), program));
  made->account();
  return std::unique_ptr<Program>(std::move(made));
}

Outcome<void> NeuronProgram::add_core(int core, const std::string& neff) {
  before_.push_back(model_.library().memory(core));
  BT_TRY(loaded, LoadedNeff::load(model_.library(), core, neff));
  neffs_.push_back(std::move(loaded));
  return {};
}

Outcome<void> NeuronProgram::add_flight(int core, const HloModule* program) {
  BT_TRY(inputs, TensorSet::make(model_.library()));
  BT_TRY(outputs, TensorSet::make(model_.library()));
  flights_.push_back({core, {}, std::move(inputs), std::move(outputs), {}, nullptr});
  BT_TRY_VOID(add_inputs(flights_.back(), program));
  return add_outputs(flights_.back(), program);
}

Outcome<Tensor*> NeuronProgram::own_tensor(Flight& flight, const NeffTensor& described) {
  BT_TRY(tensor,
         Tensor::allocate(model_.library(), flight.core, described.name, described.bytes));
  flight.tensors.push_back(std::move(tensor));
  if (flight.core == 0) memory_.activations += static_cast<Bytes>(described.bytes);
  return &flight.tensors.back();
}

Outcome<void> NeuronProgram::add_inputs(Flight& flight, const HloModule* program) {
  const std::vector<NeffTensor>& inputs = neff_of(flight).inputs();
  for (const NeffTensor& each : inputs) {
    const HloTensor* const ours =
        program == nullptr ? nullptr : find_tensor(program->parameters, each.name, "input");
    if (program != nullptr && ours == nullptr)
      return failed("the NEFF has an input that the program has not",
                    each.name + " of " + names_of(inputs));
    if (ours != nullptr) BT_TRY_VOID(check_size(each, *ours));
    if (const Tensor* const weight =
            ours != nullptr ? model_.weight(ours->name, flight.core) : nullptr) {
      BT_TRY_VOID(flight.input_set.add(each.name, *weight));
      continue;
    }
    BT_TRY(tensor, own_tensor(flight, each));
    BT_TRY_VOID(flight.input_set.add(each.name, *tensor));
    flight.inputs.push_back({each, ours != nullptr ? std::optional(*ours) : std::nullopt, tensor});
  }
  return {};
}

// The result is the model's output, of a user's NEFF its first.
Outcome<void> NeuronProgram::add_outputs(Flight& flight, const HloModule* program) {
  const std::vector<NeffTensor>& outputs = neff_of(flight).outputs();
  for (const NeffTensor& each : outputs) {
    const HloTensor* const ours =
        program == nullptr ? nullptr : find_tensor(program->results, each.name, "output");
    if (ours != nullptr) BT_TRY_VOID(check_size(each, *ours));
    BT_TRY(tensor, own_tensor(flight, each));
    BT_TRY_VOID(flight.output_set.add(each.name, *tensor));
    const bool is_result =
        program == nullptr ? flight.result == nullptr : ours == &program->results[0];
    if (!is_result) continue;
    flight.result = tensor;
    element_ = ours != nullptr ? element_of(ours->element)
                               : element_of(each.type).value_or(runtime::Element::u8);
  }
  if (flight.result != nullptr) return {};
  return failed("the NEFF has not the program's result",
                "its outputs: " + names_of(outputs));
}

// What a core holds more than before, beside the tensors, is code, scratch memory and rings.
// Rings come with the first run. The fullest core counts.
void NeuronProgram::account() {
  memory_.kind = MemoryKind::device;
  memory_.weights = model_.weight_bytes();
  for (int core = 0; core < model_.cores(); ++core) {
    const auto& before = before_[static_cast<std::size_t>(core)];
    const std::optional<MemoryStats> now = model_.library().memory(core);
    if (!now || !before) continue;
    const auto rise = static_cast<Bytes>(now->bytes_used) - static_cast<Bytes>(before->bytes_used);
    memory_.workspace = std::max(memory_.workspace, rise - memory_.activations);
  }
}

void NeuronProgram::set_input(std::uint64_t seed) {
  input_failure_.reset();
  for (const Flight& flight : flights_)
    for (const Input& input : flight.inputs) {
      const auto written = input.ours
                               ? write_input(*input.tensor, model_.model(), *input.ours, seed)
                               : write_unknown(*input.tensor, input.neff, batch_, seed);
      if (!written) input_failure_ = written.error();
    }
}

Outcome<RunTimes> NeuronProgram::run_timed(int n, const CapturedLog* log) {
  try {
    return model_.in_flight().run(n, [this](int i) {
      const Flight& flight = flights_[static_cast<std::size_t>(i)];
      const NrtStatus status = neff_of(flight).execute(flight.input_set, flight.output_set);
      if (status != kSuccess) throw ExecutionFailed{status};
    });
  } catch (const ExecutionFailed& failure) {
    return tl::unexpected(ending_of_call(Step::execute, "nrt_execute", failure.status,
                                         log != nullptr ? log->text() : ""));
  }
}

// The log is looked at in the first run alone: what does not fit ends there, and later ones are
// timed.
Outcome<RunTimes> NeuronProgram::run(int n) {
  if (input_failure_) return tl::unexpected(*input_failure_);
  if (has_run_) return run_timed(n, nullptr);
  RunTimes times;
  {
    const CapturedLog log;
    BT_TRY(first, run_timed(1, &log));
    times = std::move(first);
  }
  has_run_ = true;
  account();
  if (n == 1) return times;
  BT_TRY(others, run_timed(n - 1, nullptr));
  times.seconds.insert(times.seconds.end(), others.seconds.begin(), others.seconds.end());
  times.instance.insert(times.instance.end(), others.instance.begin(), others.instance.end());
  return times;
}

Outcome<std::vector<float>> NeuronProgram::read_output(std::int64_t samples) {
  std::vector<float> all;
  for (const Flight& flight : flights_) {
    BT_TRY(values, read_samples(*flight.result, element_, batch_, samples));
    all.insert(all.end(), values.begin(), values.end());
  }
  return all;
}

}  // namespace batchtune::neuron
