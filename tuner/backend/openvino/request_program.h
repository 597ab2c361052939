// A batch in OpenVINO: the model compiled for it (or that for all batches), and a request of each
// instance, whose inputs and outputs are allocated once.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "tuner/backend/openvino/compiled_group.h"

namespace batchtune::openvino {

class RequestProgram final : public Program {
 public:
  // Runs once, which makes the runtime take the memory that the batch needs.
  static Outcome<std::unique_ptr<RequestProgram>> prepare(CompiledGroup& group, std::int64_t batch);

  Outcome<RunTimes> run(int n) override;
  void set_input(std::uint64_t seed) override;  // where it fails, the next run says so
  Outcome<std::vector<float>> read_output(std::int64_t samples) override;
  // Activations: inputs and the output. Workspace: what the process had grown by beside them when
  // it was prepared, packed weights included where the model was compiled for it.
  MemoryUse memory() const override { return memory_; }
  // By a model that is compiled for it, with one request. OpenVINO gives means over all runs, in whole
  // microseconds. What it computes in passing is named behind the node that does it: "conv1+relu1".
  Outcome<std::vector<LayerTime>> profile(int runs) override;

 private:
  struct TensorView {
    Owned<Tensor> tensor;
    runtime::Element element = runtime::Element::f32;
    runtime::TensorLayout layout;
    void* data = nullptr;
  };
  struct Instance {
    Owned<InferRequest> request;
    std::vector<TensorView> inputs;
  };

  RequestProgram(CompiledGroup& group, std::int64_t batch) : group_(group), batch_(batch) {}
  Outcome<void> add_instance(const CompiledModel* compiled);
  // A tensor of ours in place of one whose batch is open.
  Outcome<void> set_own_tensor(InferRequest* request, const Input& input) const;
  Outcome<void> fill_inputs(std::uint64_t seed);
  Outcome<void> run_once(int instance);
  enum class Side { input, output };
  Outcome<TensorView> view(const InferRequest* request, const OnnxTensor& tensor, OpIndex op,
                           Side side) const;
  Outcome<TensorView> output_of(const Instance& instance) const;  // after a run
  Outcome<Bytes> input_and_output_bytes() const;

  CompiledGroup& group_;
  std::int64_t batch_;
  std::optional<std::uint64_t> seed_;  // of the inputs as they are
  Outcome<void> input_set_;
  Owned<CompiledModel> compiled_;      // nullptr: it is the group's, for all batches
  std::vector<Instance> instances_;    // of the compiled model: they go first
  MemoryUse memory_;
};

}  // namespace batchtune::openvino
