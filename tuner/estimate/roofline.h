// The per-layer roofline: predicted latency, throughput, memory and bound of every batch.
//
// An operation of a batch takes
//     max(FLOP / ceiling, weight bytes / their level + activation bytes / their level)
//     + layer overhead
// and a run takes their sum + run overhead. With k instances side by side each works on its own
// batch b: FLOP, bytes and working sets count k times, throughput is k b / latency.
//
// - Ceiling: matmul, attention and convolution reach the device's peak for the data type. Depthwise
//   convolution does not, and vector operations (norms, softmax, pooling, elementwise) less still:
//   see kDepthwiseShare and kVectorShare.
// - Weights are read once per batch, from the fastest level that holds all weights and all
//   activations of a run: a model that cycles through more than a cache holds finds nothing of the
//   last run there.
// - An activation passes from producer to consumer in the fastest level that holds the operation's
//   inputs and outputs together. A model input (image, KV cache) was there before the run and comes
//   from where the weights come from.
// - A level is never taken as faster than the one before it, so that latency cannot fall as the
//   batch grows.
//
// It is a bound and a guess: kernels do not reach peaks and caches are not perfect. It gives the
// search its first batch and never decides a winner; only measurements do.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "tuner/core/device.h"
#include "tuner/core/error.h"
#include "tuner/core/estimate.h"
#include "tuner/estimate/footprint.h"
#include "tuner/workload/work.h"

namespace batchtune {

// Depthwise convolution has no sum over channels: every multiply-add loads its own activation,
// where matrix kernels use one load for a whole register tile, and instructions that sum pairs
// (bf16) have nothing to sum. With one load per multiply-add, and rows too short to hide the edges,
// a quarter of the f32 peak is good.
inline constexpr double kDepthwiseShare = 0.25;

// One operation per lane and instruction instead of the two of a multiply-add, a load and often a
// store each; and norms, softmax and GELU cost many instructions per element but are counted as one
// FLOP (work.h).
inline constexpr double kVectorShare = 0.125;

// Where only matrix peaks are published, f32 is taken as a quarter of the data type's (as on
// NeuronCores).
inline constexpr double kF32OverMatrixPeak = 0.25;

// Where a CPU's overheads have not been measured: waking a parked thread pool and returning; and
// the start and join of one parallel loop (oneTBB on a few cores: 1 to 3 us).
inline constexpr Seconds kDefaultCpuRunOverhead = 10e-6;
inline constexpr Seconds kDefaultCpuLayerOverhead = 2e-6;

enum class Arithmetic { matrix, depthwise, vector };

// What the roofline needs of one operation; per sample but for the weights.
struct LayerWork {
  Arithmetic arithmetic = Arithmetic::matrix;
  double flops = 0;
  double weight_elements = 0;    // read per run
  double input_elements = 0;     // written by other operations of the run
  double standing_elements = 0;  // read from model inputs: there before the run
  double output_elements = 0;
};

// Whether it is a layer of its own: inputs and reshapes do not run, and what is fused runs in passing.
bool is_layer(const Op& op);

// Of all operations that are layers, in order. The model has passed infer_shapes.
std::vector<LayerWork> layers_of(const Model& model);

// A model on a device, ready to be asked for any batch. `device` is what all threads of the group
// together have (threads x instances: at_threads in device_file.h).
class Roofline {
 public:
  // An error when the device has no peak for the group's data type or no memory level.
  static Result<Roofline> make(std::vector<LayerWork> layers, const MemoryLine& memory,
                               const DeviceInfo& device, const CandidateGroup& group);

  PointEstimate at(std::int64_t batch) const;  // batch >= 1
  // What each layer takes at least, in their order; a run's and an operation's overheads are in none.
  std::vector<Seconds> layer_bounds(std::int64_t batch) const;

 private:
  struct Level {
    double capacity = 0;  // infinite for the last
    double bandwidth = 0;
  };
  // Arithmetic and moving bytes, of which the longer counts.
  struct LayerTerms {
    Seconds computing = 0, moving = 0;
  };
  LayerTerms terms_of(const LayerWork& layer, std::int64_t batch) const;
  double bandwidth_holding(double bytes) const;
  double ceiling(Arithmetic arithmetic) const;

  std::vector<LayerWork> layers_;
  MemoryLine memory_;
  std::vector<Level> levels_;
  double matrix_peak_ = 0, depthwise_peak_ = 0, vector_peak_ = 0;
  double element_bytes_ = 4;
  double instances_ = 1;
  Seconds run_overhead_ = 0, layer_overhead_ = 0;
};

struct EstimateOptions {
  double give_up = 0.02;  // knee: share of the best throughput given up for a smaller batch
  std::vector<std::int64_t> batches;   // ascending; empty: a ladder from 1, four steps a doubling
  std::optional<double> memory_limit;  // bytes; nullopt: the device's memory, if it says
  // Of the ladder. Beyond some thousands no published device is still below its ridge.
  std::int64_t largest_batch = 4096;
};

// Smallest batch of the curve within `give_up` of its best throughput; 0 for an empty curve.
std::int64_t knee(std::span<const PointEstimate> curve, double give_up);

// Everything together: the curve, its knee (searched between the steps of the ladder, too) and the
// guide's formula where the model has dense weights. The curve holds all `batches` asked, or the
// ladder up to the largest batch that fits by the plan; batch 1 always. The knee is of those that
// fit, else of batch 1. Of a model that only its runtime can read: unknown (core/unknown.h).
Result<Estimate> estimate_model(const Model& model, const DeviceInfo& device,
                                const CandidateGroup& group, const EstimateOptions& options = {});

}  // namespace batchtune
