// Normalisation that several operations share. Internal to this folder.
#pragma once

#include "tuner/workload/hlo/imported/node_writer.h"

namespace batchtune::hlo {

// x less its mean over its deviation, both over `axes`; the mean, and the inverse of the deviation.
struct Normalised {
  Formula result, mean, inverse;
};
Normalised normalise(NodeWriter& n, const Value& x, const Numbers& axes, double epsilon);

}  // namespace batchtune::hlo
