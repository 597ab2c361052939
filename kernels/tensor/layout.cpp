#include "kernels/tensor/layout.h"

#include <cstring>

#include "kernels/tensor/moves.h"
#include "kernels/tensor/wide.h"

namespace batchtune::kernels::tensor {
namespace {

Outcome same_type(const ConstTensor& in, const Tensor& out) {
  return in.type == out.type ? kDone : Outcome{"input and output differ in type"};
}

// A tensor seen as rows: what lies before an axis, and the axis with all after it.
struct RowsFrom {
  std::int64_t rows, row_bytes;
};
RowsFrom rows_from(const Shape& shape, std::size_t axis, ElementType type) {
  return {product(shape, 0, axis),
          product(shape, axis, shape.size()) * static_cast<std::int64_t>(bytes_of(type))};
}

// Whether the shapes are equal but for one axis.
bool equal_but(const Shape& a, const Shape& b, std::size_t axis) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (i != axis && a[i] != b[i]) return false;
  }
  return true;
}

// Copies pieces of rows: out and in may have longer rows than the piece.
void copy_pieces(const Context& context, std::int64_t rows, std::int64_t bytes,
                 const std::byte* from, std::int64_t from_row, std::byte* to, std::int64_t to_row) {
  if (bytes == 0 || rows == 0) return;
  if (bytes == from_row && bytes == to_row) {  // one piece: any chunks
    split_rows(context.team, rows * bytes, 2, [&](std::int64_t begin, std::int64_t end) {
      std::memcpy(to + begin, from + begin, static_cast<std::size_t>(end - begin));
    });
    return;
  }
  split_rows(context.team, rows, 2 * bytes, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t row = begin; row < end; ++row) {
      std::memcpy(to + row * to_row, from + row * from_row, static_cast<std::size_t>(bytes));
    }
  });
}

}  // namespace

Outcome copy(const Context& context, const ConstTensor& in, const Tensor& out) {
  if (const Outcome ok = same_type(in, out); !ok) return ok;
  if (in.elements() != out.elements()) return {"input and output differ in size"};
  const auto bytes = static_cast<std::int64_t>(in.bytes());
  copy_pieces(context, 1, bytes, static_cast<const std::byte*>(in.data), bytes,
              static_cast<std::byte*>(out.data), bytes);
  return kDone;
}

Outcome transpose(const Context& context, const ConstTensor& in,
                  std::span<const std::int64_t> permutation, const Tensor& out) {
  if (const Outcome ok = same_type(in, out); !ok) return ok;
  const std::size_t rank = in.shape.size();
  if (permutation.size() != rank || out.shape.size() != rank) return {"ranks differ"};
  const Shape strides = dense_strides(in.shape);
  Walk<1> walk;
  Shape used = Shape::filled(rank, 0);
  for (std::size_t axis = 0; axis < rank; ++axis) {
    const auto from = static_cast<std::size_t>(permutation[axis]);
    if (from >= rank || used[from]++ != 0) return {"not a permutation of the axes"};
    if (out.shape[axis] != in.shape[from]) return {"the output has not the permuted shape"};
    walk.append(in.shape[from], {strides[from]});
  }
  walk.close();
  copy_walk(context, walk, bytes_of(in.type), in.data, out.data);
  return kDone;
}

