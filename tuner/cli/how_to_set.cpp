#include "tuner/cli/how_to_set.h"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <utility>

#include "tuner/backend/backend_list.h"
#include "tuner/cli/resume.h"
#include "tuner/core/inferentia.h"

namespace batchtune {
namespace {

const Trial* chosen_trial(const Conclusion& conclusion) {
  if (!conclusion.best) return nullptr;
  for (const Trial& trial : conclusion.trials)
    if (trial.id == conclusion.best->trial) return &trial;
  return nullptr;
}

// As it was typed; "" where it was not.
std::string requested(const SessionHeader& header, std::string_view name) {
  for (const Setting& setting : header.settings.requested)
    if (setting.name == name) return to_string(setting.value);
  return "";
}

// Images of the zoo are rows x columns x channels here, and channels first in files and frameworks.
DeployedInput input_of(const Model& model, const Op& op) {
  DeployedInput input{.name = op.name,
                      .shape = op.output,
                      .ids = op.input_kind == InputKind::token_ids,
                      .vocabulary = op.vocabulary};
  constexpr std::size_t kImage = 3;
  if (!model.file && input.shape.size() == kImage)
    std::rotate(input.shape.begin(), input.shape.end() - 1, input.shape.end());
  return input;
}

// Of a named variant its own, "bf16:--auto-cast all"; of the only one all.
std::string arguments_of_variant(const SessionHeader& header, const std::string& variant) {
  for (const Setting& setting : header.settings.requested) {
    if (setting.name != "compiler_args") continue;
    const std::string text = to_string(setting.value);
    if (variant.empty()) return text;
    if (text.starts_with(variant + ":")) return text.substr(variant.size() + 1);
  }
  return "";
}

Deployment deployment_of(const std::string& backend, const std::string& device, bool simulated) {
  if (is_inferentia(device)) return Deployment::inferentia;
  if (backend == "neuron" || (simulated && !neuron_target(device).empty())) return Deployment::neuron;
  if (simulated) return Deployment::simulated;
  if (backend == "onnxruntime") return Deployment::onnxruntime;
  if (backend == "openvino") return Deployment::openvino;
  if (backend == "command") return Deployment::command;
  const BackendEntry* const entry = find_backend(backend);
  return entry == nullptr || is_plugin(*entry) ? Deployment::plugin : Deployment::own_kernels;
}

// From a file it has a path and may have a name for its batch; from the zoo neither.
void add_model(HowToSet& what, const Model& model) {
  if (model.file) {
    what.file = model.file->path;
    what.batch_dim = model.file->batch_dim;
  }
  for (const Op& op : model.ops)
    if (op.kind == OpKind::input) what.inputs.push_back(input_of(model, op));
}

}  // namespace

std::string neuron_target(const std::string& device) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 8> kNames{
      {{"trn1n", "trn1n"}, {"trn1", "trn1"}, {"trn2", "trn2"}, {"trn3", "trn3"}, {"inf2", "inf2"},
       {"inferentia2", "inf2"}, {"trainium2", "trn2"}, {"trainium", "trn1"}}};
  for (const auto& [name, target] : kNames)
    if (device.find(name) != std::string::npos) return std::string(target);
  return "";
}

Result<std::optional<HowToSet>> how_to_set(const TuneReport& report) {
  const SessionHeader& header = report.record.header;
  const Trial* const trial = chosen_trial(report.conclusion);
  if (trial == nullptr) return std::optional<HowToSet>();
  BT_TRY(model, stored_model(header));
  const std::string& backend = trial->candidate.group.backend;
  const auto device = std::find_if(header.devices.begin(), header.devices.end(),
                                   [&](const DeviceInfo& one) { return one.backend == backend; });
  const bool described = device != header.devices.end();
  HowToSet what;
  what.session = header.number;
  what.model = header.model.name;
  what.dense_parameters = header.model.dense_parameters;
  what.candidate = trial->candidate;
  what.device = described ? device->name : "";
  what.target = neuron_target(what.device);
  what.simulated = described && device->simulated;
  what.deployment = deployment_of(backend, what.device, what.simulated);
  what.compiler_arguments = arguments_of_variant(header, what.candidate.group.variant);
  what.command = requested(header, "command");
  what.users = header.wishes.user_batches;
  what.strict_latency = !header.wishes.latency_limits.empty() || header.wishes.objective == Objective::latency;
  add_model(what, model);
  return std::optional<HowToSet>(std::move(what));
}

}  // namespace batchtune
