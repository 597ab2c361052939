// Backends that disturb a race in ways that real ones do: for tests of rounds. Virtual clocks but
// for `spinning` and the null program.
//   spinning         a thread of its own uses a CPU for ever, from the first run on
//   lingering        the same for some milliseconds after each run
//   cold:N           the first N runs of a program after another ran take 8 % longer
//   crowded:BATCH    the program of that batch sends SIGKILL to its process in its second run while
//                    others are prepared beside it
//   not_a_number:BATCH   the program of that batch reports NaN from its second run on
//   kernels:right    has reference kernels, and others that give the same
//   kernels:wrong    ... that give something else for every batch alike
//   kernels:none     has none, and takes no notice of being asked for them
#pragma once

#include <sys/types.h>

#include <memory>
#include <string>

#include "tuner/backend/backend.h"
#include "tuner/measure/canary.h"

namespace batchtune {

// Or nullptr.
std::unique_ptr<Backend> open_racing_backend(const std::string& name,
                                             const std::string& parameters);

// Two readings of the clock, as every program on the host's clock has them.
std::unique_ptr<Program> make_null_program();

// 30 us and 100 us on each CPU at 2 GHz, 80 ns between two of them; every fourth burst takes twice
// as long. The first process of a parent that makes them for kDeadlyCpus is killed.
inline constexpr int kDeadlyCpus = 13;
std::string deadly_marker(pid_t parent);  // the file that says that one died already
std::unique_ptr<Canaries> make_scripted_canaries(int cpus);

}  // namespace batchtune
