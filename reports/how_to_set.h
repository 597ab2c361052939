// What `report --how-to-set` shows: the lines that give a runtime the batch that a session has chosen, with its
// threads, instances or cores. JSON: how_to_set.schema.json.
//
// What they rest on: torch_neuronx.trace, dynamic_batch and DataParallel are those of the torch-neuronx API pages
// (aws-neuron-sdk, 2026-08-21), torch.neuron.trace that of the batching guide; ONNX Runtime and OpenVINO are set as the
// backends of the same names set them when they measure (tuner/backend/onnxruntime, tuner/backend/openvino).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "reports/report.h"

namespace batchtune {

// As the runtime takes it; the batch comes before `shape`.
struct DeployedInput {
  std::string name;
  std::vector<std::int64_t> shape;  // images: channels first
  bool ids = false;                 // token ids, in [0, vocabulary)
  std::int64_t vocabulary = 0;
};

enum class Deployment { neuron, inferentia, onnxruntime, openvino, command, plugin, own_kernels, simulated };

struct HowToSet {
  std::int64_t session = 0;
  std::string model;  // "resnet-50"
  std::string file;   // that it was read from; "" for a model of the zoo, which is exported first
  std::string batch_dim;  // its name in the file, for ONNX Runtime; "" where it is not known
  std::vector<DeployedInput> inputs;  // empty where the model's operations cannot be read
  double dense_parameters = 0;
  Candidate candidate;
  Deployment deployment = Deployment::own_kernels;
  std::string device;              // "trn1"
  std::string target;              // of neuronx-cc: "trn1"; "" where it is not known
  std::string compiler_arguments;  // of the candidate's variant
  std::string command;             // of the command backend, as it was typed
  std::vector<UserBatch> users;    // dynamic batching: what users send, of which the candidate's batch is compiled
  bool strict_latency = false;     // a latency limit or the objective latency was asked for
  bool simulated = false;
};

// One thing to paste, in one language ("python", "shell", "c"), and what there is to know of it.
struct SettingLines {
  std::string title;
  std::string language;
  std::vector<std::string> lines;
  std::vector<std::string> notes;
};

std::vector<SettingLines> setting_lines(const HowToSet& what);

// nullopt: the session has chosen nothing.
std::string text_how_to_set(const std::optional<HowToSet>& what, const TextOptions& options);
std::string json_how_to_set(const std::optional<HowToSet>& what);

}  // namespace batchtune
