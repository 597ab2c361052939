// The loops around the micro-kernel, shared by matrix products, attention and convolution: blocking
// for the caches, staging of A, and the epilogue. Private to kernels/.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/arena.h"
#include "kernels/epilogue.h"
#include "kernels/gemm/kernel.h"
#include "kernels/workspace.h"

namespace batchtune::kernels {

// Where rows of A come from. Either they are read in place, or `stage` copies a block of them.
struct RowSource {
  // Writes elements [k0, k0 + k_count) of rows [row0, row0 + rows) in the kernel's staged layout,
  // rows `to_stride` bytes apart.
  void (*stage)(const void* context, const GemmKernel& kernel, std::int64_t row0, std::int64_t rows,
                std::int64_t k0, std::int64_t k_count, std::byte* to, std::int64_t to_stride);
  const void* context;
  // Rows as they lie, when the micro-kernel can read them so; null: every block is staged.
  const std::byte* in_place = nullptr;
  std::int64_t in_place_stride = 0;  // bytes
};

// C[M,N] += all of it, one call's worth.
struct Product {
  const GemmKernel* kernel;
  std::int64_t m, n, k;
  RowSource rows;
  const std::byte* weights;  // panels(n) panels of steps(k) steps
  void* c;
  std::int64_t c_stride;  // elements
  Epilogue epilogue;
};

// How a product is cut for the caches: see blocking.cpp.
struct Blocking {
  std::int64_t m_block;   // rows of A in hand at once
  std::int64_t k_stage;   // k of A in hand at once; all of K where m_block rows of it fit
  std::int64_t k_inner;   // k of one micro-kernel call: its piece of a panel stays in L1
  std::int64_t m_blocks;  // pieces of M
  std::int64_t n_blocks;  // pieces of N: chunks = m_blocks x n_blocks

  std::int64_t chunks() const { return m_blocks * n_blocks; }
};

// Pure. `lanes` decides how many chunks are worth having.
Blocking block(const GemmKernel& kernel, std::int64_t m, std::int64_t n, std::int64_t k, int lanes);

// An upper bound, over every M and N, of sums and staged rows `whole_stride` bytes apart if uncut.
std::int64_t most_scratch_bytes(const GemmKernel& kernel, std::int64_t k,
                                std::int64_t whole_stride);

// True when sharing the product among lanes costs more than it saves.
bool is_tiny(std::int64_t m, std::int64_t n, std::int64_t k);

// Scratch of one lane: sums, staged rows, and which rows those are.
std::size_t multiply_workspace_bytes(const GemmKernel& kernel, std::int64_t k);
// Forgets what the lane's scratch has staged: once per product and lane, before its chunks.
void forget_staged(std::byte* scratch);
// Computes one chunk of the product.
void multiply_chunk(const Product& product, const Blocking& blocking, std::int64_t chunk,
                    std::byte* scratch);

// The whole product: its chunks shared among the team's lanes.
void multiply(const Product& product, const Workspace& workspace, Team& team);

// A row-major matrix as a source of rows: in place where that is as fast. Keeps a reference to
// `matrix`.
struct MatrixView {
  const std::byte* data;
  std::int64_t stride;  // bytes
};
RowSource matrix_rows(const GemmKernel& kernel, const MatrixView& matrix, std::int64_t k);

// Whether rows `stride` bytes apart share the sets of L1, so that a tile's rows throw each other
// out: a multiple of 4 KiB, or nearly.
bool rows_alias(std::int64_t stride);

}  // namespace batchtune::kernels
