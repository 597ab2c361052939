// A model on a NeuronCore. Its weights are on the device once; each batch size is a program of its
// own that is compiled (or read from the cache, or from the user's NEFF) and loaded when it is
// prepared.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "tuner/backend/neuron/compiler.h"
#include "tuner/backend/neuron/handles.h"
#include "tuner/backend/side_by_side.h"
#include "tuner/workload/hlo/hlo.h"

namespace batchtune::neuron {

// Whether the backend can run the group, with these options, at all.
Outcome<void> check_group(const LoadOptions& options);

class NeuronModel final : public LoadedModel {
 public:
  struct Source {
    const Library& library;
    const Settings& settings;
    const Compiler* compiler;  // nullptr: NEFFs of the user's
    const Model& model;
    const LoadOptions& options;
  };
  static Outcome<std::unique_ptr<NeuronModel>> load(const Source& source);

  bool shares_weights() const override { return true; }
  Seconds load_seconds() const override { return load_seconds_; }
  Outcome<std::unique_ptr<Program>> prepare(const Candidate& candidate) override;
  double output_tolerance() const override;

  // For programs.
  const Library& library() const { return library_; }
  const Model& model() const { return model_; }
  std::uint64_t seed() const { return options_.seed; }
  const Tensor* weight(const std::string& name) const;
  Bytes weight_bytes() const { return weight_bytes_; }
  SideBySide& in_flight() { return in_flight_; }  // an instance is an execution under way

 private:
  explicit NeuronModel(const Source& source);
  Outcome<void> write_weights();

  const Library& library_;
  Settings settings_;
  const Compiler* compiler_;
  Model model_;
  LoadOptions options_;
  std::map<std::string, Tensor> weights_;  // by the name that they have in every batch's program
  Bytes weight_bytes_ = 0;
  Seconds load_seconds_ = 0;
  SideBySide in_flight_;  // its threads execute: first to go
};

}  // namespace batchtune::neuron
