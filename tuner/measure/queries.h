// Questions to a backend that need no model, answered by a short-lived worker process, so that this
// process never loads a backend's libraries.
#pragma once

#include <string>
#include <vector>

#include "tuner/backend/backend.h"
#include "tuner/core/device.h"
#include "tuner/core/error.h"

namespace batchtune {

inline constexpr Seconds kQueryTimeout = 60;  // cold file caches on a slow disk, with room to spare

// `spec` is "cpu" or "simulated:wall=2GiB". Errors: the backend's own, or that the worker ended.
Result<DeviceInfo> describe_backend(const std::string& spec, Seconds timeout = kQueryTimeout);
Result<std::vector<KernelInfo>> list_kernels(const std::string& spec,
                                             Seconds timeout = kQueryTimeout);

}  // namespace batchtune
