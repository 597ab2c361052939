#include "tuner/backend/neuron/neuron_backend.h"

#include <algorithm>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>

#include "tuner/backend/neuron/compilations.h"
#include "tuner/backend/neuron/device.h"
#include "tuner/backend/neuron/library.h"
#include "tuner/backend/neuron/neuron_model.h"

namespace batchtune::neuron {
namespace {

constexpr int kMostJobsByDefault = 4;  // by default: each takes some GiB of memory

int compile_jobs(const Settings& settings) {
  if (settings.compile_jobs > 0) return settings.compile_jobs;
  const auto cpus = static_cast<int>(std::thread::hardware_concurrency());
  return std::clamp(cpus / 2, 1, kMostJobsByDefault);
}

class NeuronBackend final : public Backend {
 public:
  NeuronBackend(Settings settings, std::unique_ptr<Library> library, const CoreFigures* figures,
                std::optional<Compiler> compiler)
      : settings_(std::move(settings)),
        library_(std::move(library)),
        figures_(figures),
        compiler_(std::move(compiler)) {
    if (compiler_) compilations_.emplace(*compiler_, compile_jobs(settings_));
  }

  DeviceInfo describe() override;
  Outcome<std::unique_ptr<LoadedModel>> load(const Model& model, const LoadOptions& options,
                                             LoadReport& report) override;

 private:
  void report_settings(const LoadOptions& options, LoadReport& report) const;

  Settings settings_;
  std::unique_ptr<Library> library_;
  const CoreFigures* figures_;        // nullptr: a device that nothing is known of
  std::optional<Compiler> compiler_;  // nullopt: NEFFs of the user's
  std::optional<Compilations> compilations_;  // by the compiler; first to go
};

DeviceInfo NeuronBackend::describe() {
  const std::optional<MemoryStats> memory = library_->memory(0);
  DeviceInfo info = describe_core(
      figures_, memory ? std::optional(static_cast<double>(memory->bytes_limit)) : std::nullopt,
      lnc_of(figures_, settings_.lnc));
  info.compiles_elsewhere = compiler_.has_value();
  info.version =
      "libnrt " + library_->version() + (compiler_ ? ", neuronx-cc " + compiler_->version() : "");
  return info;
}

void NeuronBackend::report_settings(const LoadOptions& options, LoadReport& report) const {
  const auto add = [&](const char* name, batchtune::Value value, std::string origin) {
    report.effective.push_back({name, std::move(value), std::move(origin)});
  };
  add("library", library_->path(), settings_.library.empty() ? "found" : "given");
  add("version", library_->version(), "the library");
  if (!settings_.core.empty()) add("core", settings_.core, "NEURON_RT_VISIBLE_CORES");
  if (const std::string lnc = lnc_of(figures_, settings_.lnc); !lnc.empty())
    add("lnc", lnc, settings_.lnc.empty() ? "default of the device" : "NEURON_LOGICAL_NC_CONFIG");
  add("cores", std::int64_t{options.group.cores}, "that have the model, each whole");
  add("in_flight", std::int64_t{options.group.instances / options.group.cores},
      "executions under way on each core");
  if (!compiler_) return add("neff", settings_.neff, "given");
  add("compiler", "neuronx-cc " + compiler_->version(), settings_.compiler);
  add("compiler_arguments", compiler_->arguments(options.variant_arguments),
      options.group.variant.empty() ? "target of this device" : "variant " + options.group.variant);
  if (!settings_.cache.empty())
    add("neff_cache", settings_.cache, "by program, arguments and version");
}

Outcome<std::unique_ptr<LoadedModel>> NeuronBackend::load(const Model& model,
                                                          const LoadOptions& options,
                                                          LoadReport& report) {
  try {
    BT_TRY(loaded, NeuronModel::load({*library_, settings_,
                                      compilations_ ? &*compilations_ : nullptr, model, options}));
    report_settings(options, report);
    report.compiled = loaded->compiled();
    return std::unique_ptr<LoadedModel>(std::move(loaded));
  } catch (const std::system_error& error) {
    return tl::unexpected(no_thread(error));
  }
}

const CoreFigures* figures_of(const Library& library, const Settings& settings) {
  if (!settings.target.empty()) return figures_of_target(settings.target);
  const std::optional<InstanceInfo> instance = library.instance();
  return instance ? figures_of_family(instance->family) : nullptr;
}

Result<std::string> target_of(const CoreFigures* figures, const Settings& settings) {
  if (!settings.target.empty()) return settings.target;
  if (figures == nullptr)
    return environment_error("a device that is known",
                             "one of which the runtime does not say what it is", "",
                             "Say it: target=inf2, trn1, trn1n, trn2 or trn3");
  if (figures->target.empty())
    return environment_error("a device that neuronx-cc compiles for", std::string(figures->title),
                             "", "Give NEFFs of neuron-cc: neff=model_b{batch}.neff");
  return std::string(figures->target);
}

}  // namespace

Result<std::unique_ptr<Backend>> create_backend(const std::string& parameters) {
  BT_TRY(settings, parse_settings(parameters));
  BT_TRY(library, Library::open(settings.library));
  const CoreFigures* const figures = figures_of(*library, settings);
  std::optional<Compiler> compiler;
  if (settings.neff.empty()) {
    BT_TRY(target, target_of(figures, settings));
    BT_TRY(found, Compiler::find(settings, target));
    compiler = std::move(found);
  }
  return std::make_unique<NeuronBackend>(std::move(settings), std::move(library), figures,
                                         std::move(compiler));
}

}  // namespace batchtune::neuron
