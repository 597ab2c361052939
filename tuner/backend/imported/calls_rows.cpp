// Softmax and normalisation along axes.
#include "tuner/backend/imported/calls.h"

namespace batchtune::imported {

std::span<const CallRow> row_calls() {
  return {};
}

}  // namespace batchtune::imported
