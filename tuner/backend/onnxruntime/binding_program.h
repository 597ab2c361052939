// A batch in ONNX Runtime: of each instance a binding of inputs and outputs that were allocated
// before, so that a run allocates nothing of ours.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "tuner/backend/onnxruntime/session_model.h"

namespace batchtune::onnxruntime {

class BindingProgram final : public Program {
 public:
  // Runs once: only then are the outputs' dimensions known, and the runtime's arena as large as
  // this batch needs it.
  static Outcome<std::unique_ptr<BindingProgram>> prepare(SessionModel& model, std::int64_t batch);

  Outcome<RunTimes> run(int n) override;
  void set_input(std::uint64_t seed) override;  // where it fails, the next run says so
  Outcome<std::vector<float>> read_output(std::int64_t samples) override;
  // Weights: of the sessions. Activations: inputs and outputs. Workspace: what the process had
  // grown by beside them when it was prepared; nothing where an earlier program's was enough.
  MemoryUse memory() const override { return memory_; }
  Outcome<std::vector<LayerTime>> profile(int runs) override { return model_.profile(batch_, runs); }

 private:
  struct Bound {  // an input
    Owned<Value> value;
    runtime::TensorLayout layout;
    void* data = nullptr;
  };
  struct Instance {
    Owned<IoBinding> binding;
    std::vector<Bound> inputs;
    std::vector<Owned<Value>> outputs;
  };

  BindingProgram(SessionModel& model, std::int64_t batch) : model_(model), batch_(batch) {}
  Outcome<void> add_instance(int instance);
  Outcome<Bound> make_input(const Input& input) const;
  Outcome<void> fill_inputs(std::uint64_t seed);
  Outcome<void> bind_outputs(int instance);
  Outcome<void> run_once(int instance);
  Outcome<Bytes> bytes_of(Value* value) const;
  Outcome<Bytes> input_and_output_bytes() const;
  Outcome<void> append_output(int instance, std::int64_t samples, std::vector<float>& values) const;

  SessionModel& model_;
  std::int64_t batch_;
  std::optional<std::uint64_t> seed_;  // of the inputs as they are
  Outcome<void> input_set_;
  std::vector<Instance> instances_;
  MemoryUse memory_;
};

}  // namespace batchtune::onnxruntime
