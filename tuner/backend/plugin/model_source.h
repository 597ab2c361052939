// What a plugin is given to load: the graph as JSON, its weights and its ONNX form on demand,
// inputs and output.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "tuner/backend/plugin/plugin_abi.h"
#include "tuner/backend/runtime/onnx_source.h"
#include "tuner/workload/model.h"
#include "tuner/workload/weights.h"

namespace batchtune::plugin {

// One of the model's weights, as bt_weight tells it.
struct WeightFacts {
  const Op* op = nullptr;
  WeightRole role = WeightRole::matrix;
  std::int64_t elements = 0;
};
// All that the model has, in the order of its operations. None of a model that was imported.
std::vector<WeightFacts> weights_of(const Model& model);

// Lives for the time of one load(). Refers to the model and to the source.
class ModelSource {
 public:
  ModelSource(const Model& model, const LoadOptions& options, const runtime::OnnxSource& onnx);
  ModelSource(const ModelSource&) = delete;
  ModelSource& operator=(const ModelSource&) = delete;

  const bt_load_options& options() const { return told_; }

 private:
  void tell_tensors();
  bt_status read_weight(std::uint32_t weight, std::int64_t first, std::int64_t count,
                        float* values);
  bt_status get_onnx(bt_onnx& onnx);

  const Model& model_;
  const LoadOptions& options_;
  const runtime::OnnxSource& source_;
  std::string json_, dtype_, error_;
  std::vector<WeightFacts> weights_;
  std::vector<bt_weight> told_weights_;
  std::vector<bt_tensor> told_inputs_;
  bt_tensor told_output_{};
  std::optional<OnnxForRuntime> onnx_;  // once it was asked for
  std::vector<bt_onnx_tensor> told_onnx_inputs_, told_onnx_outputs_;
  bt_load_options told_{};
};

// The model's input operations, in their order: what write_input() counts.
std::vector<const Op*> input_operations(const Model& model);

}  // namespace batchtune::plugin
