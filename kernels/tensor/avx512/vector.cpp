// The loops of kernels/tensor for avx512: an island (raw pointers, no standard library).
#include "kernels/tensor/vector.h"

#include "kernels/tensor/generic/math.h"

namespace batchtune::kernels::tensor::avx512 {

#include "kernels/tensor/generic/loops.h"

}  // namespace batchtune::kernels::tensor::avx512
