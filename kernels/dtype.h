// The element types that kernels compute with. Sums are always held in f32.
#pragma once

#include <cstddef>
#include <cstdint>

namespace batchtune::kernels {

enum class Dtype : std::uint8_t { f32, bf16 };

constexpr std::size_t bytes_of(Dtype dtype) {
  return dtype == Dtype::f32 ? 4 : 2;
}
constexpr const char* name_of(Dtype dtype) {
  return dtype == Dtype::f32 ? "f32" : "bf16";
}

}  // namespace batchtune::kernels
