// Seeded values in a device's tensors, and its results as f32.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "tuner/backend/neuron/handles.h"
#include "tuner/backend/runtime/element.h"
#include "tuner/workload/hlo/source.h"

namespace batchtune::neuron {

// A weight of a program of ours, on every core that has it.
Outcome<void> write_weight(std::span<Tensor> to, const HloSource& source, const HloTensor& weight);
// One of the model's inputs: sample i of the batch is workload's sample i.
Outcome<void> write_input(Tensor& to, const Model& model, const HloTensor& input,
                          std::uint64_t seed);
// An input of a user's NEFF, of which only type and shape are known: normal values, 1 for integers
// (a mask hides nothing, an index exists), the same for a sample at every batch where the first
// dimension is the batch.
Outcome<void> write_unknown(Tensor& to, const NeffTensor& input, std::int64_t batch,
                            std::uint64_t seed);

// The first `samples` of `batch` samples of a result.
Outcome<std::vector<float>> read_samples(const Tensor& from, runtime::Element element,
                                         std::int64_t batch, std::int64_t samples);

runtime::Element element_of(HloElement element);
std::optional<runtime::Element> element_of(ElementType type);  // nullopt: none of ours

}  // namespace batchtune::neuron
