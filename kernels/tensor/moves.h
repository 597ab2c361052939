// One copy for all moves whose input lies on a grid: transposed, sliced, reversed, expanded, tiled.
// Internal to this folder.
#pragma once

#include "kernels/tensor/walk.h"

namespace batchtune::kernels::tensor {

// out[i] = the input's element where `walk` says, for elements of 1, 2, 4 or 8 bytes.
void copy_walk(const Context& context, const Walk<1>& walk, std::size_t element_bytes,
               const void* in, void* out);

}  // namespace batchtune::kernels::tensor
