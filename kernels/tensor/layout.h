// Operations that only move elements, of any type: they copy bit for bit. Axes are counted from 0;
// negative ones are the caller's to resolve.
#pragma once

#include <optional>
#include <span>

#include "kernels/tensor/tensor.h"

namespace batchtune::kernels::tensor {

// Axis i of `out` is axis permutation[i] of `in`. Fast where inner axes stay together or two of
// them are exchanged.
Outcome transpose(const Context& context, const ConstTensor& in,
                  std::span<const std::int64_t> permutation, const Tensor& out);

// What to take of every axis: elements start, start + step, ... as many as `shape` has.
struct SliceOfAxes {
  Shape start, step, shape;
};
// From ONNX's inputs: `axes` may be empty (the first ones) and negative, `steps` empty (ones).
// nullopt: not as long as each other, an axis twice or out of range, or a step of 0.
std::optional<SliceOfAxes> resolve_slice(const Shape& in, std::span<const std::int64_t> starts,
                                         std::span<const std::int64_t> ends,
                                         std::span<const std::int64_t> axes,
                                         std::span<const std::int64_t> steps);
Outcome slice(const Context& context, const ConstTensor& in, const SliceOfAxes& what,
              const Tensor& out);

enum class PadMode : std::uint8_t { constant, reflect, edge, wrap };
// pads: what is added before each axis, then after each (2 x rank, all axes); negative ones crop.
// `value`: a scalar of the input's type for `constant`; 0 where null.
Outcome pad(const Context& context, const ConstTensor& in, std::span<const std::int64_t> pads,
            PadMode mode, const ConstTensor* value, const Tensor& out);

Outcome concat(const Context& context, std::span<const ConstTensor> inputs, std::size_t axis,
               const Tensor& out);
// The other way round.
Outcome split(const Context& context, const ConstTensor& in, std::size_t axis,
              std::span<const Tensor> outs);

Outcome expand(const Context& context, const ConstTensor& in, const Tensor& out);  // broadcasts
Outcome tile(const Context& context, const ConstTensor& in, const Tensor& out);  // as often as fits
Outcome copy(const Context& context, const ConstTensor& in, const Tensor& out);  // Reshape and kin
// `value`: a scalar of out's type. ConstantOfShape.
Outcome fill(const Context& context, const ConstTensor& value, const Tensor& out);

// in: [N][C][H][W]. What of C comes first: the block's place (dcr) or the channel (crd).
enum class DepthOrder : std::uint8_t { dcr, crd };
Outcome depth_to_space(const Context& context, const ConstTensor& in, std::int64_t block,
                       DepthOrder order, const Tensor& out);
Outcome space_to_depth(const Context& context, const ConstTensor& in, std::int64_t block,
                       const Tensor& out, DepthOrder order = DepthOrder::dcr);

// Zeroes what is below (upper) or above the k-th diagonal of the last two axes.
Outcome trilu(const Context& context, const ConstTensor& in, std::int64_t k, bool upper,
              const Tensor& out);
// start + i delta in out's type; both scalars of it.
Outcome range(const Context& context, const ConstTensor& start, const ConstTensor& delta,
              const Tensor& out);
// 1 on the k-th diagonal of a matrix, else 0; any number.
Outcome eye_like(const Context& context, std::int64_t k, const Tensor& out);
// The first lengths[b] (i64) steps of time_axis backwards, for each index of batch_axis: {0, 1}.
Outcome reverse_sequence(const Context& context, const ConstTensor& in, const ConstTensor& lengths,
                         std::size_t batch_axis, std::size_t time_axis, const Tensor& out);

}  // namespace batchtune::kernels::tensor
