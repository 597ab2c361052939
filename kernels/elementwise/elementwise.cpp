#include "kernels/elementwise/elementwise.h"

#include <cassert>
#include <cstring>

#include "kernels/agreement.h"
#include "kernels/elementwise/loops.h"
#include "kernels/select.h"
#include "kernels/split.h"
#include "kernels/storage.h"

namespace batchtune::kernels {
namespace {

#define BT_ELEMENTWISE_ROW(isa, storage)                                                  \
  {                                                                                       \
    "elementwise_" #storage "_" #isa, Dtype::storage, Isa::isa, &isa::activate_##storage, \
        &isa::multiply_##storage, &isa::sum_rows_##storage                                \
  }
constexpr ElementwiseKernel kKernels[] = {
    BT_ELEMENTWISE_ROW(avx512, f32),     BT_ELEMENTWISE_ROW(avx512bf16, bf16),
    BT_ELEMENTWISE_ROW(avx512, bf16),    BT_ELEMENTWISE_ROW(avx2, f32),
    BT_ELEMENTWISE_ROW(avx2, bf16),      BT_ELEMENTWISE_ROW(reference, f32),
    BT_ELEMENTWISE_ROW(reference, bf16),
};
#undef BT_ELEMENTWISE_ROW

const std::byte* at(const void* base, Dtype dtype, std::int64_t element) {
  return static_cast<const std::byte*>(base) + element * static_cast<std::int64_t>(bytes_of(dtype));
}
std::byte* at(void* base, Dtype dtype, std::int64_t element) {
  return static_cast<std::byte*>(base) + element * static_cast<std::int64_t>(bytes_of(dtype));
}

std::int64_t bytes_per_element(Dtype dtype, int tensors) {
  return tensors * static_cast<std::int64_t>(bytes_of(dtype));
}

}  // namespace

std::span<const ElementwiseKernel> elementwise_kernels() {
  return kKernels;
}

const ElementwiseKernel& select_elementwise(Dtype dtype, IsaMask allowed,
                                            std::span<const std::string_view> left_out) {
  return select_kernel(elementwise_kernels(), dtype, allowed, left_out);
}

void activate(const ElementwiseKernel& kernel, Activation activation, const void* in,
              std::int64_t n, void* out, Team& team) {
  split_rows(team, n, bytes_per_element(kernel.dtype, 2),
             [&](std::int64_t begin, std::int64_t end) {
               kernel.activate(activation, at(in, kernel.dtype, begin), end - begin,
                               at(out, kernel.dtype, begin));
             });
}

void add(const ElementwiseKernel& kernel, const void* a, const void* b, std::int64_t n, void* out,
         Team& team) {
  split_rows(team, n, bytes_per_element(kernel.dtype, 3),
             [&](std::int64_t begin, std::int64_t end) {
               const void* rows[] = {at(a, kernel.dtype, begin), at(b, kernel.dtype, begin)};
               kernel.sum_rows(rows, 2, end - begin, at(out, kernel.dtype, begin));
             });
}

void multiply(const ElementwiseKernel& kernel, Activation activation, const void* a, const void* b,
              std::int64_t n, void* out, Team& team) {
  split_rows(team, n, bytes_per_element(kernel.dtype, 3),
             [&](std::int64_t begin, std::int64_t end) {
               kernel.multiply(activation, at(a, kernel.dtype, begin), at(b, kernel.dtype, begin),
                               end - begin, at(out, kernel.dtype, begin));
             });
}

void embed(const ElementwiseKernel& kernel, const Embedding& call, Team& team) {
  assert(call.further.size() <= kMaxFurtherTables);
  const int tables = static_cast<int>(call.further.size()) + 1;
  const std::int64_t row_bytes = call.columns * bytes_per_element(kernel.dtype, tables + 1);
  split_rows(
      team, call.samples * call.positions, row_bytes, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t i = begin; i < end; ++i) {
          const void* rows[kMaxFurtherTables + 1];
          assert(call.ids[i] >= 0 && call.ids[i] < call.tokens.rows);
          rows[0] = at(call.tokens.data, kernel.dtype, call.ids[i] * call.columns);
          for (int table = 1; table < tables; ++table) {
            const EmbeddingTable& further = call.further[static_cast<std::size_t>(table - 1)];
            const std::int64_t row = i % call.positions % further.rows;
            rows[table] = at(further.data, kernel.dtype, row * call.columns);
          }
          kernel.sum_rows(rows, tables, call.columns, at(call.out, kernel.dtype, i * call.columns));
        }
      });
}

void cast(Dtype from, const void* in, Dtype to, void* out, std::int64_t n, Team& team) {
  const std::int64_t bytes = bytes_per_element(from, 1) + bytes_per_element(to, 1);
  split_rows(team, n, bytes, [&](std::int64_t begin, std::int64_t end) {
    const void* source = at(in, from, begin);
    void* target = at(out, to, begin);
    if (from == to) {
      std::memmove(target, source, static_cast<std::size_t>(end - begin) * bytes_of(to));
    } else if (to == Dtype::bf16) {
      const float* x = static_cast<const float*>(source);
      Bfloat16* y = static_cast<Bfloat16*>(target);
      for (std::int64_t i = 0; i < end - begin; ++i) y[i] = to_bfloat16(x[i]);
    } else {
      const Bfloat16* x = static_cast<const Bfloat16*>(source);
      float* y = static_cast<float*>(target);
      for (std::int64_t i = 0; i < end - begin; ++i) y[i] = to_float(x[i]);
    }
  });
}

Proof prove(const ElementwiseKernel& kernel) {
  const ElementwiseKernel& twin = select_elementwise(kernel.dtype, mask_of(Isa::reference));
  constexpr Activation kActivations[] = {Activation::none,  Activation::relu,
                                         Activation::relu6, Activation::gelu_tanh,
                                         Activation::silu,  Activation::gelu_erf};
  Proof proof;
  for (const std::int64_t n : {1, 2, 7, 8, 9, 15, 16, 17, 31, 33, 257}) {
    const std::string length = "length " + std::to_string(n);
    Tensor a = Tensor::random(kernel.dtype, n, static_cast<std::uint32_t>(n));
    const Tensor b = Tensor::random(kernel.dtype, n, 1), c = Tensor::random(kernel.dtype, n, 2);
    for (std::int64_t i = 0; i < n; ++i) a.set(i, 4 * a.at(i));  // beyond the 6 of relu6
    a.set(0, 5);  // GELU is exact to a share of x: of negative numbers alone little would be left
    Tensor fast(kernel.dtype, n), slow(kernel.dtype, n);
    for (const Activation activation : kActivations) {
      const std::string which =
          "activation " + std::to_string(static_cast<int>(activation)) + ", " + length;
      kernel.activate(activation, a.data(), n, fast.data());
      twin.activate(activation, a.data(), n, slow.data());
      compare(proof, kernel.dtype, 1, fast, slow, which);
      kernel.multiply(activation, a.data(), b.data(), n, fast.data());
      twin.multiply(activation, a.data(), b.data(), n, slow.data());
      compare(proof, kernel.dtype, 1, fast, slow, "product, " + which);
    }
    const void* rows[] = {a.data(), b.data(), c.data()};
    for (const int count : {1, 2, 3}) {
      kernel.sum_rows(rows, count, n, fast.data());
      twin.sum_rows(rows, count, n, slow.data());
      compare(proof, kernel.dtype, count, fast, slow, "sum, " + length);
    }
  }
  return proof;
}

}  // namespace batchtune::kernels
