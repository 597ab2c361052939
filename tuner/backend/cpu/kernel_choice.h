// Which kernels a model runs on: the best that this machine has, that LoadOptions.isa allows, and
// that proved right against their slow twin. Wider is better, except where bf16 products by
// vdpbf16ps are slower than widened ones (kernels/probe/product_isas.h).
#pragma once

#include <set>
#include <string>

#include "kernels/conv/conv.h"
#include "kernels/elementwise/elementwise.h"
#include "kernels/norm/norm.h"
#include "kernels/pool/pool.h"
#include "kernels/tensor/tensor.h"
#include "tuner/backend/backend.h"

namespace batchtune::cpu {

struct KernelChoice {
  const kernels::GemmKernel* gemm = nullptr;
  kernels::ConvKernels conv;
  const kernels::PoolKernel* pool = nullptr;
  const kernels::NormKernel* norm = nullptr;
  const kernels::ElementwiseKernel* elementwise = nullptr;
  kernels::tensor::Kernels tensor;  // of what imported models have beside native operations: f32 loops, whatever the dtype
};

// Names of kernels that proved right or wrong in this process or before.
struct Verdicts {
  std::set<std::string, std::less<>> proven, refuted;
};

// The instruction sets up to `widest` ("" for all) that this machine has, or an Ending that says
// why not.
Outcome<kernels::IsaMask> allowed_isas(const std::string& widest);

// Proves what is not known yet, best first, until one holds; adds to `verdicts` and `report`.
KernelChoice choose_kernels(kernels::Dtype dtype, kernels::IsaMask allowed, Verdicts& verdicts,
                            LoadReport& report);

// Of the calls of imported models alone, for backends whose products are another library's.
kernels::tensor::Kernels choose_tensor_kernels(kernels::IsaMask allowed, Verdicts& verdicts,
                                               LoadReport& report);

// What products run on where nothing is refuted or ruled out.
kernels::Isa product_isa(kernels::Dtype dtype);

std::vector<KernelInfo> list_kernels();

}  // namespace batchtune::cpu
