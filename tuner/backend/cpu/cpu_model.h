// A model on this machine: its weights, which all instances share, their threads and its account.
#pragma once

#include <memory>
#include <optional>

#include "tuner/backend/cpu/instances.h"
#include "tuner/backend/cpu/weights.h"

namespace batchtune::cpu {

class CpuModel final : public LoadedModel {
 public:
  static Outcome<std::unique_ptr<CpuModel>> load(const Model& model, const LoadOptions& options,
                                                 const KernelChoice& kernels, Bytes machine_memory);

  bool shares_weights() const override { return true; }
  Seconds load_seconds() const override { return load_seconds_; }
  Outcome<std::unique_ptr<Program>> prepare(const Candidate& candidate) override;
  double output_tolerance() const override;

  // For programs and tests.
  const Model& model() const { return model_; }
  const CandidateGroup& group() const { return options_.group; }
  kernels::Dtype dtype() const;
  const KernelChoice& kernels() const { return kernels_; }
  const OpWeights& weights(std::size_t op) const { return weights_[op]; }
  Bytes weight_bytes() const { return weight_bytes_; }
  std::uint64_t seed() const { return options_.seed; }
  Account& account() { return account_; }
  Instances& instances() { return instances_; }

 private:
  CpuModel(const Model& model, const LoadOptions& options, const KernelChoice& kernels,
           Bytes machine_memory);

  Model model_;
  LoadOptions options_;
  KernelChoice kernels_;
  Account account_;
  Instances instances_;
  std::vector<OpWeights> weights_;
  Bytes weight_bytes_ = 0;
  Seconds load_seconds_ = 0;
};

// Whether the cpu backend can run the group at all.
Outcome<kernels::Dtype> supported_dtype(const CandidateGroup& group);

// Why the model cannot be run: it was imported, and has operations that only its file's runtimes know. nullopt: it can.
std::optional<Ending> foreign_operations(const Model& model);

}  // namespace batchtune::cpu
