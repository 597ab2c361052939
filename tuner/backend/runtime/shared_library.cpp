#include "tuner/backend/runtime/shared_library.h"

#include <dlfcn.h>

namespace batchtune::runtime {

// Its code stays mapped when it is closed: threads of a runtime may be on their way out.
Result<SharedLibrary> SharedLibrary::open(const std::string& path) {
  void* handle = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  if (handle == nullptr) {
    const char* reason = dlerror();
    return environment_error("the library " + path, reason != nullptr ? reason : "no reason given",
                             "", "Give another one: --runtime-library PATH");
  }
  return SharedLibrary(path, handle);
}

void* SharedLibrary::symbol(const char* name) const {
  return dlsym(handle_.get(), name);
}

void SharedLibrary::Closer::operator()(void* handle) const {
  dlclose(handle);
}

}  // namespace batchtune::runtime
