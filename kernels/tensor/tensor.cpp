#include "kernels/tensor/tensor.h"

#include "kernels/gemm/gemm.h"
#include "kernels/tensor/vector_table.h"

namespace batchtune::kernels::tensor {

std::size_t bytes_of(ElementType type) {
  switch (type) {
    case ElementType::i8:
    case ElementType::u8:
    case ElementType::boolean:
      return 1;
    case ElementType::f16:
    case ElementType::bf16:
    case ElementType::i16:
    case ElementType::u16:
      return 2;
    case ElementType::f32:
    case ElementType::i32:
    case ElementType::u32:
      return 4;
    case ElementType::f64:
    case ElementType::i64:
    case ElementType::u64:
      return 8;
  }
  return 0;
}

const char* name_of(ElementType type) {
  constexpr const char* kNames[] = {"f32", "f64", "f16", "bf16", "i8",  "u8",     "i16",
                                    "u16", "i32", "u32", "i64",  "u64", "boolean"};
  return kNames[static_cast<std::size_t>(type)];
}

bool is_float(ElementType type) {
  return type == ElementType::f32 || type == ElementType::f64 || type == ElementType::f16 ||
         type == ElementType::bf16;
}

bool is_integer(ElementType type) {
  return !is_float(type) && type != ElementType::boolean;
}

Kernels select_kernels(IsaMask allowed, std::span<const std::string_view> left_out) {
  return {&select_vector(allowed, left_out), &select_gemm(Dtype::f32, allowed, left_out)};
}

Context::Context(Team& lanes) : team(lanes) {
  static const Kernels best = select_kernels(machine_isas());
  kernels = best;
}

bool broadcast(const Shape& a, const Shape& b, Shape& out) {
  const std::size_t rank = std::max(a.size(), b.size());
  Shape both = Shape::filled(rank, 1);  // `out` may be a or b
  for (const Shape* shape : {&a, &b}) {
    const std::size_t missing = rank - shape->size();
    for (std::size_t axis = 0; axis < shape->size(); ++axis) {
      const std::int64_t size = (*shape)[axis];
      std::int64_t& merged = both[axis + missing];
      if (size == 1 || size == merged) continue;
      if (merged != 1) return false;
      merged = size;
    }
  }
  out = both;
  return true;
}

}  // namespace batchtune::kernels::tensor
