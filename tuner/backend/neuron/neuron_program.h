// One batch size on the device: a loaded NEFF with its tensors.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tuner/backend/neuron/captured_log.h"
#include "tuner/backend/neuron/neuron_model.h"
#include "tuner/backend/runtime/element.h"

namespace batchtune::neuron {

class NeuronProgram final : public Program {
 public:
  // `program`: what was compiled; nullptr for a NEFF of the user's.
  static Outcome<std::unique_ptr<Program>> prepare(NeuronModel& model, const std::string& neff,
                                                   const HloModule* program, std::int64_t batch);

  Outcome<RunTimes> run(int n) override;
  void set_input(std::uint64_t seed) override;
  Outcome<std::vector<float>> read_output(std::int64_t samples) override;
  MemoryUse memory() const override { return memory_; }

 private:
  // A tensor of the NEFF with what gives its values.
  struct Input {
    NeffTensor neff;
    std::optional<HloTensor> ours;  // nullopt: unknown
    Tensor* tensor = nullptr;
  };
  // What an execution has for itself, so that several may be under way on the core.
  struct Flight {
    std::deque<Tensor> tensors;  // where they lie they stay
    TensorSet input_set, output_set;
    std::vector<Input> inputs;  // of the model: no weights
    const Tensor* result = nullptr;
  };

  NeuronProgram(NeuronModel& model, std::int64_t batch, LoadedNeff neff)
      : model_(model), batch_(batch), neff_(std::move(neff)) {}
  Outcome<void> add_flight(const HloModule* program);
  Outcome<void> add_inputs(Flight& flight, const HloModule* program);
  Outcome<void> add_outputs(Flight& flight, const HloModule* program);
  Outcome<Tensor*> own_tensor(Flight& flight, const NeffTensor& described);
  Outcome<RunTimes> run_timed(int n, const CapturedLog* log);
  void account();

  NeuronModel& model_;
  std::int64_t batch_;
  std::deque<Flight> flights_;
  LoadedNeff neff_;                                   // first to go
  runtime::Element element_ = runtime::Element::f32;  // of the result
  std::optional<Ending> input_failure_;               // told by the next run
  std::optional<MemoryStats> before_;                 // the core's, when nothing of this was there
  MemoryUse memory_{};
  bool has_run_ = false;
};

}  // namespace batchtune::neuron
