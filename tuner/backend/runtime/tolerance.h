// How far a runtime's outputs of one sample may differ between batch sizes.
#pragma once

#include "tuner/core/dtype.h"
#include "tuner/workload/model.h"

namespace batchtune::runtime {

// Relative to the output's largest magnitude, of arithmetic in `dtype` (f32, bf16): a runtime may
// take another kernel, with sums in another order, at another batch.
double output_tolerance(const Model& model, DType dtype);

}  // namespace batchtune::runtime
