// What is not known of a model whose operations cannot be read (workload/opaque.h): its counts, and
// every estimate. They are kept as zeros, or batch 1 for the search to begin with, and shown as
// unknown: never as figures.
#pragma once

#include "tuner/core/estimate.h"
#include "tuner/core/session.h"

namespace batchtune {

// A seed above 1 alone says something too: where to begin.
inline bool is_known(const Estimate& estimate) {
  return estimate.formula.has_value() || !estimate.curve.empty() || estimate.batch > 1;
}

// Of a session: whether any of its estimates says something.
inline bool has_estimates(const SessionHeader& header) {
  for (const Estimate& estimate : header.estimates)
    if (is_known(estimate)) return true;
  return false;
}

inline bool has_counts(const ModelSummary& model) {
  return model.flops_per_sample > 0 || model.parameters > 0 ||
         model.activation_bytes_per_sample > 0;
}

}  // namespace batchtune