std::optional<SliceOfAxes> resolve_slice(const Shape& in, std::span<const std::int64_t> starts,
                                         std::span<const std::int64_t> ends,
                                         std::span<const std::int64_t> axes,
                                         std::span<const std::int64_t> steps) {
  const auto rank = static_cast<std::int64_t>(in.size());
  if (ends.size() != starts.size() || (!axes.empty() && axes.size() != starts.size()) ||
      (!steps.empty() && steps.size() != starts.size()) || starts.size() > in.size()) {
    return std::nullopt;
  }
  SliceOfAxes slice{Shape::filled(in.size(), 0), Shape::filled(in.size(), 1), in};
  Shape seen = Shape::filled(in.size(), 0);
  for (std::size_t i = 0; i < starts.size(); ++i) {
    std::int64_t axis = axes.empty() ? static_cast<std::int64_t>(i) : axes[i];
    if (axis < 0) axis += rank;
    const std::int64_t step = steps.empty() ? 1 : steps[i];
    if (axis < 0 || axis >= rank || step == 0) return std::nullopt;
    const auto at = static_cast<std::size_t>(axis);
    if (seen[at]++ != 0) return std::nullopt;
    const std::int64_t size = in[at];
    // Where counting begins and ends: backwards, before the first element is an end as well.
    const std::int64_t low = step > 0 ? 0 : -1, high = step > 0 ? size : size - 1;
    const auto clamped = [&](std::int64_t place) {
      return std::clamp(place < 0 ? place + size : place, low, std::max(low, high));
    };
    const std::int64_t start = clamped(starts[i]), end = clamped(ends[i]);
    // -step of the least number would overflow; a step longer than the axis takes one element.
    const std::int64_t length = std::max<std::int64_t>(size, 1);
    const std::int64_t pace = std::clamp(step, -length, length);
    const std::int64_t distance = step > 0 ? end - start : start - end;
    slice.start[at] = start;
    slice.step[at] = pace;
    slice.shape[at] = distance <= 0 ? 0 : (distance - 1) / std::abs(pace) + 1;
  }
  return slice;
}

Outcome slice(const Context& context, const ConstTensor& in, const SliceOfAxes& what,
              const Tensor& out) {
  if (const Outcome ok = same_type(in, out); !ok) return ok;
  if (what.shape != out.shape) return {"the output has not the slice's shape"};
  if (what.start.size() != in.shape.size() || what.shape.size() != in.shape.size()) {
    return {"the slice has not the input's rank"};
  }
  if (out.elements() == 0) return kDone;
  const Shape strides = dense_strides(in.shape);
  Walk<1> walk;
  for (std::size_t axis = 0; axis < in.shape.size(); ++axis) {
    const std::int64_t first = what.start[axis];
    const std::int64_t last = first + (what.shape[axis] - 1) * what.step[axis];
    if (std::min(first, last) < 0 || std::max(first, last) >= in.shape[axis]) {
      return {"the slice is out of range"};
    }
    walk.base[0] += first * strides[axis];
    walk.append(what.shape[axis], {what.step[axis] * strides[axis]});
  }
  walk.close();
  copy_walk(context, walk, bytes_of(in.type), in.data, out.data);
  return kDone;
}

Outcome concat(const Context& context, std::span<const ConstTensor> inputs, std::size_t axis,
               const Tensor& out) {
  if (axis >= out.shape.size()) return {"the axis is out of range"};
  const RowsFrom whole = rows_from(out.shape, axis, out.type);
  std::int64_t bytes = 0;
  for (const ConstTensor& input : inputs) {
    if (const Outcome ok = same_type(input, out); !ok) return ok;
    if (!equal_but(input.shape, out.shape, axis)) return {"an input's shape does not fit"};
    bytes += rows_from(input.shape, axis, out.type).row_bytes;
  }
  if (bytes != whole.row_bytes) return {"the inputs do not fill the output"};
  auto* to = static_cast<std::byte*>(out.data);
  for (const ConstTensor& input : inputs) {
    const RowsFrom piece = rows_from(input.shape, axis, out.type);
    copy_pieces(context, piece.rows, piece.row_bytes, static_cast<const std::byte*>(input.data),
                piece.row_bytes, to, whole.row_bytes);
    to += piece.row_bytes;
  }
  return kDone;
}

Outcome split(const Context& context, const ConstTensor& in, std::size_t axis,
              std::span<const Tensor> outs) {
  if (axis >= in.shape.size()) return {"the axis is out of range"};
  const RowsFrom whole = rows_from(in.shape, axis, in.type);
  std::int64_t bytes = 0;
  for (const Tensor& out : outs) {
    if (const Outcome ok = same_type(in, out); !ok) return ok;
    if (!equal_but(out.shape, in.shape, axis)) return {"an output's shape does not fit"};
    bytes += rows_from(out.shape, axis, in.type).row_bytes;
  }
  if (bytes != whole.row_bytes) return {"the outputs do not share out the input"};
  const auto* from = static_cast<const std::byte*>(in.data);
  for (const Tensor& out : outs) {
    const RowsFrom piece = rows_from(out.shape, axis, in.type);
    copy_pieces(context, piece.rows, piece.row_bytes, from, whole.row_bytes,
                static_cast<std::byte*>(out.data), piece.row_bytes);
    from += piece.row_bytes;
  }
  return kDone;
}

