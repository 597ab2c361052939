#include "tuner/backend/onnxruntime/onnxruntime_backend.h"

#include <new>
#include <system_error>
#include <thread>
#include <utility>

#include "tuner/backend/onnxruntime/session_model.h"
#include "tuner/backend/runtime/endings.h"

namespace batchtune::onnxruntime {
namespace {

class OnnxRuntimeBackend final : public Backend {
 public:
  OnnxRuntimeBackend(SessionSettings settings, FoundLibrary found, std::unique_ptr<Api> api,
                     runtime::OnnxSource source)
      : settings_(std::move(settings)),
        found_(std::move(found)),
        api_(std::move(api)),
        source_(std::move(source)) {}

  DeviceInfo describe() override;
  Outcome<std::unique_ptr<LoadedModel>> load(const Model& model, const LoadOptions& options,
                                             LoadReport& report) override;

 private:
  Outcome<void> ensure_environment();
  void report_settings(const LoadOptions& options, LoadReport& report) const;

  SessionSettings settings_;
  FoundLibrary found_;
  std::unique_ptr<Api> api_;
  Owned<Env> environment_;  // of all sessions; made for the first one
  runtime::OnnxSource source_;
};

// Peaks and bandwidth are the machine's: for calibration to say.
DeviceInfo OnnxRuntimeBackend::describe() {
  DeviceInfo info;
  info.name = "CPU";
  info.backend = "onnxruntime";
  info.version = "ONNX Runtime " + api_->library_version();
  info.cores = static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
  return info;
}

// What it would log is in the statuses that it gives.
Outcome<void> OnnxRuntimeBackend::ensure_environment() {
  if (environment_ != nullptr) return {};
  Env* raw = nullptr;
  BT_TRY_VOID(api_->run("start", entry::create_env, LogLevel::fatal, "batchtune", &raw));
  environment_ = api_->own(raw);
  return {};
}

void OnnxRuntimeBackend::report_settings(const LoadOptions& options, LoadReport& report) const {
  const auto add = [&](const char* name, batchtune::Value value, std::string origin) {
    report.effective.push_back({name, std::move(value), std::move(origin)});
  };
  add("library", found_.path, found_.origin);
  add("version", api_->library_version(), "the library");
  for (Setting& setting : effective_settings(settings_, options.group.threads))
    report.effective.push_back(std::move(setting));
  add("instances", std::int64_t{options.group.instances}, "a session each, with its own weights");
}

Outcome<std::unique_ptr<LoadedModel>> OnnxRuntimeBackend::load(const Model& model,
                                                               const LoadOptions& options,
                                                               LoadReport& report) {
  try {
    BT_TRY_VOID(check_group(options));
    BT_TRY_VOID(ensure_environment());
    BT_TRY(onnx, runtime::onnx_of(source_, model, options.seed, kOwnFormat));
    BT_TRY(loaded,
           SessionModel::load({*api_, *environment_, settings_, model, options, std::move(onnx), source_},
                              report));
    report_settings(options, report);
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
  return std::make_unique<OnnxRuntimeBackend>(std::move(settings), std::move(found), std::move(api),
                                              std::move(source));
}

}  // namespace batchtune::onnxruntime
