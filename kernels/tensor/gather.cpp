#include "kernels/tensor/gather.h"

#include <atomic>
#include <cstring>

#include "kernels/tensor/layout.h"
#include "kernels/tensor/walk.h"
#include "kernels/tensor/wide.h"

namespace batchtune::kernels::tensor {
namespace {

constexpr Outcome kOutOfRange{"an index is out of range"};

bool is_index(ElementType type) {
  return type == ElementType::i32 || type == ElementType::i64;
}

std::int64_t index_at(const ConstTensor& indices, std::int64_t i) {
  return indices.type == ElementType::i64 ? static_cast<const std::int64_t*>(indices.data)[i]
                                          : static_cast<const std::int32_t*>(indices.data)[i];
}

// In [0, size); false where it is out of range.
bool resolve(std::int64_t& index, std::int64_t size) {
  if (index < 0) index += size;
  return index >= 0 && index < size;
}

// One that lanes may set.
class Range {
 public:
  void fail() { failed_.store(true, std::memory_order_relaxed); }
  Outcome outcome() const { return failed_.load() ? kOutOfRange : kDone; }

 private:
  std::atomic<bool> failed_{false};
};

// The element that a tuple of indices names, as an offset in pieces of what follows those axes.
bool offset_of(const ConstTensor& indices, std::int64_t tuple, std::int64_t length,
               const Shape& data, std::size_t first_axis, std::int64_t& offset) {
  offset = 0;
  for (std::int64_t i = 0; i < length; ++i) {
    std::int64_t index = index_at(indices, tuple * length + i);
    const std::int64_t size = data[first_axis + static_cast<std::size_t>(i)];
    if (!resolve(index, size)) return false;
    offset = offset * size + index;
  }
  return true;
}

// Small pieces are what most gathers copy.
void copy_piece(std::byte* to, const std::byte* from, std::size_t bytes) {
  switch (bytes) {
    case 4:
      std::memcpy(to, from, 4);
      return;
    case 8:
      std::memcpy(to, from, 8);
      return;
    default:
      std::memcpy(to, from, bytes);
  }
}

Outcome check_elements(const ConstTensor& in, const ConstTensor& indices, std::size_t axis) {
  if (!is_index(indices.type)) return {"the indices are not i32 or i64"};
  if (axis >= in.shape.size()) return {"the axis is out of range"};
  if (indices.shape.size() != in.shape.size()) return {"input and indices differ in rank"};
  for (std::size_t i = 0; i < in.shape.size(); ++i) {
    if (i != axis && indices.shape[i] > in.shape[i]) return {"the indices' shape does not fit"};
  }
  return kDone;
}

// For every element of `indices`, in order: f(i, offset of its element in `in`). The axis's own
// index is in the data.
template <typename F>
void for_elements(const ConstTensor& in, const ConstTensor& indices, std::size_t axis,
                  std::int64_t begin, std::int64_t end, Range& range, F f) {
  const Shape strides = dense_strides(in.shape);
  Walk<1> walk;
  for (std::size_t i = 0; i < in.shape.size(); ++i) {
    walk.append(indices.shape[i], {i == axis ? 0 : strides[i]});
  }
  walk.close();
  // close() of a walk without axes is for one element, whose offset is 0.
  const std::int64_t step = indices.elements() == 1 ? 0 : walk.inner_stride()[0];
  for_runs(walk, begin, end, [&](std::int64_t first, const auto& offset, std::int64_t n) {
    for (std::int64_t j = 0; j < n; ++j) {
      std::int64_t index = index_at(indices, first + j);
      if (!resolve(index, in.shape[axis])) {
        range.fail();
        continue;
      }
      f(first + j, offset[0] + j * step + index * strides[axis]);
    }
  });
}

// ---- updates that meet elements ----

using Combine = void (*)(ElementType type, const void* updates, std::int64_t from, std::int64_t n,
                         void* out, std::int64_t to);

template <Scatter scatter>
void combine(ElementType type, const void* updates, std::int64_t from, std::int64_t n, void* out,
             std::int64_t to) {
  with_wide(type, [&](auto tag) {
    using W = decltype(tag);
    W update[kBlock], value[kBlock];
    for (std::int64_t i = 0; i < n; i += kBlock) {
      const std::int64_t some = std::min(kBlock, n - i);
      load(type, updates, from + i, some, update);
      load(type, out, to + i, some, value);
      for (std::int64_t j = 0; j < some; ++j) {
        const W a = value[j], b = update[j];
        if constexpr (scatter == Scatter::add) value[j] = a + b;
        if constexpr (scatter == Scatter::mul) value[j] = a * b;
        if constexpr (scatter == Scatter::max) value[j] = a > b || a != a ? a : b;
        if constexpr (scatter == Scatter::min) value[j] = a < b || a != a ? a : b;
      }
      store(type, value, some, out, to + i);
    }
  });
}

void replace(ElementType type, const void* updates, std::int64_t from, std::int64_t n, void* out,
             std::int64_t to) {
  std::memcpy(at(out, type, to), at(updates, type, from),
              static_cast<std::size_t>(n) * bytes_of(type));
}

Combine combine_of(Scatter scatter) {
  switch (scatter) {
    case Scatter::replace:
      return &replace;
    case Scatter::add:
      return &combine<Scatter::add>;
    case Scatter::mul:
      return &combine<Scatter::mul>;
    case Scatter::max:
      return &combine<Scatter::max>;
    case Scatter::min:
      return &combine<Scatter::min>;
  }
  return &replace;
}

Outcome start_scatter(const Context& context, const ConstTensor& in, const ConstTensor& updates,
                      Scatter scatter, const Tensor& out) {
  if (updates.type != in.type) return {"input and updates differ in type"};
  if (scatter != Scatter::replace && in.type == ElementType::boolean) {
    return {"arithmetic with boolean"};
  }
  if (in.shape != out.shape || in.type != out.type) return {"input and output differ"};
  return in.data == out.data ? kDone : copy(context, in, out);
}

}  // namespace

Outcome gather(const Context& context, const ConstTensor& in, const ConstTensor& indices,
               std::size_t axis, const Tensor& out) {
  if (!is_index(indices.type)) return {"the indices are not i32 or i64"};
  if (in.type != out.type) return {"input and output differ in type"};
  if (axis >= in.shape.size()) return {"the axis is out of range"};
  const std::int64_t count = indices.elements(), size = in.shape[axis];
  const std::int64_t outer = product(in.shape, 0, axis);
  const std::int64_t inner = product(in.shape, axis + 1, in.shape.size());
  if (out.elements() != outer * count * inner) return {"the output has another size"};
  const auto bytes = static_cast<std::size_t>(inner) * bytes_of(in.type);
  Range range;
  split_rows(context.team, bytes == 0 ? 0 : outer * count, 2 * static_cast<std::int64_t>(bytes),
             [&](std::int64_t begin, std::int64_t end) {
               for (std::int64_t i = begin; i < end; ++i) {
                 std::int64_t index = index_at(indices, i % count);
                 std::byte* to = at(out.data, in.type, i * inner);
                 if (!resolve(index, size)) {
                   range.fail();
                   std::memset(to, 0, bytes);
                   continue;
                 }
                 const std::int64_t from = (i / count * size + index) * inner;
                 copy_piece(to, at(in.data, in.type, from), bytes);
               }
             });
  return range.outcome();
}

Outcome gather_elements(const Context& context, const ConstTensor& in, const ConstTensor& indices,
                        std::size_t axis, const Tensor& out) {
  if (const Outcome ok = check_elements(in, indices, axis); !ok) return ok;
  if (in.type != out.type) return {"input and output differ in type"};
  if (out.shape != indices.shape) return {"indices and output differ in shape"};
  Range range;
  const auto bytes = static_cast<std::int64_t>(bytes_of(in.type) + bytes_of(indices.type));
  with_size(bytes_of(in.type), [&](auto tag) {
    using T = decltype(tag);
    const T* from = static_cast<const T*>(in.data);
    T* to = static_cast<T*>(out.data);
    split_rows(context.team, indices.elements(), bytes, [&](std::int64_t begin, std::int64_t end) {
      for_elements(in, indices, axis, begin, end, range,
                   [&](std::int64_t i, std::int64_t offset) { to[i] = from[offset]; });
    });
  });
  return range.outcome();
}

Outcome gather_nd(const Context& context, const ConstTensor& in, const ConstTensor& indices,
                  std::size_t batch_dims, const Tensor& out) {
  if (!is_index(indices.type)) return {"the indices are not i32 or i64"};
  if (in.type != out.type) return {"input and output differ in type"};
  if (indices.shape.empty()) return {"the indices are a scalar"};
  const std::int64_t length = indices.shape.back();
  const std::size_t rank = in.shape.size(),
                    first_inner = batch_dims + static_cast<std::size_t>(length);
  if (length < 0 || first_inner > rank || batch_dims >= indices.shape.size()) {
    return {"the indices are longer than the input's shape"};
  }
  for (std::size_t axis = 0; axis < batch_dims; ++axis) {
    if (in.shape[axis] != indices.shape[axis]) return {"the batch axes differ"};
  }
  const std::int64_t batches = product(in.shape, 0, batch_dims);
  const std::int64_t tuples = product(indices.shape, 0, indices.shape.size() - 1);
  const std::int64_t inner = product(in.shape, first_inner, rank);
  const std::int64_t of_batch = product(in.shape, batch_dims, first_inner);
  if (out.elements() != tuples * inner) return {"the output has another size"};
  const auto bytes = static_cast<std::size_t>(inner) * bytes_of(in.type);
  if (bytes == 0 || tuples == 0) return kDone;
  const std::int64_t each = tuples / batches;
  Range range;
  split_rows(context.team, tuples, 2 * static_cast<std::int64_t>(bytes),
             [&](std::int64_t begin, std::int64_t end) {
               for (std::int64_t i = begin; i < end; ++i) {
                 std::byte* to = at(out.data, in.type, i * inner);
                 std::int64_t offset = 0;
                 if (!offset_of(indices, i, length, in.shape, batch_dims, offset)) {
                   range.fail();
                   std::memset(to, 0, bytes);
                   continue;
                 }
                 const std::int64_t from = (i / each * of_batch + offset) * inner;
                 copy_piece(to, at(in.data, in.type, from), bytes);
               }
             });
  return range.outcome();
}

Outcome scatter_elements(const Context& context, const ConstTensor& in, const ConstTensor& indices,
                         const ConstTensor& updates, std::size_t axis, Scatter scatter,
                         const Tensor& out) {
  if (const Outcome ok = check_elements(in, indices, axis); !ok) return ok;
  if (updates.shape != indices.shape) return {"indices and updates differ in shape"};
  if (const Outcome ok = start_scatter(context, in, updates, scatter, out); !ok) return ok;
  const Combine step = combine_of(scatter);
  Range range;
  for_elements(in, indices, axis, 0, indices.elements(), range,
               [&](std::int64_t i, std::int64_t offset) {
                 step(in.type, updates.data, i, 1, out.data, offset);
               });
  return range.outcome();
}

Outcome scatter_nd(const Context& context, const ConstTensor& in, const ConstTensor& indices,
                   const ConstTensor& updates, Scatter scatter, const Tensor& out) {
  if (!is_index(indices.type)) return {"the indices are not i32 or i64"};
  if (indices.shape.empty()) return {"the indices are a scalar"};
  const std::int64_t length = indices.shape.back();
  if (length < 0 || length > static_cast<std::int64_t>(in.shape.size())) {
    return {"the indices are longer than the input's shape"};
  }
  const std::int64_t tuples = product(indices.shape, 0, indices.shape.size() - 1);
  const std::int64_t inner = product(in.shape, static_cast<std::size_t>(length), in.shape.size());
  if (updates.elements() != tuples * inner) return {"the updates have another size"};
  if (const Outcome ok = start_scatter(context, in, updates, scatter, out); !ok) return ok;
  const Combine step = combine_of(scatter);
  Range range;
  for (std::int64_t i = 0; i < tuples; ++i) {
    std::int64_t offset = 0;
    if (!offset_of(indices, i, length, in.shape, 0, offset)) {
      range.fail();
      continue;
    }
    step(in.type, updates.data, i * inner, inner, out.data, offset * inner);
  }
  return range.outcome();
}

Outcome one_hot(const Context& context, const ConstTensor& indices, std::size_t axis,
                const ConstTensor& values, const Tensor& out) {
  if (values.type != out.type || values.elements() != 2) return {"not two values of out's type"};
  if (axis >= out.shape.size() || out.shape.size() != indices.shape.size() + 1) {
    return {"the output's rank is not one more than the indices'"};
  }
  const std::int64_t depth = out.shape[axis];
  const std::int64_t inner = product(out.shape, axis + 1, out.shape.size());
  if (out.elements() != indices.elements() * depth) return {"the output has another size"};
  if (const Outcome ok = fill(context, {values.type, {}, values.data}, out); !ok) return ok;
  const auto bytes = bytes_of(out.type);
  for (std::int64_t i = 0; i < indices.elements(); ++i) {
    auto index = load_one<std::int64_t>(indices, i);
    if (!resolve(index, depth)) continue;
    const std::int64_t place = (i / inner * depth + index) * inner + i % inner;
    std::memcpy(at(out.data, out.type, place), at(values.data, out.type, 1), bytes);
  }
  return kDone;
}

}  // namespace batchtune::kernels::tensor
