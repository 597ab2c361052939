// The devices that a command works on: what a backend says of itself, with this machine's measured
// figures where the backend runs on the CPU.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "storage/store.h"
#include "tuner/backend/backend.h"
#include "tuner/core/device.h"
#include "tuner/core/error.h"
#include "tuner/estimate/device_file.h"

namespace batchtune {

struct OpenDevice {
  std::string spec;  // "simulated:wall=2GiB"
  const BackendEntry* entry = nullptr;
  Calibration figures;  // of the CPU; of another device its description, without scaling

  DeviceInfo at(int threads) const { return at_threads(figures, threads); }
};

// What a backend says of itself under the name that sessions know its device by: this machine's, where
// it computes on its processor.
DeviceInfo named_here(DeviceInfo described, const std::string& spec);

// Asks a worker what the backend says; calibrates first where no note fits. `isa` limits the
// instruction set
// ("" = none). Errors: the backend's own, an unknown instruction set, one that this CPU lacks.
Result<OpenDevice> open_device(const std::string& spec, const std::string& isa, Store& store,
                               bool quiet);

}  // namespace batchtune
