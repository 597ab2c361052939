// What cpu.so exports.
#include "build_id.h"
#include "tuner/backend/cpu/cpu_backend.h"
#include "tuner/backend/cpu/explain.h"

namespace {

const batchtune::ModuleServices* services = nullptr;

batchtune::Backend* create(const char* parameters) {
  if (parameters != nullptr && *parameters != '\0') return nullptr;  // it has none
  return new batchtune::cpu::CpuBackend(services->read_onnx_graph);
}

}  // namespace

extern "C" __attribute__((visibility("default"))) void batchtune_take_module_services(
    const batchtune::ModuleServices* given) {
  services = given;
}

extern "C" __attribute__((visibility("default"))) void batchtune_explain_model(
    const batchtune::Model& model, std::string& text) {
  text = batchtune::cpu::explain(model, services->read_onnx_graph);
}

extern "C" __attribute__((visibility("default"))) const batchtune::BackendModule*
batchtune_backend_module() {
  static const batchtune::BackendModule kModule{batchtune::kBuildId, &create,
                                                &batchtune::cpu::list_kernels};
  return &kModule;
}
