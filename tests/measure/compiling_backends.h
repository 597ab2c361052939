// A backend whose programs are compiled elsewhere, on a virtual clock, for tests of measuring.
//   compiling     batch 4 is compiled already; another takes 60 s, 20 of which are left where it was
//                 begun in the background before; besides, preparing takes 1 s and loading 5 s
#pragma once

#include <memory>
#include <string>

#include "tuner/backend/backend.h"

namespace batchtune {

std::unique_ptr<Backend> open_compiling_backend(const std::string& name);  // or nullptr

}  // namespace batchtune
