#include "tuner/backend/plugin/plugin_backend.h"

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <new>
#include <system_error>
#include <utility>

#include "tuner/backend/plugin/cancel_watch.h"
#include "tuner/backend/plugin/plugin_model.h"
#include "tuner/backend/runtime/endings.h"

namespace batchtune::plugin {
namespace {

constexpr std::uint32_t kMostPeaks = 64;

bool is_figure(double value) {
  return std::isfinite(value) && value > 0;
}

std::optional<double> figure(double value) {
  return is_figure(value) ? std::optional(value) : std::nullopt;
}

double memory_of_this_machine() {
  return static_cast<double>(sysconf(_SC_PHYS_PAGES)) * static_cast<double>(sysconf(_SC_PAGESIZE));
}

class PluginBackend final : public Backend {
 public:
  PluginBackend(std::unique_ptr<PluginDevice> device, runtime::OnnxSource onnx)
      : device_(std::move(device)), onnx_(std::move(onnx)) {}

  DeviceInfo describe() override;
  Outcome<std::unique_ptr<LoadedModel>> load(const Model& model, const LoadOptions& options,
                                             LoadReport& report) override;

 private:
  void add_figures(DeviceInfo& info) const;

  std::unique_ptr<PluginDevice> device_;
  runtime::OnnxSource onnx_;
};

// Peaks and bandwidth count together or not at all: estimates need both.
void PluginBackend::add_figures(DeviceInfo& info) const {
  const bt_device_info& told = device_->info();
  const std::string source = "the plugin " + device_->library().name();
  for (std::uint32_t i = 0; told.peaks != nullptr && i < std::min(told.peak_count, kMostPeaks);
       ++i) {
    const auto dtype = parse_dtype(printable(told.peaks[i].dtype));
    if (dtype && is_figure(told.peaks[i].flops_per_second))
      info.peaks.push_back(
          {*dtype, "", told.peaks[i].flops_per_second, FigureOrigin::user, source});
  }
  if (info.peaks.empty() || !is_figure(told.bytes_per_second)) return info.peaks.clear();
  info.memory_levels.push_back(
      {"memory", figure(told.memory_bytes), told.bytes_per_second, FigureOrigin::user, source});
}

// DeviceInfo::memory_bytes is there where the plugin keeps an account, and nowhere else:
// add_plugin() (backend_list.h) tells the kinds apart by it.
DeviceInfo PluginBackend::describe() {
  const bt_device_info& told = device_->info();
  DeviceInfo info;
  info.name = printable(told.device_name);
  if (info.name.empty()) info.name = device_->library().name();
  info.backend = device_->library().name();
  info.version = device_->library().version();
  info.cores = std::max(1, told.cores);
  info.simulated = (told.flags & BT_SIMULATED) != 0;
  info.run_overhead = figure(told.run_overhead);
  info.layer_overhead = figure(told.layer_overhead);
  if (device_->memory_kind() == MemoryKind::account)
    info.memory_bytes = is_figure(told.memory_bytes) ? told.memory_bytes : memory_of_this_machine();
  add_figures(info);
  return info;
}

Outcome<std::unique_ptr<LoadedModel>> PluginBackend::load(const Model& model,
                                                          const LoadOptions& options,
                                                          LoadReport& report) {
  try {
    BT_TRY(loaded, PluginModel::load(*device_, model, options, onnx_));
    const auto add = [&](const char* name, Value value, const char* origin) {
      report.effective.push_back({name, std::move(value), origin});
    };
    add("library", device_->library().path(), "--backend");
    add("version", device_->library().version(), "the plugin");
    add("memory", std::string(name_of(device_->memory_kind())), "the plugin");
    return std::unique_ptr<LoadedModel>(std::move(loaded));
  } catch (const std::bad_alloc&) {
    return tl::unexpected(runtime::no_memory("load " + model.name));
  } catch (const std::system_error& error) {
    return tl::unexpected(no_thread(error));
  }
}

}  // namespace

Result<std::unique_ptr<Backend>> create_backend(const std::string& path,
                                                const std::string& parameters,
                                                runtime::OnnxSource onnx) {
  BT_TRY(library, PluginLibrary::open(path));
  if (library.table().cancel != nullptr) watch_for_the_end();
  BT_TRY(device, PluginDevice::open(std::move(library), parameters));
  return std::make_unique<PluginBackend>(std::move(device), std::move(onnx));
}

}  // namespace batchtune::plugin
