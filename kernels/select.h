// Choosing a row of a constant kernel table whose rows have name, dtype and isa: best first for
// each dtype, the reference last.
#pragma once

#include <algorithm>
#include <cassert>
#include <span>
#include <string_view>

#include "kernels/dtype.h"
#include "kernels/isa.h"

namespace batchtune::kernels {

// Tables hold kernels, or pointers to kernels where their type is private.
template <typename Kernel>
const Kernel& kernel_of(const Kernel& row) {
  return row;
}
template <typename Kernel>
const Kernel& kernel_of(const Kernel* row) {
  return *row;
}

// The first row of `dtype` among `allowed` that is not left out by name. The reference is always
// allowed and cannot be left out.
template <typename Row>
const auto& select_kernel(std::span<const Row> table, Dtype dtype, IsaMask allowed,
                          std::span<const std::string_view> left_out) {
  const auto chosen = std::find_if(table.begin(), table.end(), [&](const Row& row) {
    const auto& kernel = kernel_of(row);
    if (kernel.dtype != dtype) return false;
    if (kernel.isa == Isa::reference) return true;
    return contains(allowed, kernel.isa) &&
           std::find(left_out.begin(), left_out.end(), kernel.name) == left_out.end();
  });
  assert(chosen != table.end());
  return kernel_of(*chosen);
}

}  // namespace batchtune::kernels
