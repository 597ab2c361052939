#include "tuner/backend/neuron/neuron_backend.h"

#include <optional>
#include <system_error>
#include <utility>

#include "tuner/backend/neuron/compiler.h"
#include "tuner/backend/neuron/device.h"
#include "tuner/backend/neuron/library.h"
#include "tuner/backend/neuron/neuron_model.h"

namespace batchtune::neuron {
namespace {

class NeuronBackend final : public Backend {
 public:
  NeuronBackend(Settings settings, std::unique_ptr<Library> library, const CoreFigures* figures,
                std::optional<Compiler> compiler)
      : settings_(std::move(settings)),
        library_(std::move(library)),
        figures_(figures),
        compiler_(std::move(compiler)) {}

  DeviceInfo describe() override;
  Outcome<std::unique_ptr<LoadedModel>> load(const Model& model, const LoadOptions& options,
                                             LoadReport& report) override;

 private:
  void report_settings(const LoadOptions& options, LoadReport& report) const;

  Settings settings_;
  std::unique_ptr<Library> library_;
  const CoreFigures* figures_;        // nullptr: a device that nothing is known of
  std::optional<Compiler> compiler_;  // nullopt: NEFFs of the user's
};

DeviceInfo NeuronBackend::describe() {
  const std::optional<MemoryStats> memory = library_->memory();
  DeviceInfo info = describe_core(
      figures_, memory ? std::optional(static_cast<double>(memory->bytes_limit)) : std::nullopt);
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
  add("in_flight", std::int64_t{options.group.instances},
      "instances: executions under way on the core");
  if (!compiler_) return add("neff", settings_.neff, "given");
  add("compiler", "neuronx-cc " + compiler_->version(), settings_.compiler);
  add("compiler_arguments", compiler_->arguments(), "target of this device");
  if (!settings_.cache.empty())
    add("neff_cache", settings_.cache, "by program, arguments and version");
}

Outcome<std::unique_ptr<LoadedModel>> NeuronBackend::load(const Model& model,
                                                          const LoadOptions& options,
                                                          LoadReport& report) {
  try {
    BT_TRY(loaded, NeuronModel::load(
                       {*library_, settings_, compiler_ ? &*compiler_ : nullptr, model, options}));
    report_settings(options, report);
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
