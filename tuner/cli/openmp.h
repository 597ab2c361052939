// How long OpenMP's threads spin before they sleep: settled in a worker before a backend's module
// brings OpenMP along, which reads it from the environment once, when it is loaded.
#pragma once

#include <string>

namespace batchtune {

// Settles it for this process where the backend of `spec` uses OpenMP, and tells the backend by its
// parameter `spinning`: what the user has in the environment (GOMP_SPINCOUNT, OMP_WAIT_POLICY) or
// in the spec ("onednn:spinning=300000"), else kSpinningPauses.
std::string with_openmp_spinning(const std::string& spec);

// Some 0.4 to 1 ms. OpenMP's own default spins for 5 to 14 ms, into the turns of others; threads
// that sleep at once (0) make every operation pay for waking them.
inline constexpr char kSpinningPauses[] = "20000";

}  // namespace batchtune
