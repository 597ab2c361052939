// Which instruction sets are worth their while for matrix products. Wider is faster but for one
// case: Intel's processors run the bf16 dot product (vdpbf16ps) at half the rate of f32
// multiply-adds and so slower than bf16 widened to f32, AMD's at twice the rate. Model numbers do
// not tell (a virtual machine may show those of another processor), so the two loops are timed.
#pragma once

#include "kernels/dtype.h"
#include "kernels/isa.h"

namespace batchtune::probe {

// `allowed` without those that make products of `dtype` slower on this machine than a narrower one
// of `allowed`. Selection is then by width, as ever. The first call that depends on it measures for
// about a millisecond; the answer is the same for the rest of the process. Safe from any thread.
kernels::IsaMask product_isas(kernels::Dtype dtype, kernels::IsaMask allowed);

}  // namespace batchtune::probe
