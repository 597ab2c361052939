// A backend's shared library: loaded, checked and kept for as long as the Backend made from it
// lives. Modules share C++ types with the executable, so one that was built apart from it is
// refused.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tuner/backend/backend.h"
#include "tuner/core/error.h"

namespace batchtune {

// Owns a dlopen handle. The code stays mapped after the last close (a module's threads may still
// run in it).
class LoadedModule {
 public:
  // Errors: the file is missing or cannot be linked, has no entry point, or has another build id.
  static Result<std::unique_ptr<LoadedModule>> open(const std::string& path);
  ~LoadedModule();
  LoadedModule(const LoadedModule&) = delete;
  LoadedModule& operator=(const LoadedModule&) = delete;

  const BackendModule& entry() const { return *entry_; }
  std::string explain(const Model& model) const;

 private:
  explicit LoadedModule(void* handle) : handle_(handle) {}
  void* handle_;
  const BackendModule* entry_ = nullptr;
};

// <folder of this executable>/../lib/batchtune/<module>.so
std::string module_path(const std::string& module);

// The Backend owns its module.
Result<std::unique_ptr<Backend>> open_backend_module(const std::string& path,
                                                     const std::string& parameters);
Result<std::vector<KernelInfo>> kernels_of_module(const std::string& path);
// What the module says of a model that was read from a file; "" where it says nothing.
Result<std::string> explain_in_module(const std::string& path, const Model& model);

}  // namespace batchtune
