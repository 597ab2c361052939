// One batch size on the device: a NEFF, loaded on each of the group's cores, with its tensors.
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
  // `program`: what was compiled; nullptr for a NEFF of the user's. `waited`: for its compiler.
  static Outcome<std::unique_ptr<Program>> prepare(NeuronModel& model, const std::string& neff,
                                                   const HloModule* program, std::int64_t batch,
                                                   std::optional<Seconds> waited);

  Outcome<RunTimes> run(int n) override;
  void set_input(std::uint64_t seed) override;
  Outcome<std::vector<float>> read_output(std::int64_t samples) override;
  // Of one core: what ends is the memory of a core, and all of them hold the same.
  MemoryUse memory() const override { return memory_; }
  std::optional<Seconds> compile_seconds() const override { return waited_; }

 private:
  // A tensor of the NEFF with what gives its values.
  struct Input {
    NeffTensor neff;
    std::optional<HloTensor> ours;  // nullopt: unknown
    Tensor* tensor = nullptr;
  };
  // What an execution has for itself, so that several may be under way on the core.
  struct Flight {
    int core = 0;
    std::deque<Tensor> tensors;  // where they lie they stay
    TensorSet input_set, output_set;
    std::vector<Input> inputs;  // of the model: no weights
    const Tensor* result = nullptr;
  };

  NeuronProgram(NeuronModel& model, std::int64_t batch, std::optional<Seconds> waited)
      : model_(model), batch_(batch), waited_(waited) {}
  const LoadedNeff& neff_of(const Flight& flight) const {
    return neffs_[static_cast<std::size_t>(flight.core)];
  }
  Outcome<void> add_core(int core, const std::string& neff);
  Outcome<void> add_flight(int core, const HloModule* program);
  Outcome<void> add_inputs(Flight& flight, const HloModule* program);
  Outcome<void> add_outputs(Flight& flight, const HloModule* program);
  Outcome<Tensor*> own_tensor(Flight& flight, const NeffTensor& described);
  Outcome<RunTimes> run_timed(int n, const CapturedLog* log);
  void account();

  NeuronModel& model_;
  std::int64_t batch_;
  std::optional<Seconds> waited_;
  std::deque<Flight> flights_;
  runtime::Element element_ = runtime::Element::f32;  // of the result
  std::optional<Ending> input_failure_;               // told by the next run
  std::vector<std::optional<MemoryStats>> before_;    // of each core, when nothing of this was there
  MemoryUse memory_{};
  bool has_run_ = false;
  std::deque<LoadedNeff> neffs_;  // by core; first to go
};

}  // namespace batchtune::neuron
