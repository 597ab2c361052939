#include "tuner/backend/backend_list.h"

#include <algorithm>
#include <deque>

#include "tuner/backend/command/command_backend.h"
#include "tuner/backend/module_loader.h"
#include "tuner/backend/neuron/neuron_backend.h"
#include "tuner/backend/onnxruntime/onnxruntime_backend.h"
#include "tuner/backend/openvino/openvino_backend.h"
#include "tuner/backend/plugin/plugin_backend.h"
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
     "devices that exist only as cost formulas with a virtual clock: a plain one, accelerators "
     "(simulated:trn1, list devices), described ones (simulated:./mine.json)",
     nullptr, true, MemoryKind::account, create_simulated_backend},
};

constexpr char kPluginDescription[] = "a plugin: a shared library that --backend names";

// The rows of plugins that were met; what is handed out stays where it is.
struct PluginRow {
  std::string name;
  BackendEntry entry;
};
std::deque<PluginRow>& plugin_rows() {
  static std::deque<PluginRow> rows;
  return rows;
}

const BackendEntry* find_in_table(std::string_view name) {
  for (const BackendEntry& entry : kBackends)
    if (entry.name == name) return &entry;
  return nullptr;
}

bool is_library_path(std::string_view name) {
  return name.find('/') != std::string_view::npos || name.ends_with(".so") ||
         name.find(".so.") != std::string_view::npos;
}

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

// In this process: a worker's.
Result<std::unique_ptr<Backend>> open_plugin(const PluginSpec& plugin) {
  BT_TRY(backend, plugin::create_backend(plugin.path, plugin.parameters, onnx_for_runtime));
  const std::string name = backend->describe().backend;
  if (!plugin.name.empty() && plugin.name != name)
    return environment_error("the plugin " + plugin.name, "one that calls itself " + name,
                             plugin.path);
  return backend;
}

}  // namespace

std::span<const BackendEntry> backends() {
  return kBackends;
}

const BackendEntry* find_backend(std::string_view name) {
  for (const PluginRow& row : plugin_rows())
    if (row.name == name) return &row.entry;
  return find_in_table(name);
}

std::optional<PluginSpec> plugin_of(std::string_view spec) {
  const auto [name, parameters] = split_backend_spec(spec);
  if (is_library_path(name)) return PluginSpec{name, "", parameters};
  const std::string prefix = std::string(kPluginParameter) + "=";
  if (find_in_table(name) != nullptr || !parameters.starts_with(prefix)) return std::nullopt;
  const std::size_t end = parameters.find(',');
  return PluginSpec{parameters.substr(prefix.size(), end - prefix.size()), name,
                    end == std::string::npos ? "" : parameters.substr(end + 1)};
}

std::string to_string(const PluginSpec& plugin) {
  const std::string& own = plugin.parameters;
  if (plugin.name.empty()) return plugin.path + (own.empty() ? "" : ":" + own);
  return plugin.name + ":" + kPluginParameter + "=" + plugin.path + (own.empty() ? "" : "," + own);
}

Result<const BackendEntry*> add_plugin(const DeviceInfo& described) {
  if (find_in_table(described.backend) != nullptr)
    return environment_error("a plugin with a name of its own",
                             "\"" + described.backend + "\", which is a backend of batchtune");
  std::deque<PluginRow>& rows = plugin_rows();
  auto row = std::find_if(rows.begin(), rows.end(), [&](const PluginRow& known) {
    return known.name == described.backend;
  });
  if (row == rows.end()) row = rows.insert(rows.end(), {described.backend, {}});
  row->entry = {.name = row->name.c_str(),
                .description = kPluginDescription,
                .module = nullptr,
                .simulated = described.simulated,
                .memory_kind = described.memory_bytes ? MemoryKind::account : MemoryKind::rss,
                .create = nullptr,
                .on_host_cpu = described.peaks.empty(),
                .runtime = nullptr,
                .one_instance = true};
  return &row->entry;
}

bool is_plugin(const BackendEntry& entry) {
  return entry.module == nullptr && entry.create == nullptr;
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
  if (const auto plugin = plugin_of(spec)) return open_plugin(*plugin);
  const auto [name, parameters] = split_backend_spec(spec);
  const BackendEntry* entry = find_in_table(name);
  if (entry == nullptr) return unknown_backend(name);
  if (entry->module != nullptr) return open_backend_module(module_path(entry->module), parameters);
  return entry->create(parameters);
}

Result<std::vector<KernelInfo>> kernels_of_backend(const std::string& spec) {
  if (plugin_of(spec)) return std::vector<KernelInfo>{};
  const std::string name = split_backend_spec(spec).name;
  const BackendEntry* entry = find_in_table(name);
  if (entry == nullptr) return unknown_backend(name);
  if (entry->module == nullptr) return std::vector<KernelInfo>{};
  return kernels_of_module(module_path(entry->module));
}

}  // namespace batchtune
