// Small models made up at random: every operation, fused epilogue and layout in eight steps.
#pragma once

#include "tuner/workload/model.h"

namespace batchtune::test {

Model random_graph(unsigned seed);  // the same for a seed on every machine with this library

}  // namespace batchtune::test
