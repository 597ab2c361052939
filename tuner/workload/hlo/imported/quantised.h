// Integers with a scale and a zero point: what several operations share. Internal to this folder.
#pragma once

#include "tuner/workload/hlo/imported/node_writer.h"

namespace batchtune::hlo {

// Input i as s32, less the zero point that input `zero` is, where it is there: one for all, one for
// each index along `axis`, or a tensor that spreads.
Value without_zero_point(NodeWriter& n, std::size_t i, std::size_t zero, std::int64_t axis);

// A sum of products of such integers as those of the output: times both operands' scales (inputs;
// one for all, or one for each index along their axis of the sum), over the output's scale (input),
// whole, and with the output's zero point (input) added.
struct ScaleOf {
  std::size_t input;
  std::int64_t axis;
};
Value requantised(NodeWriter& n, const Value& sum, ScaleOf a, ScaleOf b, std::size_t out_scale,
                  std::size_t out_zero);

// Cut off at the smallest and the largest number of the element type.
Formula held(const Formula& x, HloElement element);

}  // namespace batchtune::hlo
