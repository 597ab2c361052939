// Data types of activations and weights, as users name them.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace batchtune {

enum class DType { f32, tf32, bf16, f16, fp8, int8 };

inline constexpr DType kDTypes[] = {DType::f32, DType::tf32, DType::bf16,
                                    DType::f16, DType::fp8,  DType::int8};

// Bytes of one element in memory (tf32 is stored as f32).
constexpr std::size_t size_of(DType dtype) {
  switch (dtype) {
    case DType::f32:
    case DType::tf32:
      return 4;
    case DType::bf16:
    case DType::f16:
      return 2;
    case DType::fp8:
    case DType::int8:
      return 1;
  }
  return 0;
}

std::string_view name_of(DType dtype);                    // "bf16"
std::optional<DType> parse_dtype(std::string_view text);  // "bf16"; nullopt when unknown

}  // namespace batchtune
