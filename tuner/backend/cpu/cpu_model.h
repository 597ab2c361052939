// A model on this machine: its weights, which all instances share, their threads and its account.
#pragma once

#include <memory>
#include <optional>

#include "tuner/backend/cpu/instances.h"
#include "tuner/backend/cpu/weights.h"
#include "tuner/backend/imported/lowered.h"
#include "tuner/backend/inputs.h"
#include "tuner/backend/module_services.h"

namespace batchtune::cpu {

class CpuModel final : public LoadedModel {
 public:
  // A model that was read from a file is lowered first: its operations become native ones, its
  // weights are the file's.
  static Outcome<std::unique_ptr<CpuModel>> load(const Model& model, const LoadOptions& options,
                                                 const KernelChoice& kernels, Bytes machine_memory,
                                                 GraphReader read);
  static Outcome<std::unique_ptr<CpuModel>> load(imported::LoweredModel lowered,
                                                 const LoadOptions& options,
                                                 const KernelChoice& kernels, Bytes machine_memory);

  bool shares_weights() const override { return true; }
  Seconds load_seconds() const override { return load_seconds_; }
  Outcome<std::unique_ptr<Program>> prepare(const Candidate& candidate) override;
  double output_tolerance() const override;

  // For programs and tests.
  const Model& model() const { return model_; }  // as it runs: of native operations
  const imported::LoweredModel* lowered() const { return lowered_.get(); }  // imported models only
  const CandidateGroup& group() const { return options_.group; }
  kernels::Dtype dtype() const;
  const KernelChoice& kernels() const { return kernels_; }
  const OpWeights& weights(std::size_t op) const { return weights_[op]; }
  Bytes weight_bytes() const { return weight_bytes_; }
  std::uint64_t seed() const { return options_.seed; }
  Account& account() { return account_; }
  Instances& instances() { return instances_; }
  InputSource& inputs() { return inputs_; }

 private:
  CpuModel(const Model& model, const LoadOptions& options, const KernelChoice& kernels,
           Bytes machine_memory);

  Outcome<void> load_weights_from(WeightValues& values);
  Outcome<void> charge_constants();

  Model model_;
  std::unique_ptr<imported::LoweredModel> lowered_;
  LoadOptions options_;
  KernelChoice kernels_;
  Account account_;
  Instances instances_;
  InputSource inputs_;
  std::vector<OpWeights> weights_;
  Charge constants_;  // of calls
  Bytes weight_bytes_ = 0;
  Seconds load_seconds_ = 0;
};

// Whether the cpu backend can run the group at all.
Outcome<kernels::Dtype> supported_dtype(const CandidateGroup& group);

// Why the model cannot be run: it has operations that are counted alone, and no file to read them
// from. nullopt: it can.
std::optional<Ending> foreign_operations(const Model& model);

}  // namespace batchtune::cpu
