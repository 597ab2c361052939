// A model prepared for one batch: primitives that all instances share, and of each instance its
// activations, its scratch memory and a flat list of calls.
#pragma once

#include <memory>
#include <vector>

#include "tuner/backend/imported/prepared_calls.h"
#include "tuner/backend/onednn/graph.h"
#include "tuner/backend/onednn/onednn_model.h"

namespace batchtune::onednn {

class OneDnnProgram final : public Program {
 public:
  static Outcome<std::unique_ptr<OneDnnProgram>> prepare(OneDnnModel& model, std::int64_t batch);

  Outcome<RunTimes> run(int n) override;
  void set_input(std::uint64_t seed) override;  // where it fails, the next run says so
  Outcome<std::vector<float>> read_output(std::int64_t samples) override;
  MemoryUse memory() const override;
  Outcome<std::vector<LayerTime>> profile(int runs) override;

  const Graph& graph() const { return graph_; }  // for tests

 private:
  // A step with the bytes of one instance.
  struct Call {
    std::vector<dnnl::memory> memories;
    std::vector<dnnl_exec_arg_t> arguments;
    std::vector<void*> operands;                   // of own steps
    std::function<void(kernels::Team&)> run = {};  // of calls
  };
  struct Instance {
    cpu::AccountedBuffer activations, scratch;
    dnnl::stream stream;
    std::vector<Call> calls = {};        // one per step
    bool whole = false;                  // its last batch was not broken off
    imported::CallFailure failure = {};  // of a file's calls
  };

  OneDnnProgram(OneDnnModel& model, std::int64_t batch) : model_(model), batch_(batch) {}
  Outcome<void> allocate_memory();
  void bind(Instance& instance);
  std::function<void(kernels::Team&)> prepare_call(Instance& instance,
                                                   const imported::NodeCall& call) const;
  Outcome<void> check_calls() const;
  Status fill_input(OpIndex op, std::uint64_t seed, std::int64_t sample, const Instance& instance);
  std::vector<float> output_of(const Instance& instance, std::int64_t samples) const;
  void* address(const Instance& instance, const Operand& operand) const;
  std::byte* buffer(const Instance& instance, int buffer) const;
  void execute(Instance& instance, std::size_t step, const Lanes& lanes) const;
  void run_batch(int number);
  void make_whole(int number);

  OneDnnModel& model_;
  std::int64_t batch_;
  Graph graph_;
  imported::CallConstants call_constants_;
  std::vector<dnnl::primitive> primitives_;  // one per step; empty where it is none
  std::vector<Instance> instances_;
  Status input_set_;
};

// How a call of the library ended.
Ending ending_of(const dnnl::error& error, const std::string& what);

}  // namespace batchtune::onednn
