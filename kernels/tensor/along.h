// A dense tensor seen from one axis: [outer][size][inner]. Internal to this folder.
#pragma once

#include "kernels/tensor/tensor.h"

namespace batchtune::kernels::tensor {

struct Along {
  std::int64_t outer = 1, size = 1, inner = 1;

  // From `axis` to before `end`.
  static Along of(const Shape& shape, std::size_t axis, std::size_t end) {
    return {product(shape, 0, axis), product(shape, axis, end), product(shape, end, shape.size())};
  }
  static Along of(const Shape& shape, std::size_t axis) { return of(shape, axis, axis + 1); }
  std::int64_t elements() const { return outer * size * inner; }
};

}  // namespace batchtune::kernels::tensor
