#include "tuner/backend/module_loader.h"

#include <dlfcn.h>

#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>

#include "build_id.h"
#include "tuner/backend/module_services.h"

namespace batchtune {
namespace {

// Keeps the module's library open around the backend that it made.
class ModuleBackend final : public Backend {
 public:
  ModuleBackend(std::unique_ptr<LoadedModule> module, std::unique_ptr<Backend> backend)
      : module_(std::move(module)), backend_(std::move(backend)) {}

  DeviceInfo describe() override { return backend_->describe(); }
  Outcome<std::unique_ptr<LoadedModel>> load(const Model& model, const LoadOptions& options,
                                             LoadReport& report) override {
    return backend_->load(model, options, report);
  }

 private:
  std::unique_ptr<LoadedModule> module_;  // destroyed last
  std::unique_ptr<Backend> backend_;
};

std::string last_dl_error() {
  const char* text = dlerror();
  return text != nullptr ? text : "no reason given";
}

}  // namespace

Result<std::unique_ptr<LoadedModule>> LoadedModule::open(const std::string& path) {
  const std::string wanted = "the backend module " + path;
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored))
    return environment_error(wanted, "no such file", "",
                             "Build or install it beside this executable.");
  void* handle = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  if (handle == nullptr) return environment_error(wanted, last_dl_error());
  std::unique_ptr<LoadedModule> module(new LoadedModule(handle));

  using EntryPoint = const BackendModule* (*)();
  const auto entry_point = reinterpret_cast<EntryPoint>(dlsym(handle, kModuleEntryPoint));
  if (entry_point == nullptr)
    return environment_error(wanted, std::string("a library without ") + kModuleEntryPoint);
  module->entry_ = entry_point();
  if (std::strcmp(module->entry_->build_id, kBuildId) != 0)
    return environment_error("build " + std::string(kBuildId) + " of the backend module",
                             "build " + std::string(module->entry_->build_id), path,
                             "Build the executable and its modules together.");
  static constexpr ModuleServices kServices{&read_onnx_graph};
  if (void* take = dlsym(handle, kTakeModuleServices); take != nullptr)
    reinterpret_cast<TakeModuleServices>(take)(&kServices);
  return module;
}

LoadedModule::~LoadedModule() {
  dlclose(handle_);
}

std::string LoadedModule::explain(const Model& model) const {
  std::string text;
  if (void* explain = dlsym(handle_, kExplainModel); explain != nullptr)
    reinterpret_cast<ExplainModel>(explain)(model, text);
  return text;
}

std::string module_path(const std::string& module) {
  std::error_code ignored;
  const auto executable = std::filesystem::read_symlink("/proc/self/exe", ignored);
  const auto root = executable.parent_path().parent_path();
  return (root / "lib" / "batchtune" / (module + ".so")).string();
}

Result<std::unique_ptr<Backend>> open_backend_module(const std::string& path,
                                                     const std::string& parameters) {
  BT_TRY(module, LoadedModule::open(path));
  std::unique_ptr<Backend> backend(module->entry().create(parameters.c_str()));
  if (backend == nullptr)
    return bad_input("parameters that the backend knows", "\"" + parameters + "\"", path);
  return std::make_unique<ModuleBackend>(std::move(module), std::move(backend));
}

Result<std::vector<KernelInfo>> kernels_of_module(const std::string& path) {
  BT_TRY(module, LoadedModule::open(path));
  return module->entry().kernels();
}

Result<std::string> explain_in_module(const std::string& path, const Model& model) {
  BT_TRY(module, LoadedModule::open(path));
  return module->explain(model);
}

}  // namespace batchtune
