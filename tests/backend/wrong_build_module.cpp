// A backend module whose build id is another: it must be refused before anything else in it is
// called.
#include <cstdlib>

#include "tuner/backend/backend.h"

namespace {

const batchtune::BackendModule kModule = {
    "another build", [](const char*) -> batchtune::Backend* { std::abort(); },
    []() -> std::vector<batchtune::KernelInfo> { std::abort(); }};

}  // namespace

extern "C" const batchtune::BackendModule* batchtune_backend_module() {
  return &kModule;
}
