// Notes on kernels that proved right against their slow twins on this CPU: a kernel is proved once
// per machine and build, not once per session.
#pragma once

#include <string>
#include <vector>

#include "storage/store.h"
#include "tuner/backend/backend.h"
#include "tuner/core/error.h"

namespace batchtune {

// Empty for simulated backends, which have none.
Result<std::vector<std::string>> proven_kernels(const Store& store, const BackendEntry& backend);

// Keeps what a worker proved; a refuted kernel is said loudly and not kept, so that it is tried
// again.
Status keep_kernel_proofs(Store& store, const std::string& backend, const LoadReport& report);

}  // namespace batchtune
