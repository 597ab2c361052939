// Tensors that are made from indices, or whose elements depend on them: ranges, diagonals, reversed
// sequences.
#include <cstring>

#include "kernels/tensor/layout.h"
#include "kernels/tensor/walk.h"
#include "kernels/tensor/wide.h"

namespace batchtune::kernels::tensor {

Outcome trilu(const Context& context, const ConstTensor& in, std::int64_t k, bool upper,
              const Tensor& out) {
  if (in.type != out.type || in.shape != out.shape) return {"input and output differ"};
  if (in.shape.size() < 2) return {"not of two axes at least"};
  const std::size_t rank = in.shape.size();
  const std::int64_t rows = in.shape[rank - 2], columns = in.shape[rank - 1];
  const auto bytes = static_cast<std::int64_t>(bytes_of(in.type));
  split_rows(context.team, columns == 0 ? 0 : in.elements() / columns, 2 * columns * bytes,
             [&](std::int64_t begin, std::int64_t end) {
               for (std::int64_t row = begin; row < end; ++row) {
                 const std::byte* from = at(in.data, in.type, row * columns);
                 std::byte* to = at(out.data, in.type, row * columns);
                 // Columns [first, last) are kept. The diagonal may lie far outside.
                 const std::int64_t i = row % rows;
                 const std::int64_t far = std::clamp(k, -rows - 1, columns + 1);
                 const std::int64_t diagonal = std::clamp<std::int64_t>(i + far, -1, columns);
                 const std::int64_t first = upper ? std::max<std::int64_t>(diagonal, 0) : 0;
                 const std::int64_t last = upper ? columns : std::min(diagonal + 1, columns);
                 const auto size = [&](std::int64_t n) {
                   return static_cast<std::size_t>(n * bytes);
                 };
                 std::memset(to, 0, size(first));
                 std::memcpy(to + first * bytes, from + first * bytes, size(last - first));
                 std::memset(to + last * bytes, 0, size(columns - last));
               }
             });
  return kDone;
}

Outcome range(const Context& context, const ConstTensor& start, const ConstTensor& delta,
              const Tensor& out) {
  if (start.type != out.type || delta.type != out.type) return {"inputs and output differ in type"};
  if (start.elements() != 1 || delta.elements() != 1) return {"start or delta is no scalar"};
  with_wide(out.type, [&](auto tag) {
    using W = decltype(tag);
    const W first = load_one<W>(start), step = load_one<W>(delta);
    split_rows(context.team, out.elements(), static_cast<std::int64_t>(bytes_of(out.type)),
               [&](std::int64_t begin, std::int64_t end) {
                 W block[kBlock];
                 for (std::int64_t i = begin; i < end; i += kBlock) {
                   const std::int64_t n = std::min(kBlock, end - i);
                   for (std::int64_t j = 0; j < n; ++j) {
                     block[j] = first + static_cast<W>(i + j) * step;
                   }
                   store(out.type, block, n, out.data, i);
                 }
               });
  });
  return kDone;
}

Outcome eye_like(const Context&, std::int64_t k, const Tensor& out) {
  if (out.shape.size() != 2) return {"not a matrix"};
  const std::int64_t one = 1, rows = out.shape[0], columns = out.shape[1];
  if (out.elements() != 0) std::memset(out.data, 0, out.bytes());
  for (std::int64_t i = std::max<std::int64_t>(0, -k); i < rows && i + k < columns; ++i) {
    store(out.type, &one, 1, out.data, i * columns + i + k);
  }
  return kDone;
}

Outcome reverse_sequence(const Context& context, const ConstTensor& in, const ConstTensor& lengths,
                         std::size_t batch_axis, std::size_t time_axis, const Tensor& out) {
  if (in.type != out.type || in.shape != out.shape) return {"input and output differ"};
  if (in.shape.size() < 2 || batch_axis + time_axis != 1) return {"the axes are not 0 and 1"};
  if (lengths.type != ElementType::i64 || lengths.shape != Shape{in.shape[batch_axis]}) {
    return {"the lengths are not one i64 for each sequence"};
  }
  const std::int64_t steps = in.shape[time_axis];
  for (std::int64_t b = 0; b < lengths.elements(); ++b) {
    const auto length = load_one<std::int64_t>(lengths, b);
    if (length < 0 || length > steps) return {"a length is out of range"};
  }
  const std::int64_t second = in.shape[1];
  const std::int64_t row = product(in.shape, 2, in.shape.size());
  const auto bytes = static_cast<std::size_t>(row) * bytes_of(in.type);
  split_rows(context.team, in.shape[0] * second, 2 * static_cast<std::int64_t>(bytes),
             [&](std::int64_t begin, std::int64_t end) {
               for (std::int64_t i = begin; i < end; ++i) {
                 const std::int64_t place[] = {i / second, i % second};
                 std::int64_t from[] = {place[0], place[1]};
                 const auto length = load_one<std::int64_t>(lengths, place[batch_axis]);
                 const std::int64_t step = place[time_axis];
                 if (step < length) from[time_axis] = length - 1 - step;
                 std::memcpy(at(out.data, in.type, i * row),
                             at(in.data, in.type, (from[0] * second + from[1]) * row), bytes);
               }
             });
  return kDone;
}

}  // namespace batchtune::kernels::tensor
