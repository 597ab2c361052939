// What workers run of kernels/probe: the reference programs as a backend, so that a worker can run
// them in its turn like any other program, a program that does nothing, and the canaries. Opened by
// workers only; users never name it.
#pragma once

#include <memory>
#include <string>

#include "tuner/backend/backend.h"
#include "tuner/core/error.h"
#include "tuner/measure/canary.h"

namespace batchtune {

// What run_worker() opens backends with: for kReferenceBackend the reference programs (they need
// AVX2) and the null program, else the backend list.
Result<std::unique_ptr<Backend>> open_worker_backend(const std::string& spec);

// On the first `cpus` CPUs that this process may use. nullptr when they cannot be pinned. Without
// AVX2 they use portable loops.
std::unique_ptr<Canaries> make_canaries(int cpus);

// Hash over instructions and parameters of the reference programs; "" where this CPU has none.
std::string reference_hash();

}  // namespace batchtune
