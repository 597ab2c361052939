// Element types of a runtime's tensors, and values of ours in them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace batchtune::runtime {

enum class Element { f32, f64, f16, bf16, i8, u8, i16, u16, i32, u32, i64, u64, boolean };
std::string_view name_of(Element element);  // as in ONNX: "float", "int64"
std::size_t size_of(Element element);       // bytes

// Element `index` of a tensor. A float type gets the nearest value to it (f16, bf16: to even); an
// integer type the value cut off; boolean whether it is not 0.
void store(Element element, void* tensor, std::int64_t index, double value);
double load(Element element, const void* tensor, std::int64_t index);

std::uint16_t to_half(float value);  // IEEE binary16, to nearest even; beyond its range: infinity
float from_half(std::uint16_t bits);

}  // namespace batchtune::runtime
