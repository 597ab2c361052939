// A model lowered for one batch: oneDNN's primitives, own loops and calls of kernels/tensor in
// order, the buffers between them and the weights that they read. It is the same for all instances,
// which differ in their bytes alone.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "tuner/backend/imported/lowered.h"
#include "tuner/backend/onednn/lanes.h"
#include "tuner/backend/onednn/primitives.h"
#include "tuner/backend/onednn/weights.h"
#include "tuner/workload/arena_blocks.h"
#include "tuner/workload/model.h"

namespace batchtune::onednn {

// What a primitive reads or writes under the name `argument` (DNNL_ARG_..): a buffer of the arena,
// a weight, or the scratch memory that all steps share.
struct Operand {
  int argument = 0;
  Desc desc;
  int buffer = -1;
  const WeightCopy* weight = nullptr;
};

// Of a step that is no primitive: its operands' bytes, in their order.
using OwnStep = std::function<void(const Lanes& lanes, const std::vector<void*>& operands)>;

struct Step {
  OpIndex op = 0;
  std::string kind;         // "conv2d brgconv:avx512_core", "reorder jit:uni"
  Description description;  // empty for own steps and calls
  std::vector<Operand> operands;
  OwnStep own = {};
  const imported::NodeCall* call = nullptr;  // whose tensors lie in Graph::plain_buffers

  bool is_primitive() const { return !own && call == nullptr; }
};

struct Graph {
  std::vector<Step> steps;
  std::vector<ArenaBlock> buffers;  // alive from step to step
  std::vector<int> input_buffers;   // one per Op; -1: it is no input
  int output_buffer = -1;           // in the Model's order
  std::vector<int> plain_buffers;   // one per Op, in the Model's order; -1: nobody asked for that
  std::vector<SharedWeight> weights;
  Bytes arena_bytes = 0, scratch_bytes = 0, weight_bytes = 0;
  Bytes lane_bytes = 0;  // of the scratch memory, for each lane of a call
};

struct GraphContext {
  const Model& model;
  DType dtype;
  std::int64_t batch;
  const dnnl::engine& engine;
  WeightStore& weights;
  // Of an ONNX file: its calls, the kernels that they run on, and how many lanes do.
  const imported::LoweredModel* lowered = nullptr;
  kernels::tensor::Kernels call_kernels = {};
  int lanes = 1;
};

// Within the lanes that will run it. Endings: an operation that the library has nothing for
// (unsupported, with its name), no memory for weights.
Outcome<Graph> build_graph(const GraphContext& context);

}  // namespace batchtune::onednn
