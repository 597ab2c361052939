// The loops of kernels/tensor for reference: an island (raw pointers, no standard library).
#include "kernels/tensor/vector.h"

#include "kernels/tensor/generic/math.h"

namespace batchtune::kernels::tensor::reference {

#include "kernels/tensor/generic/loops.h"

}  // namespace batchtune::kernels::tensor::reference
