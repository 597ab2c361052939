// The cpu backend: this machine's processor through kernels/. Lives in a module of its own
// (cpu.so), since it brings oneTBB; see module.cpp.
#pragma once

#include <memory>

#include "tuner/backend/backend.h"
#include "tuner/backend/cpu/host.h"
#include "tuner/backend/cpu/kernel_choice.h"

namespace batchtune::cpu {

class CpuBackend final : public Backend {
 public:
  CpuBackend() : host_(read_host()) {}
  DeviceInfo describe() override;
  Outcome<std::unique_ptr<LoadedModel>> load(const Model& model, const LoadOptions& options,
                                             LoadReport& report) override;

 private:
  Host host_;
  Verdicts verdicts_;  // of this process, over all loads
};

}  // namespace batchtune::cpu
