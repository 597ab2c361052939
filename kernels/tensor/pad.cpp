// Padding by an index map for each axis: where an output index comes from, or nowhere.
#include <cstring>
#include <vector>

#include "kernels/tensor/layout.h"
#include "kernels/tensor/walk.h"
#include "kernels/tensor/wide.h"

namespace batchtune::kernels::tensor {
namespace {

constexpr std::int64_t kNowhere = -1;

std::int64_t modulo(std::int64_t a, std::int64_t b) {
  const std::int64_t rest = a % b;
  return rest < 0 ? rest + b : rest;
}

// The input's index for place `i` (which may lie outside) of an axis of `size`.
std::int64_t source(PadMode mode, std::int64_t i, std::int64_t size) {
  if (i >= 0 && i < size) return i;
  switch (mode) {
    case PadMode::constant:
      return kNowhere;
    case PadMode::edge:
      return i < 0 ? 0 : size - 1;
    case PadMode::wrap:
      return modulo(i, size);
    case PadMode::reflect: {
      if (size == 1) return 0;
      const std::int64_t period = 2 * (size - 1), place = modulo(i, period);
      return place < size ? place : period - place;
    }
  }
  return kNowhere;
}

// Of the last axis: its own indices lie together from `begin` to `end` of the output.
struct LastAxis {
  std::vector<std::int64_t> from;
  std::int64_t begin = 0, end = 0;
};

struct Maps {
  std::vector<std::int64_t> from[kMaxRank];  // of the axes before the last one
  LastAxis last;
};

template <typename T>
void pad_row(const LastAxis& axis, const T* in, T value, T* out) {
  const auto element = [&](std::int64_t i) {
    const std::int64_t from = axis.from[static_cast<std::size_t>(i)];
    return from == kNowhere ? value : in[from];
  };
  const auto size = static_cast<std::int64_t>(axis.from.size());
  for (std::int64_t i = 0; i < axis.begin; ++i) out[i] = element(i);
  if (axis.end > axis.begin) {
    std::memcpy(out + axis.begin, in + axis.from[static_cast<std::size_t>(axis.begin)],
                static_cast<std::size_t>(axis.end - axis.begin) * sizeof(T));
  }
  for (std::int64_t i = axis.end; i < size; ++i) out[i] = element(i);
}

template <typename T>
void pad_rows(const Context& context, const ConstTensor& in, const Maps& maps, T value,
              const Tensor& out) {
  const std::size_t last = in.shape.size() - 1;
  const Shape strides = dense_strides(in.shape);
  const std::int64_t length = out.shape[last], rows = product(out.shape, 0, last);
  split_rows(context.team, rows, 2 * length * static_cast<std::int64_t>(sizeof(T)),
             [&](std::int64_t begin, std::int64_t end) {
               for (std::int64_t row = begin; row < end; ++row) {
                 std::int64_t offset = 0, rest = row;
                 bool inside = true;
                 for (std::size_t axis = last; axis-- > 0;) {
                   const std::int64_t size = out.shape[axis];
                   const std::int64_t from = maps.from[axis][static_cast<std::size_t>(rest % size)];
                   inside = inside && from != kNowhere;
                   offset += from * strides[axis];
                   rest /= size;
                 }
                 T* to = static_cast<T*>(out.data) + row * length;
                 if (inside) {
                   pad_row(maps.last, static_cast<const T*>(in.data) + offset, value, to);
                 } else {
                   std::fill_n(to, length, value);
                 }
               }
             });
}

}  // namespace

Outcome pad(const Context& context, const ConstTensor& in, std::span<const std::int64_t> pads,
            PadMode mode, const ConstTensor* value, const Tensor& out) {
  const std::size_t rank = in.shape.size();
  if (in.type != out.type) return {"input and output differ in type"};
  if (pads.size() != 2 * rank || out.shape.size() != rank) return {"ranks differ"};
  if (value != nullptr && (value->type != in.type || value->elements() != 1)) {
    return {"the value is no scalar of the input's type"};
  }
  for (std::size_t axis = 0; axis < rank; ++axis) {
    const std::int64_t size = in.shape[axis], padded = size + pads[axis] + pads[axis + rank];
    if (out.shape[axis] != padded) return {"the output has not the padded shape"};
    if (mode != PadMode::constant && size == 0 && padded > 0) {
      return {"nothing to repeat along an empty axis"};
    }
  }
  if (out.elements() == 0) return kDone;
  if (rank == 0) return copy(context, in, out);
  Maps maps;
  for (std::size_t axis = 0; axis < rank; ++axis) {
    std::vector<std::int64_t>& from = axis + 1 == rank ? maps.last.from : maps.from[axis];
    from.resize(static_cast<std::size_t>(out.shape[axis]));
    for (std::size_t i = 0; i < from.size(); ++i) {
      from[i] = source(mode, static_cast<std::int64_t>(i) - pads[axis], in.shape[axis]);
    }
  }
  const std::int64_t length = out.shape[rank - 1];
  maps.last.begin = std::clamp<std::int64_t>(pads[rank - 1], 0, length);
  maps.last.end =
      std::clamp<std::int64_t>(pads[rank - 1] + in.shape[rank - 1], maps.last.begin, length);
  with_size(bytes_of(in.type), [&](auto tag) {
    using T = decltype(tag);
    T bits{};
    if (value != nullptr) std::memcpy(&bits, value->data, sizeof bits);
    pad_rows(context, in, maps, bits, out);
  });
  return kDone;
}

}  // namespace batchtune::kernels::tensor
