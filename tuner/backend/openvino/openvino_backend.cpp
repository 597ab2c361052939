#include "tuner/backend/openvino/openvino_backend.h"

#include <algorithm>
#include <new>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>

#include "tuner/backend/openvino/compiled_group.h"
#include "tuner/backend/runtime/endings.h"

namespace batchtune::openvino {
namespace {

constexpr std::string_view kOwnFormat = "xml";  // of files that it alone reads

class OpenVinoBackend final : public Backend {
 public:
  OpenVinoBackend(CompileSettings settings, FoundLibrary found, std::unique_ptr<Api> api,
                  runtime::OnnxSource source)
      : settings_(std::move(settings)),
        found_(std::move(found)),
        api_(std::move(api)),
        source_(std::move(source)) {}

  DeviceInfo describe() override;
  Outcome<std::unique_ptr<LoadedModel>> load(const Model& model, const LoadOptions& options,
                                             LoadReport& report) override;

 private:
  Outcome<void> ensure_core();
  std::optional<DType> own_dtype();

  CompileSettings settings_;
  FoundLibrary found_;
  std::unique_ptr<Api> api_;
  Owned<Core> core_;  // made for the first model
  runtime::OnnxSource source_;
};

// nullopt: it does not say, or a type that it is not run in here.
std::optional<DType> OpenVinoBackend::own_dtype() {
  if (!ensure_core()) return std::nullopt;
  const auto own = parse_dtype(api_->device_property(*core_, kDevice, kPrecisionKey));
  return own && computes_in(*own) ? own : std::nullopt;
}

// Peaks and bandwidth are the machine's: for calibration to say.
DeviceInfo OpenVinoBackend::describe() {
  DeviceInfo info;
  info.name = "CPU";
  info.backend = "openvino";
  info.version = "OpenVINO " + api_->library_version();
  info.cores = static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
  info.default_dtype = own_dtype();
  return info;
}

Outcome<void> OpenVinoBackend::ensure_core() {
  if (core_ != nullptr) return {};
  Core* raw = nullptr;
  BT_TRY_VOID(api_->check("start", (*api_)->create_core(&raw)));
  core_ = {raw, {(*api_)->free_core}};
  return {};
}

Outcome<std::unique_ptr<LoadedModel>> OpenVinoBackend::load(const Model& model,
                                                            const LoadOptions& options,
                                                            LoadReport& report) {
  try {
    BT_TRY_VOID(check_group(options));
    BT_TRY_VOID(ensure_core());
    BT_TRY(onnx, runtime::onnx_of(source_, model, options.seed, kOwnFormat));
    report.effective.push_back({"library", found_.path, found_.origin});
    report.effective.push_back({"version", api_->library_version(), "the library"});
    BT_TRY(loaded, CompiledGroup::load({*api_, *core_, settings_, model, options, std::move(onnx)},
                                       report));
    return std::unique_ptr<LoadedModel>(std::move(loaded));
  } catch (const std::bad_alloc&) {
    return tl::unexpected(runtime::no_memory("load " + model.name));
  } catch (const std::system_error& error) {
    return tl::unexpected(no_thread(error));
  }
}

}  // namespace

Result<std::unique_ptr<Backend>> create_backend(const std::string& parameters,
                                                runtime::OnnxSource source) {
  BT_TRY(settings, parse_settings(parameters));
  BT_TRY(found, find_library(kLibrary, settings.library));
  if (!settings.found.empty()) found.origin = settings.found;
  BT_TRY(api, Api::open(found.path));
  return std::make_unique<OpenVinoBackend>(std::move(settings), std::move(found), std::move(api),
                                           std::move(source));
}

}  // namespace batchtune::openvino