Outcome expand(const Context& context, const ConstTensor& in, const Tensor& out) {
  if (const Outcome ok = same_type(in, out); !ok) return ok;
  Walk<1> walk;
  if (!broadcast_walk<1>(out.shape, {&in.shape}, walk)) return {"the shapes do not broadcast"};
  copy_walk(context, walk, bytes_of(in.type), in.data, out.data);
  return kDone;
}

Outcome tile(const Context& context, const ConstTensor& in, const Tensor& out) {
  if (const Outcome ok = same_type(in, out); !ok) return ok;
  if (in.shape.size() != out.shape.size()) return {"ranks differ"};
  const Shape strides = dense_strides(in.shape);
  // An axis of the output is two: the repetitions, and the input's axis.
  std::array<std::int64_t, 2 * kMaxRank> sizes{}, distances{};
  std::size_t axes = 0;
  Walk<1> walk;
  for (std::size_t axis = 0; axis < in.shape.size(); ++axis) {
    const std::int64_t own = in.shape[axis], all = out.shape[axis];
    if (own == 0 ? all != 0 : all % own != 0) return {"an axis is no multiple of the input's"};
    const std::int64_t times = own == 0 ? 1 : all / own;
    if (times != 1) ++axes;
    if (own != 1) ++axes;
    sizes[2 * axis] = times;
    sizes[2 * axis + 1] = own;
    distances[2 * axis + 1] = strides[axis];
  }
  if (axes > kMaxRank) return {"too many repeated axes"};
  for (std::size_t i = 0; i < 2 * in.shape.size(); ++i) walk.append(sizes[i], {distances[i]});
  walk.close();
  copy_walk(context, walk, bytes_of(in.type), in.data, out.data);
  return kDone;
}

Outcome fill(const Context& context, const ConstTensor& value, const Tensor& out) {
  if (value.elements() != 1) return {"the value is no scalar"};
  return expand(context, {value.type, {}, value.data}, out);
}

Outcome depth_to_space(const Context& context, const ConstTensor& in, std::int64_t block,
                       DepthOrder order, const Tensor& out) {
  if (in.shape.size() != 4 || out.shape.size() != 4) return {"not of four axes"};
  if (block < 1 || in.shape[1] % (block * block) != 0) return {"the block does not divide depth"};
  const std::int64_t n = in.shape[0], c = in.shape[1] / (block * block);
  const std::int64_t h = in.shape[2], w = in.shape[3];
  if (out.shape != Shape{n, c, h * block, w * block}) return {"the output has another shape"};
  const bool dcr = order == DepthOrder::dcr;
  const Shape parts = dcr ? Shape{n, block, block, c, h, w} : Shape{n, c, block, block, h, w};
  const Shape permutation = dcr ? Shape{0, 3, 4, 1, 5, 2} : Shape{0, 1, 4, 2, 5, 3};
  return transpose(context, {in.type, parts, in.data}, permutation.span(),
                   {out.type, {n, c, h, block, w, block}, out.data});
}

Outcome space_to_depth(const Context& context, const ConstTensor& in, std::int64_t block,
                       const Tensor& out, DepthOrder order) {
  if (in.shape.size() != 4 || out.shape.size() != 4) return {"not of four axes"};
  if (block < 1 || in.shape[2] % block != 0 || in.shape[3] % block != 0) {
    return {"the block does not divide the image"};
  }
  const std::int64_t n = in.shape[0], c = in.shape[1];
  const std::int64_t h = in.shape[2] / block, w = in.shape[3] / block;
  if (out.shape != Shape{n, c * block * block, h, w}) return {"the output has another shape"};
  const bool dcr = order == DepthOrder::dcr;
  const Shape parts = dcr ? Shape{n, block, block, c, h, w} : Shape{n, c, block, block, h, w};
  const Shape permutation = dcr ? Shape{0, 3, 5, 1, 2, 4} : Shape{0, 1, 3, 5, 2, 4};
  return transpose(context, {in.type, {n, c, h, block, w, block}, in.data}, permutation.span(),
                   {out.type, parts, out.data});
}

}  // namespace batchtune::kernels::tensor
