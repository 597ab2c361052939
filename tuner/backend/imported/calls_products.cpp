// Matrix products of two activations, and those with constants that have no native kind.
#include "tuner/backend/imported/calls.h"

namespace batchtune::imported {

std::span<const CallRow> product_calls() {
  return {};
}

}  // namespace batchtune::imported
