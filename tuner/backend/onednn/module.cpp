// What onednn.so exports.
#include "build_id.h"
#include "tuner/backend/onednn/onednn_backend.h"

namespace {

const batchtune::ModuleServices* services = nullptr;

batchtune::Backend* create(const char* parameters) {
  auto settings = batchtune::onednn::parse_settings(parameters != nullptr ? parameters : "");
  if (!settings) return nullptr;
  return new batchtune::onednn::OneDnnBackend(std::move(*settings), services->read_onnx_graph);
}

std::vector<batchtune::KernelInfo> no_kernels_of_our_own() {
  return {};
}

}  // namespace

extern "C" __attribute__((visibility("default"))) void batchtune_take_module_services(
    const batchtune::ModuleServices* given) {
  services = given;
}

extern "C" __attribute__((visibility("default"))) const batchtune::BackendModule*
batchtune_backend_module() {
  static const batchtune::BackendModule kModule{batchtune::kBuildId, &create,
                                                &no_kernels_of_our_own};
  return &kModule;
}
