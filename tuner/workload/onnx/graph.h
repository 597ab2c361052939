// An ONNX file's graph as plain data with its weights, for backends that compute it themselves
// (onnx.h counts it, and hands it to runtimes). No protobuf here. The batch is free: shapes and
// folded numbers say how they follow it.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "tuner/core/error.h"
#include "tuner/workload/model.h"

namespace batchtune {

// Numbers as in ONNX files (TensorProto.DataType); further ones keep theirs.
enum class ElementType : int {
  undefined = 0,
  f32 = 1,
  u8 = 2,
  i8 = 3,
  u16 = 4,
  i16 = 5,
  i32 = 6,
  i64 = 7,
  text = 8,
  boolean = 9,  // a byte, 0 or 1
  f16 = 10,
  f64 = 11,
  u32 = 12,
  u64 = 13,
  c64 = 14,
  c128 = 15,
  bf16 = 16,
};
std::string name_of(ElementType type);  // "f32"; "type 77"
int bytes_of(ElementType type);         // of one element; 0: text, packed and unknown types

// The shape of a whole tensor, the batch included.
struct BatchedShape {
  Shape sizes;          // at one sample; {} for a single value
  int batch_axis = -1;  // whose size is sizes[batch_axis] x batch; -1: the batch is not in it

  Shape at(std::int64_t batch) const;
  bool operator==(const BatchedShape&) const = default;
};
Shape per_sample(const BatchedShape& shape);  // as Model has it: without the batch, never empty

// Values that were folded from sizes: fixed[i] + per_sample[i] x batch.
struct BatchedNumbers {
  std::vector<double> fixed, per_sample;

  std::vector<double> at(std::int64_t batch) const;
  bool depends_on_batch() const;
  bool operator==(const BatchedNumbers&) const = default;
};

// Elements as they lie in memory: little-endian, row-major.
struct RawTensor {
  ElementType type = ElementType::undefined;
  Shape shape;
  std::shared_ptr<const std::string>
      bytes;  // shared: nobody writes them, copies of a graph are cheap
};

using GraphAttribute = std::variant<std::int64_t, double, std::string, std::vector<std::int64_t>,
                                    std::vector<double>, std::vector<std::string>, RawTensor>;

struct GraphTensor {
  std::string name;
  ElementType type = ElementType::undefined;
  std::optional<BatchedShape> shape;  // nullopt: it depends on data, or on an operation not read
  std::optional<RawTensor> value;     // of an initializer
  // Where the tensor is made of sizes and constants alone and is small (at most 256 values).
  std::optional<BatchedNumbers> numbers;
  bool is_constant = false;  // depends on no input's values (it may on the batch)
};

inline constexpr int kLeftOut = -1;  // an input or output that a node does without

struct GraphNode {
  std::string op_type;
  std::string domain;      // "" for ONNX's own
  std::string name;        // the node's; where the file has none, that of its first output
  std::int64_t opset = 1;  // of its domain
  std::map<std::string, GraphAttribute> attributes;  // subgraphs are left out
  bool has_subgraph = false;
  std::vector<int> inputs, outputs;  // indices in FileGraph::tensors, or kLeftOut
};

struct FileGraph {
  std::string file;  // its name, for errors
  std::vector<GraphTensor> tensors;
  std::vector<GraphNode> nodes;  // topological order
  std::vector<int> inputs;       // the file's, without those that are initializers
  std::vector<int> outputs;
  std::vector<std::string> input_ops;     // of `inputs`: the Model's operations
  std::vector<std::string> output_names;  // of `outputs`, as the file has them
};

// Of the file that `model` was read from: its dims, its batch, freed where it is fixed at 1. The
// weights are in memory whole. Errors as onnx_for_runtime().
Result<FileGraph> read_onnx_graph(const Model& model);

// Every size as the file declares it, no batch anywhere: tests of single operations have none.
// Dimensions without a size are an error. input_ops are the tensors' names.
Result<FileGraph> read_onnx_graph_as_declared(const std::string& path);

}  // namespace batchtune
