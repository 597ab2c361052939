// The first Inferentia (Inf1) is not like the Neuron devices after it: neuronx-cc does not compile for it (neuron-cc,
// which is archived, did), and the batching guide points to NeuronCore Pipeline there where latency is strict: the
// layers are spread over so many cores that all weights stay in on-chip memory, and batch 1 streams through.
//
//   cores = 4 x round(weights / 2e7)     (neuroncore-pipeline page, aws-neuron-sdk, 2026-08-21)
//
// It is where trial and error with the compiler begins, by the page itself. `weights` are those of products and
// convolutions: rows of embedding tables are read one by one. With them AWS's BERT-Base example comes out as AWS ran it
// (85 M: 16 cores). A device has 4 cores, and a pipeline at most 64.
#pragma once

#include <algorithm>
#include <cmath>
#include <string_view>

namespace batchtune {

inline constexpr int kCoresOfInferentia = 4;
inline constexpr int kMostPipelineCores = 64;  // 16 devices
inline constexpr double kWeightsOfInferentia = 2e7;

// By the name that a catalogue, a simulated device or a runtime gives it.
inline bool is_inferentia(std::string_view device) {
  return (device.find("inferentia") != std::string_view::npos &&
          device.find("inferentia2") == std::string_view::npos) ||
         device.find("inf1") != std::string_view::npos;
}

// A multiple of 4, at least 4. More than kMostPipelineCores: the weights do not stay on chip.
inline int pipeline_cores(double weights) {
  constexpr double kMost = 1e6;  // devices, so that the product stays a number of cores
  const double devices = std::clamp(std::round(weights / kWeightsOfInferentia), 1.0, kMost);
  return kCoresOfInferentia * static_cast<int>(devices);
}

}  // namespace batchtune
