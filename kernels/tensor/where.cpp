#include "kernels/tensor/binary.h"
#include "kernels/tensor/walk.h"
#include "kernels/tensor/wide.h"

namespace batchtune::kernels::tensor {
namespace {

template <typename T, std::int64_t kStrideA, std::int64_t kStrideB>
void choose(const std::uint8_t* condition, std::int64_t condition_stride, const T* a, const T* b,
            std::int64_t n, T* out) {
  if (condition_stride == 0) {
    if (*condition != 0) {
      for (std::int64_t i = 0; i < n; ++i) out[i] = a[i * kStrideA];
    } else {
      for (std::int64_t i = 0; i < n; ++i) out[i] = b[i * kStrideB];
    }
    return;
  }
  for (std::int64_t i = 0; i < n; ++i) {
    const T x = a[i * kStrideA], y = b[i * kStrideB];
    out[i] = condition[i] != 0 ? x : y;
  }
}

template <typename T>
auto choice(std::int64_t stride_a, std::int64_t stride_b) {
  if (stride_a == 0) return stride_b == 0 ? &choose<T, 0, 0> : &choose<T, 0, 1>;
  return stride_b == 0 ? &choose<T, 1, 0> : &choose<T, 1, 1>;
}

}  // namespace

Outcome where(const Context& context, const ConstTensor& condition, const ConstTensor& a,
              const ConstTensor& b, const Tensor& out) {
  if (condition.type != ElementType::boolean) return {"the condition must be boolean"};
  if (a.type != b.type || a.type != out.type) return {"inputs and output differ in type"};
  Shape shape;
  if (!broadcast(condition.shape, a.shape, shape) || !broadcast(shape, b.shape, shape)) {
    return {"the shapes do not broadcast"};
  }
  if (shape != out.shape) return {"the output has not the broadcast shape"};
  Walk<3> walk;
  broadcast_walk<3>(shape, {&condition.shape, &a.shape, &b.shape}, walk);
  const auto bytes = static_cast<std::int64_t>(3 * bytes_of(out.type) + 1);
  with_size(bytes_of(out.type), [&](auto tag) {
    using T = decltype(tag);
    const auto& stride = walk.inner_stride();
    const auto loop = choice<T>(stride[1], stride[2]);
    split_rows(context.team, walk.elements, bytes, [&](std::int64_t begin, std::int64_t end) {
      for_runs(walk, begin, end, [&](std::int64_t i, const auto& offset, std::int64_t n) {
        loop(static_cast<const std::uint8_t*>(condition.data) + offset[0], stride[0],
             static_cast<const T*>(a.data) + offset[1], static_cast<const T*>(b.data) + offset[2],
             n, static_cast<T*>(out.data) + i);
      });
    });
  });
  return kDone;
}

}  // namespace batchtune::kernels::tensor
