// Which instruction sets oneDNN may use: settled once per process, before it is asked for anything.
#pragma once

#include <string>

#include "tuner/backend/backend.h"

namespace batchtune::onednn {

// `widest` is a name of kernels/isa.h ("avx512"); "" for all that there are. unsupported: another
// one was settled before, this machine has not got it, or the library knows no such limit.
Outcome<void> limit_instruction_sets(const std::string& widest);

// As the library calls it ("avx512_core_amx"). Settles it, so only after the former.
std::string instruction_set_in_force();

// The widest that products in `dtype` will run on here, by a name of kernels/isa.h; "" where the
// library may have none. Settles nothing.
std::string expected_instruction_set(DType dtype);

}  // namespace batchtune::onednn
