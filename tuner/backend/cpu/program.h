// A model prepared for one batch: activations, workspace and a flat list of steps, of each instance
// its own.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "tuner/backend/cpu/cpu_model.h"
#include "tuner/backend/cpu/lowering.h"
#include "tuner/workload/memory_plan.h"

namespace batchtune::cpu {

class CpuProgram final : public Program {
 public:
  static Outcome<std::unique_ptr<CpuProgram>> prepare(CpuModel& model, std::int64_t batch);

  Outcome<RunTimes> run(int n) override;
  void set_input(std::uint64_t seed) override;  // where it fails, the next run says so
  Outcome<std::vector<float>> read_output(std::int64_t samples) override;
  MemoryUse memory() const override;
  // Of the first instance alone, an operation at a time.
  Outcome<std::vector<LayerTime>> profile(int runs) override;

  // An imported model's inputs and outputs by their names in the file, of the first instance: whole
  // tensors, in the file's types and order. What is written stays until the input is set again.
  Status write_file_input(const std::string& name, const std::string& bytes);
  Result<RawTensor> read_file_output(const std::string& name) const;

  // For tests and benchmarks: one run of the first instance with a call after every operation, when
  // its tensor is still there (the arena is reused later in the run).
  void run_stepwise(const std::function<void(OpIndex op, Seconds seconds)>& after);
  // The first `samples` samples of an operation's tensor as f32; not for token ids.
  std::vector<float> read_tensor(OpIndex op, std::int64_t samples, int instance = 0) const;

 private:
  struct Instance {
    AccountedBuffer activations, workspace;
    std::vector<Step> steps = {};
    bool whole = false;                  // its last batch was not broken off
    imported::CallFailure failure = {};  // of imported models
  };

  CpuProgram(CpuModel& model, std::int64_t batch) : model_(model), batch_(batch) {}
  Outcome<void> allocate_memory();
  void touch();
  void make_whole(int instance);
  Outcome<void> check_calls() const;
  Status fill_input(OpIndex op, std::uint64_t seed, std::int64_t sample, int instance);
  std::byte* tensor(OpIndex op, int instance) const;

  CpuModel& model_;
  std::int64_t batch_;
  MemoryPlan plan_;
  imported::CallConstants call_constants_;
  std::vector<Instance> instances_;
  Status input_set_;
};

}  // namespace batchtune::cpu
