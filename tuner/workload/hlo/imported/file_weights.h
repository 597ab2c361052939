// Values of an imported file as a program's parameters. Needs no protobuf. Internal to the folder
// above.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "tuner/workload/hlo/hlo.h"
#include "tuner/workload/onnx/graph.h"

namespace batchtune::hlo {

// What a program has for the file's type; `floats` for its f32. nullopt: text, complex, packed.
std::optional<HloElement> element_of(ElementType type, HloElement floats);

// Constants that a file keeps in nodes (Constant, and ConstantOfShape of floats) become values of
// their tensors, as initializers are.
void find_weights(FileGraph& graph);

// The first element of a value; nullopt of types whose numbers are not read here (f16, text).
std::optional<double> first_number(const RawTensor& value);

// Whether a 64-bit integer among the values is none of 32 bits.
bool has_wide_integers(const RawTensor& value);

// Elements `first` and on of the tensor's value.
void fill_from_file(const FileGraph& graph, const HloTensor& weight, std::span<std::byte> bytes,
                    std::int64_t first);

// To nearest even, little-endian.
void to_bfloat16(std::span<const float> values, std::span<std::byte> bytes);

}  // namespace batchtune::hlo
