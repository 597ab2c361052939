#include "kernels/tensor/products.h"

#include <cstring>
#include <vector>

#include "kernels/gemm/gemm.h"
#include "kernels/tensor/binary.h"
#include "kernels/tensor/floats.h"
#include "kernels/tensor/layout.h"
#include "kernels/tensor/vector.h"
#include "kernels/tensor/walk.h"
#include "kernels/tensor/wide.h"

namespace batchtune::kernels::tensor {
namespace {

// One product for each place of `batch`, whose offsets are those of a's and b's first elements.
struct Job {
  std::int64_t m = 1, n = 1, k = 1;
  Walk<2> batch;
  bool b_transposed = false;  // b is [N][K]
  float scale = 1;
};

// a: [...][M][K], b: [...][K][N]; the batch axes broadcast.
Outcome make_job(const Shape& a_shape, const Shape& b_shape, const Shape& out, Job& job) {
  if (a_shape.empty() || b_shape.empty()) return {"a scalar in a product"};
  Shape a = a_shape, b = b_shape, expected;
  if (a.size() == 1) a = {1, a[0]};
  if (b.size() == 1) b = {b[0], 1};
  const std::size_t a_batch = a.size() - 2, b_batch = b.size() - 2;
  job.m = a[a_batch];
  job.k = a[a_batch + 1];
  job.n = b[b_batch + 1];
  if (b[b_batch] != job.k) return {"the inner axes differ"};
  const Shape a_outer(a.span().first(a_batch)), b_outer(b.span().first(b_batch));
  if (!broadcast(a_outer, b_outer, expected)) return {"the batch axes do not broadcast"};
  Walk<2> matrices;
  broadcast_walk<2>(expected, {&a_outer, &b_outer}, matrices);
  for (std::size_t axis = 0; axis < matrices.axes; ++axis) {
    job.batch.append(matrices.size[axis], {matrices.stride[axis][0] * job.m * job.k,
                                           matrices.stride[axis][1] * job.k * job.n});
  }
  if (a_shape.size() > 1) expected.push_back(job.m);
  if (b_shape.size() > 1) expected.push_back(job.n);
  if (expected != out) return {"the output has not the product's shape"};
  // Rows of all the batch are rows of one matrix where b is the same for all.
  if (job.batch.axes == 1 && job.batch.stride[0][1] == 0 &&
      job.batch.stride[0][0] == job.m * job.k) {
    job.m *= job.batch.size[0];
    job.batch = {};
  }
  job.batch.close();
  return kDone;
}

// ---- f32 on kernels/gemm ----

constexpr std::int64_t kPieceColumns = 32, kPieceRows = 64;

std::int64_t piece_of(std::int64_t size, std::int64_t lanes, std::int64_t unit) {
  const std::int64_t each = (size + lanes - 1) / lanes;
  return std::min(size, (each + unit - 1) / unit * unit);
}

// One product shared out as "heads": pieces of columns, which packs b once in all; or of rows,
// where there are too few columns.
void multiply_alone(const Context& context, const BatchedGemm& whole, const Workspace& workspace) {
  const std::int64_t lanes = context.team.lanes();
  const GemmShape shape = whole.shape;
  const bool columns = shape.n >= lanes * kPieceColumns || shape.n >= shape.m;
  const std::int64_t size = columns ? shape.n : shape.m;
  const std::int64_t piece = piece_of(size, lanes, columns ? kPieceColumns : kPieceRows);
  BatchedGemm call = whole;
  const std::int64_t a_step = columns ? 0 : piece * call.a.row_stride;
  const std::int64_t b_column = call.b_transposed ? call.b.row_stride : 1;
  const std::int64_t b_step = columns ? piece * b_column : 0;
  const std::int64_t c_step = columns ? piece : piece * call.c.row_stride;
  call.a.head_stride = a_step;
  call.b.head_stride = b_step;
  call.c.head_stride = c_step;
  call.heads = size / piece;
  (columns ? call.shape.n : call.shape.m) = piece;
  batched_gemm(*context.kernels.gemm, call, workspace, context.team);
  const std::int64_t rest = size - call.heads * piece;
  if (rest == 0) return;
  call.a.data = static_cast<const float*>(call.a.data) + call.heads * a_step;
  call.b.data = static_cast<const float*>(call.b.data) + call.heads * b_step;
  call.c.data = static_cast<float*>(call.c.data) + call.heads * c_step;
  call.heads = 1;
  (columns ? call.shape.n : call.shape.m) = rest;
  batched_gemm(*context.kernels.gemm, call, workspace, context.team);
}

void multiply_packed(const Context& context, const Job& job, const float* a, const float* b,
                     float* out, const Workspace& workspace) {
  const Walk<2>& batch = job.batch;
  BatchedGemm call;
  call.shape = {job.m, job.n, job.k};
  call.b_transposed = job.b_transposed;
  call.epilogue.scale = job.scale;
  call.a.row_stride = job.k;
  call.b.row_stride = job.b_transposed ? job.k : job.n;
  call.c.row_stride = job.n;
  if (batch.elements == 1) {
    call.a.data = a;
    call.b.data = b;
    call.c.data = out;
    return multiply_alone(context, call, workspace);
  }
  // The last axis of the batch is the heads, the one before the samples; further ones are a loop.
  const std::size_t last = batch.axes - 1;
  const std::int64_t c_size = job.m * job.n;
  call.heads = batch.size[last];
  call.a.head_stride = batch.stride[last][0];
  call.b.head_stride = batch.stride[last][1];
  call.c.head_stride = c_size;
  if (call.b.head_stride == 0) call.heads_per_b = call.heads;
  if (last > 0) {
    call.samples = batch.size[last - 1];
    call.a.sample_stride = batch.stride[last - 1][0];
    call.b.sample_stride = batch.stride[last - 1][1];
    call.c.sample_stride = call.heads * c_size;
  }
  Walk<2> outer;
  for (std::size_t axis = 0; axis + 1 < last; ++axis) {
    outer.append(batch.size[axis], batch.stride[axis]);
  }
  outer.close();
  const auto& step = outer.inner_stride();
  const std::int64_t out_step = call.samples * call.heads * c_size;
  for_runs(outer, 0, outer.elements, [&](std::int64_t first, const auto& offset, std::int64_t n) {
    for (std::int64_t i = 0; i < n; ++i) {
      call.a.data = a + offset[0] + i * step[0];
      call.b.data = b + offset[1] + i * step[1];
      call.c.data = out + (first + i) * out_step;
      batched_gemm(*context.kernels.gemm, call, workspace, context.team);
    }
  });
}

// ---- plain loops ----

// f(offset of a's row, offset of b, output row) for every row of every product.
template <typename F>
void for_product_rows(const Context& context, const Job& job, std::int64_t element_bytes, F f) {
  const std::int64_t bytes = std::max<std::int64_t>(1, job.k * job.n) * element_bytes;
  split_rows(context.team, job.batch.elements * job.m, bytes,
             [&](std::int64_t begin, std::int64_t end) {
               for (std::int64_t row = begin; row < end; ++row) {
                 const std::int64_t matrix = row / job.m;
                 for_runs(job.batch, matrix, matrix + 1,
                          [&](std::int64_t, const auto& offset, std::int64_t) {
                            f(offset[0] + row % job.m * job.k, offset[1], row);
                          });
               }
             });
}

void multiply_floats(const Context& context, const Job& job, const float* a, const float* b,
                     float* out) {
  const VectorKernel& kernel = *context.kernels.vector;
  for_product_rows(context, job, sizeof(float),
                   [&](std::int64_t a_row, std::int64_t b_first, std::int64_t row) {
                     float* to = out + row * job.n;
                     if (job.n == 1 || job.b_transposed) {
                       for (std::int64_t j = 0; j < job.n; ++j) {
                         to[j] = job.scale * kernel.dot(a + a_row, b + b_first + j * job.k, job.k);
                       }
                       return;
                     }
                     std::fill_n(to, job.n, 0.0f);
                     for (std::int64_t k = 0; k < job.k; ++k) {
                       const float factor = job.scale * a[a_row + k];
                       kernel.add_scaled(factor, b + b_first + k * job.n, job.n, to);
                     }
                   });
}

// Zero points are taken off each operand: one, or one for each row of a and column of b.
struct ZeroPoints {
  const ConstTensor* a = nullptr;
  const ConstTensor* b = nullptr;
};

template <typename W>
void multiply_any(const Context& context, const Job& job, const ConstTensor& a,
                  const ConstTensor& b, const ZeroPoints& zero, const Tensor& out) {
  const auto zero_at = [](const ConstTensor* zeros, std::int64_t i) {
    if (zeros == nullptr) return W{0};
    return load_one<W>(*zeros, zeros->elements() == 1 ? 0 : i);
  };
  for_product_rows(context, job, sizeof(W),
                   [&](std::int64_t a_row, std::int64_t b_first, std::int64_t row) {
                     const W a_zero = zero_at(zero.a, row % job.m);
                     for (std::int64_t first = 0; first < job.n; first += kBlock) {
                       const std::int64_t n = std::min(kBlock, job.n - first);
                       W sums[kBlock] = {}, values[kBlock], b_zero[kBlock];
                       for (std::int64_t j = 0; j < n; ++j) b_zero[j] = zero_at(zero.b, first + j);
                       for (std::int64_t k = 0; k < job.k; ++k) {
                         const W factor = load_one<W>(a, a_row + k) - a_zero;
                         load(b.type, b.data, b_first + k * job.n + first, n, values);
                         for (std::int64_t j = 0; j < n; ++j)
                           sums[j] += factor * (values[j] - b_zero[j]);
                       }
                       store(out.type, sums, n, out.data, row * job.n + first);
                     }
                   });
}

Outcome multiply(const Context& context, const Job& job, const ConstTensor& a, const ConstTensor& b,
                 const Tensor& out, const Workspace& workspace) {
  if (out.elements() == 0) return kDone;
  if (!is_float(a.type) || a.type == ElementType::f64) {
    with_wide(a.type, [&](auto tag) { multiply_any<decltype(tag)>(context, job, a, b, {}, out); });
    return kDone;
  }
  const Floats left(context, a), right(context, b);
  const FloatsOut results(out);
  const GemmShape shape{job.m, job.n, job.k};
  const bool packed =
      workspace.base != nullptr && job.k > 0 && context.kernels.gemm != nullptr &&
      workspace.lane_bytes >= batched_gemm_workspace_bytes(*context.kernels.gemm, shape);
  if (packed) {
    multiply_packed(context, job, left.data(), right.data(), results.data(), workspace);
  } else {
    multiply_floats(context, job, left.data(), right.data(), results.data());
  }
  return results.finish(context);
}

Outcome check_types(const ConstTensor& a, const ConstTensor& b, const Tensor& out) {
  if (a.type != b.type || a.type != out.type) return {"inputs and output differ in type"};
  return a.type == ElementType::boolean ? Outcome{"a product of boolean"} : kDone;
}

// A matrix with its axes exchanged, in memory of its own.
struct Exchanged {
  std::vector<std::byte> bytes;
  ConstTensor of(const Context& context, const ConstTensor& in) {
    constexpr std::int64_t kPermutation[] = {1, 0};
    bytes.resize(in.bytes());
    const Tensor out{in.type, {in.shape[1], in.shape[0]}, bytes.data()};
    static_cast<void>(transpose(context, in, kPermutation, out));
    return out;
  }
};

// A number as a scalar tensor.
struct Scalar {
  alignas(8) std::byte bytes[8] = {};
  ConstTensor of(ElementType type, double value) {
    store(type, &value, 1, bytes, 0);
    return {type, {}, bytes};
  }
};

// out += beta C.
Outcome add_matrix(const Context& context, double beta, const ConstTensor& c, const Tensor& out) {
  if (beta == 1) return binary(context, Binary::add, out, c, out);
  std::vector<std::byte> bytes(c.bytes());
  const Tensor scaled{c.type, c.shape, bytes.data()};
  Scalar factor;
  const Outcome done = binary(context, Binary::mul, c, factor.of(c.type, beta), scaled);
  return done ? binary(context, Binary::add, out, scaled, out) : done;
}

}  // namespace

Outcome matmul(const Context& context, const ConstTensor& a, const ConstTensor& b,
               const Tensor& out, const Workspace& workspace) {
  if (const Outcome ok = check_types(a, b, out); !ok) return ok;
  Job job;
  if (const Outcome ok = make_job(a.shape, b.shape, out.shape, job); !ok) return ok;
  return multiply(context, job, a, b, out, workspace);
}

std::size_t matmul_workspace_bytes(const Kernels& kernels, const ConstTensor& a,
                                   const ConstTensor& b) {
  if (!is_float(a.type) || a.type == ElementType::f64 || a.shape.empty() || b.shape.empty()) {
    return 0;
  }
  const std::int64_t k = a.shape.back(), n = b.shape.size() == 1 ? 1 : b.shape.back();
  return n == 1 || kernels.gemm == nullptr ? 0
                                           : batched_gemm_workspace_bytes(*kernels.gemm, {1, n, k});
}

Outcome gemm(const Context& context, const GemmCall& call, const ConstTensor& a,
             const ConstTensor& b, const ConstTensor* c, const Tensor& out,
             const Workspace& workspace) {
  if (const Outcome ok = check_types(a, b, out); !ok) return ok;
  if (a.shape.size() != 2 || b.shape.size() != 2) return {"an operand is no matrix"};
  if (c != nullptr && c->type != out.type) return {"inputs and output differ in type"};
  const std::int64_t m = a.shape[call.transpose_a ? 1 : 0], k = a.shape[call.transpose_a ? 0 : 1];
  const std::int64_t n = b.shape[call.transpose_b ? 0 : 1];
  if (b.shape[call.transpose_b ? 1 : 0] != k) return {"the inner axes differ"};
  if (out.shape != Shape{m, n}) return {"the output has not the product's shape"};
  if (c != nullptr) {
    Walk<1> walk;
    if (!broadcast_walk<1>(out.shape, {&c->shape}, walk)) return {"C does not broadcast"};
  }
  const bool floats = is_float(a.type) && a.type != ElementType::f64;
  Job job{m, n, k, {}, call.transpose_b && floats, static_cast<float>(floats ? call.alpha : 1)};
  job.batch.close();
  Exchanged first, second;
  const ConstTensor left = call.transpose_a ? first.of(context, a) : a;
  const ConstTensor right = call.transpose_b && !floats ? second.of(context, b) : b;
  if (const Outcome ok = multiply(context, job, left, right, out, workspace); !ok) return ok;
  if (!floats && call.alpha != 1) {
    Scalar factor;
    const ConstTensor alpha = factor.of(out.type, call.alpha);
    if (const Outcome ok = binary(context, Binary::mul, out, alpha, out); !ok) return ok;
  }
  return c == nullptr || call.beta == 0 ? kDone : add_matrix(context, call.beta, *c, out);
}

std::size_t gemm_workspace_bytes(const Kernels& kernels, const GemmCall& call, const ConstTensor& a,
                                 const ConstTensor& b) {
  if (!is_float(a.type) || a.type == ElementType::f64 || kernels.gemm == nullptr) return 0;
  if (a.shape.size() != 2 || b.shape.size() != 2) return 0;
  const std::int64_t k = a.shape[call.transpose_a ? 0 : 1], n = b.shape[call.transpose_b ? 0 : 1];
  return batched_gemm_workspace_bytes(*kernels.gemm, {1, n, k});
}

Outcome matmul_integer(const Context& context, const ConstTensor& a, const ConstTensor& b,
                       const ConstTensor* a_zero, const ConstTensor* b_zero, const Tensor& out) {
  if (bytes_of(a.type) != 1 || bytes_of(b.type) != 1 || out.type != ElementType::i32) {
    return {"not from i8 or u8 to i32"};
  }
  Job job;
  const std::int64_t rows = a.shape.size() < 2 ? 1 : a.shape[a.shape.size() - 2];
  if (const Outcome ok = make_job(a.shape, b.shape, out.shape, job); !ok) return ok;
  const auto fits = [](const ConstTensor* zero, std::int64_t n) {
    return zero == nullptr || zero->elements() == 1 || zero->elements() == n;
  };
  if (!fits(a_zero, rows) || !fits(b_zero, job.n)) return {"a zero point does not fit"};
  if (job.m != rows && a_zero != nullptr && a_zero->elements() != 1) {
    return {"zero points for the rows of a batch"};
  }
  multiply_any<std::int64_t>(context, job, a, b, {a_zero, b_zero}, out);
  return kDone;
}

}  // namespace batchtune::kernels::tensor
