// The graph walked once, every tensor known at two batches. Internal to this folder.
#pragma once

#include <array>
#include <string>
#include <unordered_map>
#include <vector>

#include "tuner/workload/onnx/batch_axis.h"
#include "tuner/workload/onnx/operations.h"

namespace batchtune::onnx_file {

struct ReadNode {
  const ::onnx::NodeProto* proto = nullptr;
  const Operation* operation = nullptr;  // nullptr: not known here
  bool is_constant = false;              // depends on no input's values
  bool is_read = false;                  // shapes of all outputs are known by its rule
  double flops = 0;                      // of one sample
};

// Where a batch of 1 is baked into the graph, and what to put there instead (runtime.cpp does). The
// batch goes to `axis` of `sizes`, which are those of one sample.
struct BakedBatch {
  enum class Kind {
    reshape,  // its target
    sizes,    // of a Resize, input `input`
    operand,  // a constant input of Concat whose leading 1 must be the batch's
  };
  Kind kind = Kind::reshape;
  int node = 0;  // index in the graph
  int input = 1;
  std::size_t axis = 0;
  Shape sizes;
};

struct InferredGraph {
  BatchAxis axis;
  std::vector<const ::onnx::ValueInfoProto*> inputs;
  std::unordered_map<std::string, Tensor> tensors;
  std::vector<ReadNode> nodes;
  std::vector<BakedBatch> baked;
};

// `model` must outlive the result. `file` is its name in errors.
Result<InferredGraph> infer(const ::onnx::ModelProto& model, BatchAxis axis,
                            const std::string& file);

}  // namespace batchtune::onnx_file
