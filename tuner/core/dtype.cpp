#include "tuner/core/dtype.h"

namespace batchtune {

std::string_view name_of(DType dtype) {
  switch (dtype) {
    case DType::f32:
      return "f32";
    case DType::tf32:
      return "tf32";
    case DType::bf16:
      return "bf16";
    case DType::f16:
      return "f16";
    case DType::fp8:
      return "fp8";
    case DType::int8:
      return "int8";
  }
  return "?";
}

std::optional<DType> parse_dtype(std::string_view text) {
  for (DType dtype : kDTypes)
    if (name_of(dtype) == text) return dtype;
  return std::nullopt;
}

}  // namespace batchtune
