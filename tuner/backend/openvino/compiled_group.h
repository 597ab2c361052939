// A model in OpenVINO: read once, reshaped and compiled anew for every batch (or once for all,
// where that is asked for), with a stream for each instance.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tuner/backend/openvino/api.h"
#include "tuner/backend/inputs.h"
#include "tuner/backend/openvino/options.h"
#include "tuner/backend/runtime/declared.h"
#include "tuner/backend/runtime/tensor_layout.h"
#include "tuner/backend/side_by_side.h"

namespace batchtune::openvino {

// Whether the backend can run the group, with these options, at all.
Outcome<void> check_group(const LoadOptions& options);

struct Input {
  OnnxTensor tensor;
  OpIndex op = 0;
  std::size_t rank = 0;  // of the runtime's tensor
};

enum class Profiling { off, on };

class CompiledGroup final : public LoadedModel {
 public:
  struct Source {
    const Api& api;
    const Core& core;
    const CompileSettings& settings;
    const Model& model;
    const LoadOptions& options;
    OnnxForRuntime onnx;
  };
  // Compiles batch 1 (or the model for all batches), to read back what is in force: into `report`.
  // Unsupported when the arithmetic is not that of the group's type.
  static Outcome<std::unique_ptr<CompiledGroup>> load(Source source, LoadReport& report);

  // A model that was compiled for a batch has packed weights of its own.
  bool shares_weights() const override { return for_all_ != nullptr; }
  Seconds load_seconds() const override { return load_seconds_; }
  Outcome<std::unique_ptr<Program>> prepare(const Candidate& candidate) override;
  double output_tolerance() const override;

  // For programs.
  Outcome<Owned<CompiledModel>> compile(std::optional<std::int64_t> batch,  // nullopt: for all
                                        Profiling profiling = Profiling::off);
  const CompiledModel* for_all_batches() const { return for_all_.get(); }  // nullptr: there is none
  Bytes weight_bytes() const { return weight_bytes_; }                     // of that one
  const Api& api() const { return api_; }
  const Model& model() const { return model_; }
  std::uint64_t seed() const { return options_.seed; }
  const std::vector<Input>& inputs() const { return inputs_; }
  const OnnxTensor& result_tensor() const { return result_tensor_; }
  std::size_t result_index() const { return result_index_; }  // where the tensor has no name
  SideBySide& instances() { return instances_; }
  InputSource& samples() { return samples_; }

 private:
  explicit CompiledGroup(const Source& source);
  Outcome<void> read(const OnnxForRuntime& onnx);
  Outcome<void> declare(OnnxForRuntime& onnx, LoadReport& report);
  using PortAt = int (*)(const Graph*, std::size_t, Port**);
  Outcome<runtime::DeclaredTensor> declared(PortAt at, std::size_t index) const;
  Outcome<void> know_tensors(const OnnxForRuntime& onnx);
  Outcome<std::size_t> rank_of(const std::string& input) const;
  Outcome<void> reshape(std::optional<std::int64_t> batch);
  Outcome<void> read_back(const CompiledModel* compiled, LoadReport& report) const;

  const Api& api_;
  const Core& core_;
  Model model_;
  LoadOptions options_;
  Properties properties_;
  bool dynamic_;
  std::string bytes_;  // what the graph was read from: its weights may point there
  Owned<Graph> graph_;
  Owned<CompiledModel> for_all_;
  Bytes weight_bytes_ = 0;
  std::vector<Input> inputs_;
  OnnxTensor result_tensor_;
  InputSource samples_;
  std::size_t result_index_ = 0;
  std::optional<std::int64_t> fixed_batch_;  // that the file was made for
  Seconds load_seconds_ = 0;
  SideBySide instances_;  // its threads run requests: first to go
};

}  // namespace batchtune::openvino
