// A model on NeuronCores, on each of which it is whole. Its weights are on each once; each batch size
// is a program of its own that is compiled (or read from the cache, or from the user's NEFF) and loaded
// when it is prepared.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tuner/backend/neuron/compilations.h"
#include "tuner/backend/neuron/handles.h"
#include "tuner/backend/side_by_side.h"
#include "tuner/workload/hlo/source.h"

namespace batchtune::neuron {

// Whether the backend can run the group, with these options, at all. `cores`: that the process has;
// nullopt: the runtime does not say.
Outcome<void> check_group(const LoadOptions& options, std::optional<int> cores);

class NeuronModel final : public LoadedModel {
 public:
  struct Source {
    const Library& library;
    const Settings& settings;
    Compilations* compilations;  // nullptr: NEFFs of the user's
    const Model& model;
    const LoadOptions& options;
  };
  static Outcome<std::unique_ptr<NeuronModel>> load(const Source& source);

  bool shares_weights() const override { return true; }
  Seconds load_seconds() const override { return load_seconds_; }
  Outcome<std::unique_ptr<Program>> prepare(const Candidate& candidate) override;
  void compile_ahead(const Candidate& candidate) override;
  double output_tolerance() const override;
  std::vector<std::int64_t> compiled() const;  // batches whose NEFFs are there

  // For programs.
  const Library& library() const { return library_; }
  const Model& model() const { return model_; }
  std::uint64_t seed() const { return options_.seed; }
  int cores() const { return options_.group.cores; }
  const Tensor* weight(const std::string& name, int core) const;
  Bytes weight_bytes() const { return weight_bytes_; }  // of a core
  // An instance is an execution under way; of k cores the first has instances 0, k, 2k ...
  SideBySide& in_flight() { return in_flight_; }

 private:
  explicit NeuronModel(const Source& source);
  Outcome<void> write_weights();
  NeffEntry entry_of(std::int64_t batch) const;
  Outcome<std::unique_ptr<Program>> prepare_neff(std::int64_t batch);

  const Library& library_;
  Settings settings_;
  Compilations* compilations_;
  Model model_;
  std::optional<HloSource> programs_;  // what they are made of; not with NEFFs of the user's
  LoadOptions options_;
  // By the name that they have in every batch's program; on each core.
  std::map<std::string, std::vector<Tensor>> weights_;
  Bytes weight_bytes_ = 0;
  Seconds load_seconds_ = 0;
  SideBySide in_flight_;  // its threads execute: first to go
};

}  // namespace batchtune::neuron
