// Whether a stored session still tells of what is here now: what has changed since, in words.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "tuner/core/device.h"
#include "tuner/core/session.h"

namespace batchtune {

// What is here now, as far as it could be looked at.
struct Present {
  Environment environment;
  std::optional<std::string> model_hash;
  std::optional<DeviceInfo> device;  // of the session's backend
  std::string device_failure;        // why there is none: "no such library"
};

struct Staleness {
  std::vector<std::string> reasons;    // "runtime: oneTBB 2021.8 then, oneTBB 2022.0 now"
  std::vector<std::string> unchecked;  // "model"
};

// Model hash, device, its library or runtime, CPUs and the tool itself (its version, and the build:
// its kernels and its way to measure may differ); and a driver, where the environment has an entry
// `driver.*`, which no backend has so far. A simulated device depends on neither CPUs nor drivers.
// The operating system's kernel and free memory do not make a session stale.
Staleness staleness_of(const SessionHeader& then, const std::string& backend, const Present& now);

}  // namespace batchtune
