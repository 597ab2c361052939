// Matrix products: C[M,N] = epilogue(A[M,K] x W[K,N]) with weights packed once, and batched
// products of activations for attention. Sums are f32; bf16 operands are multiplied exactly. Not a
// BLAS: no column-major operands, no alpha/beta; the epilogue is the point. The trap: packed
// weights belong to the kernel row that they were packed for.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "kernels/aligned_buffer.h"
#include "kernels/arena.h"
#include "kernels/dtype.h"
#include "kernels/epilogue.h"
#include "kernels/isa.h"
#include "kernels/proof.h"
#include "kernels/workspace.h"

namespace batchtune::kernels {

struct GemmKernel;  // one row of the table; kernels/gemm/kernel.h has the fields

struct GemmShape {
  std::int64_t m = 0;
  std::int64_t n = 0;
  std::int64_t k = 0;
};

// ---- the table ----

// Every kernel, best first for each dtype, the reference last.
std::span<const GemmKernel* const> gemm_kernels();
std::string_view name_of(const GemmKernel& kernel);  // "gemm_f32_14x32_avx512"
Isa isa_of(const GemmKernel& kernel);
Dtype dtype_of(const GemmKernel& kernel);

// The best row for operands of `dtype` among `allowed`, leaving out kernels by name (those that
// failed their proof). Always finds one: the reference cannot be left out. A pure function.
const GemmKernel& select_gemm(Dtype dtype, IsaMask allowed,
                              std::span<const std::string_view> left_out = {});

// Runs the row against the reference row over a handful of awkward shapes; some milliseconds, needs
// a machine that has the row's ISA.
Proof prove(const GemmKernel& kernel);

// ---- weights ----

// W[K,N] of one or more groups in the layout of one kernel row. Movable; read-only after packing,
// so any number of programs may share it.
class PackedWeights {
 public:
  PackedWeights() = default;
  // `weights`: [groups][K][N], f32, row-major, rounded to the kernel's dtype. Empty when memory
  // ends.
  static std::optional<PackedWeights> pack(const GemmKernel& kernel, std::int64_t k, std::int64_t n,
                                           const float* weights, std::int64_t groups = 1);
  // The same in parts, for weights that are made while they are packed: room for [groups][K][N], of
  // which every element must then be put once.
  static std::optional<PackedWeights> make(const GemmKernel& kernel, std::int64_t k, std::int64_t n,
                                           std::int64_t groups = 1);
  // Stores elements `first` and on of [groups][K][N]. Different elements may be put by several
  // threads at once; whole blocks of rows are fastest.
  void put(std::int64_t first, std::span<const float> values);
  // What pack and make will allocate, for an account kept beforehand.
  static std::size_t bytes(const GemmKernel& kernel, std::int64_t k, std::int64_t n,
                           std::int64_t groups = 1);

  const GemmKernel& kernel() const { return *kernel_; }
  std::int64_t k() const { return k_; }
  std::int64_t n() const { return n_; }
  std::int64_t groups() const { return groups_; }
  std::size_t bytes() const { return buffer_.size(); }
  const std::byte* group(std::int64_t index) const;

 private:
  std::byte* panel(std::int64_t group, std::int64_t index) const;
  void put_rows(std::int64_t group, std::int64_t first, std::span<const float> values);

  const GemmKernel* kernel_ = nullptr;
  std::int64_t k_ = 0, n_ = 0, groups_ = 0;
  AlignedBuffer buffer_;
};

// ---- C = epilogue(A x W) ----

struct Gemm {
  std::int64_t m = 0;                      // rows; 0 does nothing
  const void* a = nullptr;                 // [M,K], the weights' dtype, row-major
  std::int64_t a_stride = 0;               // elements from row to row, at least K
  const PackedWeights* weights = nullptr;  // one group
  void* c = nullptr;  // [M,N], epilogue.output; must not overlap a; may be the residual itself
  std::int64_t c_stride = 0;  // elements from row to row, at least N
  Epilogue epilogue;
};

// Bytes of scratch per lane that gemm() may use, whatever M is.
std::size_t gemm_workspace_bytes(const GemmKernel& kernel, std::int64_t k, std::int64_t n);
void gemm(const Gemm& call, const Workspace& workspace, Team& team);

// ---- attention: C_h = epilogue(A_h x B_h) for every head h ----

// A matrix per head inside a larger tensor: element (sample, head, row, column) is at
// data[sample * sample_stride + head * head_stride + row * row_stride + column]; strides in
// elements.
template <typename Pointer>
struct HeadsOf {
  Pointer data = nullptr;
  std::int64_t sample_stride = 0;
  std::int64_t head_stride = 0;
  std::int64_t row_stride = 0;
};

struct BatchedGemm {
  std::int64_t samples = 1, heads = 1;
  GemmShape shape;         // of one head
  HeadsOf<const void*> a;  // [M,K]
  HeadsOf<const void*> b;  // [K,N], or [N,K] when b_transposed
  bool b_transposed = false;
  std::int64_t heads_per_b = 1;  // grouped queries: this many consecutive heads share one b
  HeadsOf<void*> c;              // [M,N]
  Epilogue epilogue;             // scale, activation and output; bias is shared, no residual
};

std::size_t batched_gemm_workspace_bytes(const GemmKernel& kernel, const GemmShape& shape);
void batched_gemm(const GemmKernel& kernel, const BatchedGemm& call, const Workspace& workspace,
                  Team& team);

}  // namespace batchtune::kernels
