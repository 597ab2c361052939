#include "tuner/backend/backend_list.h"

#include "tuner/backend/command/command_backend.h"
#include "tuner/backend/module_loader.h"
#include "tuner/backend/neuron/neuron_backend.h"
#include "tuner/backend/onnxruntime/onnxruntime_backend.h"
#include "tuner/backend/openvino/openvino_backend.h"
#include "tuner/backend/simulated/simulated.h"

namespace batchtune {
namespace {

Result<std::unique_ptr<Backend>> create_onnxruntime(const std::string& parameters) {
  return onnxruntime::create_backend(parameters, onnx_for_runtime);
}

Result<std::unique_ptr<Backend>> create_openvino(const std::string& parameters) {
  return openvino::create_backend(parameters, onnx_for_runtime);
}

constexpr char kOneDnn[] = "oneDNN on this machine's processor: f32 and bf16";
#ifdef BT_WITHOUT_ONEDNN
Result<std::unique_ptr<Backend>> without_onednn(const std::string&) {
  return environment_error("oneDNN", "a batchtune that was built without it", "",
                           "Install libdnnl-dev and build again.");
}
#endif

constexpr BackendEntry kBackends[] = {
    {"cpu", "this machine's processor: own f32 and bf16 kernels on oneTBB", "cpu", false,
     MemoryKind::account, nullptr, true},
    {"onnxruntime", "ONNX Runtime as it is installed, on this machine's processor: f32", nullptr,
     false, MemoryKind::rss, create_onnxruntime, true, &onnxruntime::kLibrary},
    {"openvino", "OpenVINO as it is installed, on this machine's processor: f32 and bf16", nullptr,
     false, MemoryKind::rss, create_openvino, true, &openvino::kLibrary},
#ifdef BT_WITHOUT_ONEDNN
    {"onednn", kOneDnn, nullptr, false, MemoryKind::account, without_onednn, true},
#else
    {"onednn", kOneDnn, "onednn", false, MemoryKind::account, nullptr, true},
#endif
    {neuron::kName, "AWS Neuron's devices, by the installed runtime and compiler: f32 and bf16",
     nullptr, false, MemoryKind::device, neuron::create_backend, false, nullptr, true},
    {"command", "any program: one that prints its latencies, is timed, or serves (--command)",
     nullptr, false, MemoryKind::rss, command::create_backend, true, nullptr, true},
    {"simulated",
     "a device that exists only as a cost formula with a virtual clock, disturbed where told",
     nullptr, true, MemoryKind::account, create_simulated_backend},
};

std::string known_names() {
  std::string names;
  for (const BackendEntry& entry : kBackends)
    names += (names.empty() ? "" : ", ") + std::string(entry.name);
  return names;
}

tl::unexpected<Error> unknown_backend(const std::string& name) {
  return bad_input("a backend (" + known_names() + ")", "\"" + name + "\"", "",
                   "Choose one of them.");
}

}  // namespace

std::span<const BackendEntry> backends() {
  return kBackends;
}

const BackendEntry* find_backend(std::string_view name) {
  for (const BackendEntry& entry : kBackends)
    if (entry.name == name) return &entry;
  return nullptr;
}

BackendSpec split_backend_spec(std::string_view spec) {
  const auto colon = spec.find(':');
  if (colon == std::string_view::npos) return {std::string(spec), ""};
  return {std::string(spec.substr(0, colon)), std::string(spec.substr(colon + 1))};
}

std::vector<std::string> split_backend_list(std::string_view list) {
  std::vector<std::string> specs;
  while (true) {
    const std::string_view part = list.substr(0, list.find(','));
    const bool is_parameter = part.find('=') < part.find(':');  // npos is larger than all
    if (is_parameter && !specs.empty())
      specs.back() += "," + std::string(part);
    else
      specs.emplace_back(part);
    if (part.size() == list.size()) return specs;
    list.remove_prefix(part.size() + 1);
  }
}

std::string with_parameter(const std::string& spec, const std::string& name,
                           const std::string& value) {
  return spec + (split_backend_spec(spec).parameters.empty() ? ":" : ",") + name + "=" + value;
}

Result<std::unique_ptr<Backend>> open_backend(const std::string& spec) {
  const auto [name, parameters] = split_backend_spec(spec);
  const BackendEntry* entry = find_backend(name);
  if (entry == nullptr) return unknown_backend(name);
  if (entry->module != nullptr) return open_backend_module(module_path(entry->module), parameters);
  return entry->create(parameters);
}

Result<std::vector<KernelInfo>> kernels_of_backend(const std::string& spec) {
  const std::string name = split_backend_spec(spec).name;
  const BackendEntry* entry = find_backend(name);
  if (entry == nullptr) return unknown_backend(name);
  if (entry->module == nullptr) return std::vector<KernelInfo>{};
  return kernels_of_module(module_path(entry->module));
}

}  // namespace batchtune
