// The cpu backend: this machine's processor through kernels/. Lives in a module of its own
// (cpu.so), since it brings oneTBB; see module.cpp.
#pragma once

#include <memory>

#include "tuner/backend/backend.h"
#include "tuner/backend/cpu/host.h"
#include "tuner/backend/cpu/kernel_choice.h"
#include "tuner/backend/module_services.h"

namespace batchtune::cpu {

class CpuBackend final : public Backend {
 public:
  // `read`: the graphs of imported models; modules get it from the executable.
  explicit CpuBackend(GraphReader read = &read_onnx_graph) : host_(read_host()), read_(read) {}
  DeviceInfo describe() override;
  Outcome<std::unique_ptr<LoadedModel>> load(const Model& model, const LoadOptions& options,
                                             LoadReport& report) override;

 private:
  Host host_;
  GraphReader read_;
  Verdicts verdicts_;  // of this process, over all loads
};

}  // namespace batchtune::cpu
