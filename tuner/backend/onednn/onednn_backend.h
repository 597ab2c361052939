// oneDNN on this machine's processor. A module of its own (onednn.so), since the library brings
// threads and much code; see module.cpp.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "tuner/backend/backend.h"
#include "tuner/backend/cpu/host.h"
#include "tuner/backend/cpu/kernel_choice.h"
#include "tuner/backend/module_services.h"

namespace batchtune::onednn {

// "spinning=20000": pauses for which OpenMP's threads wait before they sleep. Told by who started
// this process, since OpenMP takes it from the environment alone; kept to be reported.
struct Settings {
  std::string spinning;
};
Result<Settings> parse_settings(const std::string& parameters);

class OneDnnBackend final : public Backend {
 public:
  // `read`: the graphs of ONNX files; nullptr: they are refused.
  explicit OneDnnBackend(Settings settings, GraphReader read = nullptr)
      : settings_(std::move(settings)), read_(read) {}
  DeviceInfo describe() override;
  Outcome<std::unique_ptr<LoadedModel>> load(const Model& model, const LoadOptions& options,
                                             LoadReport& report) override;

 private:
  Settings settings_;
  GraphReader read_;
  cpu::Verdicts verdicts_;  // on the kernels of calls, of this process
  cpu::Host host_ = cpu::read_host();
};

}  // namespace batchtune::onednn
