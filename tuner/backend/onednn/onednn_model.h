// A model on oneDNN: its weights, which all instances share, their threads and its account.
#pragma once

#include <memory>
#include <vector>

#include "tuner/backend/cpu/account.h"
#include "tuner/backend/inputs.h"
#include "tuner/backend/onednn/graph.h"
#include "tuner/backend/onednn/lanes.h"
#include "tuner/backend/onednn/source.h"
#include "tuner/backend/onednn/weights.h"
#include "tuner/backend/side_by_side.h"

namespace batchtune::onednn {

class OneDnnModel final : public LoadedModel {
 public:
  // Throws std::bad_alloc, std::system_error (a thread) and dnnl::error.
  // `call_kernels`: of a file's calls.
  static Outcome<std::unique_ptr<OneDnnModel>> load(Source source, const LoadOptions& options,
                                                    const kernels::tensor::Kernels& call_kernels,
                                                    Bytes machine_memory);

  bool shares_weights() const override { return true; }
  Seconds load_seconds() const override { return load_seconds_; }
  Outcome<std::unique_ptr<Program>> prepare(const Candidate& candidate) override;
  double output_tolerance() const override;

  // For programs and tests.
  const Model& model() const { return *source_.model; }
  const imported::LoweredModel* lowered() const { return source_.lowered.get(); }  // of files only
  const kernels::tensor::Kernels& call_kernels() const { return call_kernels_; }
  const CandidateGroup& group() const { return options_.group; }
  const dnnl::engine& engine() const { return engine_; }
  Lanes& lanes(int instance) { return *lanes_[static_cast<std::size_t>(instance)]; }
  SideBySide& instances() { return *side_by_side_; }
  WeightStore& weights() { return weights_; }
  cpu::Account& account() { return account_; }
  InputSource& inputs() { return inputs_; }

  Bytes held_bytes() const { return held_.bytes(); }

  // Lowered for `batch`, within the first instance's lanes.
  Outcome<Graph> build(std::int64_t batch);

 private:
  OneDnnModel(Source source, const LoadOptions& options,
              const kernels::tensor::Kernels& call_kernels, Bytes machine_memory);

  Source source_;
  LoadOptions options_;
  kernels::tensor::Kernels call_kernels_;
  dnnl::engine engine_;
  cpu::Account account_;
  cpu::Charge held_;  // the values of a file
  std::vector<std::unique_ptr<Lanes>> lanes_;
  Lanes everybody_;  // the threads of all instances, for loading
  WeightStore weights_;
  std::unique_ptr<SideBySide> side_by_side_;  // its threads are within lanes: first to go
  InputSource inputs_;
  Seconds load_seconds_ = 0;
};

}  // namespace batchtune::onednn
