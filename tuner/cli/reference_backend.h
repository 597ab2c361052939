// The reference programs (kernels/probe) as a backend, so that a worker can run them in its turn
// like any other program. Opened by workers only; users never name it.
#pragma once

#include <memory>
#include <string>

#include "tuner/backend/backend.h"
#include "tuner/core/error.h"

namespace batchtune {

// What run_worker() opens backends with: the reference programs for kReferenceBackend, else the
// backend list.
Result<std::unique_ptr<Backend>> open_worker_backend(const std::string& spec);

// Hash over instructions and parameters of the reference programs; "" where this CPU has none.
std::string reference_hash();

}  // namespace batchtune
