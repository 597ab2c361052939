// Imported models for backends with kernels of our own: the file's graph as a Model of native
// operations, with calls of kernels/tensor for the rest. Nothing of any one backend is in it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tuner/backend/backend.h"
#include "tuner/backend/imported/calls.h"
#include "tuner/backend/imported/file_weights.h"
#include "tuner/workload/onnx/graph.h"

namespace batchtune::imported {

// What a call reads or writes.
struct Operand {
  enum class Kind {
    left_out,
    tensor,    // index: of LoweredModel::native.ops
    constant,  // index: of LoweredModel::constants
    numbers,   // index: of LoweredModel::numbers: known once the batch is
  };
  Kind kind = Kind::left_out;
  int index = -1;
  ElementType type = ElementType::undefined;
  BatchedShape shape;
};

// One node of the file that has no native kind. Each of its outputs is an OpKind::foreign operation
// of the native model; they follow each other, and the call is made at the last of them: by then
// all have their memory, and what it reads is still there.
struct NodeCall {
  std::string operation;  // "LRN"
  std::string node;       // the file's name for it
  Call run;
  std::vector<Operand> inputs, outputs;
};

// An input or output of the file, in its order of dimensions.
struct FileTensor {
  std::string name;
  Operand operand;
};

struct LoweredModel {
  // Inputs have the names and per-sample shapes of the counted Model, in the file's element types
  // (Op::element_bytes). `output` is the first output of the file that is an operation; all outputs
  // live to the end of a run.
  Model native;
  std::vector<NodeCall> calls;
  std::vector<int> call_of;  // by operation: the call that is made at it; -1: none
  std::vector<RawTensor> constants;
  std::vector<BatchedNumbers> numbers;
  std::vector<FileTensor> inputs, outputs;
  std::unique_ptr<FileWeights> weights;  // of native operations
};

enum class Forms {
  native,  // operations of ours wherever there is one
  calls,   // every node a call in the file's order: slow, the twin that the others are held against
};

// How to lower. `floats`: what the file's f32 tensors are in calls, f32 or bf16: the backend's
// dtype.
struct LoweringOptions {
  Forms forms = Forms::native;
  ElementType floats = ElementType::f32;
};

// `graph` is that of the counted `model` (read_onnx_graph(); in a module through ModuleServices).
// TrialStatus::unsupported names and counts the nodes that cannot be computed.
Outcome<LoweredModel> lower_imported(FileGraph graph, const Model& model,
                                     const LoweringOptions& options = {});

// The same of a graph alone, as read_onnx_graph_as_declared() gives it. Integer inputs are masks.
Outcome<LoweredModel> lower_graph(FileGraph graph, const std::string& name,
                                  const LoweringOptions& options = {});

}  // namespace batchtune::imported
