// A model in a plugin: prepares a program of the plugin's for each instance of a candidate.
#pragma once

#include <memory>

#include "tuner/backend/plugin/device.h"
#include "tuner/backend/runtime/onnx_source.h"
#include "tuner/backend/side_by_side.h"
#include "tuner/workload/samples/input_source.h"

namespace batchtune::plugin {

class PluginModel final : public LoadedModel {
 public:
  // `device` outlives it.
  static Outcome<std::unique_ptr<PluginModel>> load(const PluginDevice& device, const Model& model,
                                                    const LoadOptions& options,
                                                    const runtime::OnnxSource& onnx);

  bool shares_weights() const override { return true; }
  Seconds load_seconds() const override { return load_seconds_; }
  Outcome<std::unique_ptr<Program>> prepare(const Candidate& candidate) override;
  double output_tolerance() const override;

  // For programs.
  const PluginDevice& device() const { return device_; }
  const Model& model() const { return model_; }
  bt_model* handle() const { return handle_.get(); }
  SideBySide& instances() { return instances_; }
  InputSource& samples() { return samples_; }
  Bytes grown_by_loading() const { return grown_by_loading_; }

 private:
  PluginModel(const PluginDevice& device, const Model& model, const LoadOptions& options);

  const PluginDevice& device_;
  Model model_;
  CandidateGroup group_;
  std::unique_ptr<bt_model, void (*)(bt_model*)> handle_;
  InputSource samples_;
  Seconds load_seconds_ = 0;
  Bytes grown_by_loading_ = 0;  // of the process, where the plugin keeps no account
  SideBySide instances_;        // its threads run programs: first to go
};

}  // namespace batchtune::plugin
