// Where a sample of the Model's lies in a runtime's tensor: with the batch at another place, and
// dimensions in another order (images: channels first).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <tl/expected.hpp>

#include "tuner/backend/runtime/element.h"
#include "tuner/workload/model.h"
#include "tuner/workload/onnx/onnx.h"
#include "tuner/workload/samples/input_source.h"

namespace batchtune::runtime {

using Dimensions = std::vector<std::int64_t>;

inline constexpr int kNoBatch = -1;  // OnnxTensor::batch_axis of an input that all samples share

struct TensorLayout {
  Dimensions dims;  // of the runtime's tensor
  Shape sample;     // of the Model, per sample
  // Elements of the runtime's tensor from one index to the next: of each of the Model's dimensions,
  // and from one sample to the next.
  std::vector<std::int64_t> steps;
  std::int64_t sample_step = 0;
};

// Of an input. `rank`: of the tensor, as the runtime declares it; a model whose samples are single
// values has them as {1} also where the runtime's tensor is {batch}. An error says what does not
// fit.
tl::expected<TensorLayout, std::string> layout_of(const Op& op, const OnnxTensor& tensor,
                                                  std::int64_t batch, std::size_t rank);

// Of an output with the dimensions that the runtime found. Where they are others than the Model's
// but have the batch, samples are read as they lie.
tl::expected<TensorLayout, std::string> layout_of_output(const Op& op, const OnnxTensor& tensor,
                                                         std::int64_t batch,
                                                         const Dimensions& found);

std::int64_t elements_of(const Dimensions& dims);

// Every sample of an input in its element type: those of a file as they are, or seeded values
// (weights.h). Of these integers that are no token ids are 1, so that a mask hides nothing and an
// index exists, and uint8 the pixels of an image.
Status fill_samples(const TensorLayout& layout, Element element, void* tensor, const Op& input,
                    InputSource& source, std::uint64_t seed);

// Appends the first `samples` samples, in the Model's order.
void read_samples(const TensorLayout& layout, Element element, const void* tensor,
                  std::int64_t samples, std::vector<float>& values);

}  // namespace batchtune::runtime
