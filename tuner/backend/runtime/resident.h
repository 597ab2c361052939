// Memory of a runtime, which keeps no account: what this process holds, seen from outside.
#pragma once

#include "tuner/core/units.h"

namespace batchtune::runtime {

Bytes resident_bytes();  // of this process now; 0 where /proc does not say

// Gives what was freed back to the system first: files are read and weights packed through memory
// that is not needed afterwards, which is no program's.
Bytes settled_resident_bytes();

}  // namespace batchtune::runtime
