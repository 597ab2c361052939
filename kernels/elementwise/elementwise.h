// Operations that take elements one by one: activation, addition, multiplication, embedding (a sum
// of table rows) and casts. Storage is f32 or bf16, arithmetic f32, one rounding at the end.
// Outputs may be one of the inputs.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "kernels/arena.h"
#include "kernels/dtype.h"
#include "kernels/epilogue.h"
#include "kernels/isa.h"
#include "kernels/proof.h"

namespace batchtune::kernels {

// One row of the table: functions on `n` >= 0 contiguous elements.
struct ElementwiseKernel {
  std::string_view name;  // "elementwise_bf16_avx512"
  Dtype dtype;
  Isa isa;
  void (*activate)(Activation activation, const void* in, std::int64_t n, void* out);
  // out = activation(a) * b
  void (*multiply)(Activation activation, const void* a, const void* b, std::int64_t n, void* out);
  // out = the sum of `count` >= 1 rows
  void (*sum_rows)(const void* const* rows, int count, std::int64_t n, void* out);
};

std::span<const ElementwiseKernel>
elementwise_kernels();  // best first for each dtype, reference last
const ElementwiseKernel& select_elementwise(Dtype dtype, IsaMask allowed,
                                            std::span<const std::string_view> left_out = {});
// Against the reference row, over awkward lengths; below a millisecond.
Proof prove(const ElementwiseKernel& kernel);

void activate(const ElementwiseKernel& kernel, Activation activation, const void* in,
              std::int64_t n, void* out, Team& team);
void add(const ElementwiseKernel& kernel, const void* a, const void* b, std::int64_t n, void* out,
         Team& team);
// activation(a) * b: with silu, the gate of SwiGLU in one pass.
void multiply(const ElementwiseKernel& kernel, Activation activation, const void* a, const void* b,
              std::int64_t n, void* out, Team& team);

// A table of rows of `columns` elements, of the kernel's dtype.
struct EmbeddingTable {
  const void* data = nullptr;
  std::int64_t rows = 0;
};

inline constexpr int kMaxFurtherTables = 7;  // positions and types are two

struct Embedding {
  const std::int32_t* ids = nullptr;  // [samples][positions], each in [0, tokens.rows)
  std::int64_t samples = 0, positions = 0;
  std::int64_t columns = 0;
  EmbeddingTable tokens;
  // Position p adds row p % rows of each: its own row of a position table.
  std::span<const EmbeddingTable> further;  // at most kMaxFurtherTables
  void* out = nullptr;                      // [samples][positions][columns]
};
void embed(const ElementwiseKernel& kernel, const Embedding& call, Team& team);

// Between storages, rounding to nearest even. The tensors must not overlap unless the types are
// equal.
void cast(Dtype from, const void* in, Dtype to, void* out, std::int64_t n, Team& team);

}  // namespace batchtune::kernels
