// What a worker process does to itself before it runs anything: it must die with its parent, die
// first when memory runs out, leave no core files, and keep its address space close to what it
// uses.
#pragma once

#include <cstdint>
#include <string>

#include "tuner/core/units.h"

namespace batchtune {

// The guard's name in /proc: it is nobody's child, and stays in the cgroup that it was started in.
inline constexpr char kGuardName[] = "batchtune-guard";  // 15 characters, as many as Linux keeps

// Before this process has a second thread: it forks a guard that ends the group when it is gone.
void setup_worker();

// False when the parent died before this process could ask to die with it.
bool parent_is(std::int64_t pid);

// The most that this process has had mapped so far; 0 when it cannot be known.
Bytes peak_address_space();

// RLIMIT_AS at `baseline` plus `above`. Returns the reason when it was not set: sanitizers reserve
// terabytes of address space.
std::string limit_address_space(Bytes baseline, Bytes above);

}  // namespace batchtune
