// A model as a graph of operations with per-sample shapes. It knows nothing of batch, device or
// data type: every shape leaves out the batch, which comes first in memory. Images are {height,
// width, channels} (NHWC), sequences {rows, features}. Weights are described, not held (weights.h
// makes their values).
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tuner/core/error.h"

namespace batchtune {

using Shape = std::vector<std::int64_t>;  // per sample, 1 to 4 dimensions
std::int64_t elements(const Shape& shape);

enum class OpKind {
  input,      // of the model: see InputKind
  embedding,  // rows of a table {vocabulary, features} picked by token ids; several ids' rows added
  matmul,     // [.., K] x weight [K, N] -> [.., N]
  batched_matmul,  // both operands are activations: attention
  conv2d,
  max_pool,
  average_pool,
  global_average_pool,
  softmax,     // over the last dimension, of scale * x
  layer_norm,  // over the last dimension, with gain and bias
  rms_norm,    // over the last dimension, with gain
  activation,  // alone, when it could not be fused
  add,         // elementwise, two inputs
  multiply,    // elementwise, two inputs
  concat,
  slice,
  transpose,
  reshape,  // never moves data
  foreign,  // of a file that was imported: counted, and run only by a runtime that reads the file
};
std::string_view name_of(OpKind kind);  // as in model files

enum class Activation { none, relu, relu6, gelu /* tanh form */, silu, gelu_erf /* exact */ };
std::string_view name_of(Activation activation);

enum class InputKind {
  values /* standard normal */,
  token_ids /* in [0, vocabulary) */,
  cache /* KV, normal */
};

// Where a head's rows lie in an operand of batched_matmul with `groups` heads.
enum class HeadLayout {
  heads_first,  // {groups, rows, columns}
  heads_last,   // {rows, groups * columns}: a head's columns lie together in each row
};

struct Window {  // conv2d and pooling
  std::int64_t kernel_h = 1, kernel_w = 1;
  std::int64_t stride_h = 1, stride_w = 1;
  std::int64_t pad_top = 0, pad_left = 0, pad_bottom = 0, pad_right = 0;
  std::int64_t dilation_h = 1, dilation_w = 1;

  bool operator==(const Window&) const = default;
};

// Applied to the result of matmul and conv2d before it is written (batched_matmul has `scale` alone):
// activation(result + bias + residual), or activation(result + bias) + residual.
struct Epilogue {
  bool bias = false;
  Activation activation = Activation::none;
  std::string residual = {};         // tensor added, of the output's shape; "" for none
  bool residual_after_activation = false;

  bool operator==(const Epilogue&) const = default;
};

// Index of an operation in Model::ops; operations are in topological order and each writes one
// tensor, named like the operation.
using OpIndex = int;

struct Op {
  std::string name;  // unique
  OpKind kind = OpKind::input;
  std::vector<std::string> inputs;  // names of earlier operations; Epilogue::residual aside
  Shape output;                     // per sample

  // By kind; the others keep their defaults.
  InputKind input_kind = InputKind::values;
  std::int64_t vocabulary = 0;  // input token_ids, embedding
  // embedding: rows of each further table (positions, types); position p adds row p modulo rows of each.
  std::vector<std::int64_t> tables;
  std::int64_t inner = 0;          // matmul: K; batched_matmul: K
  std::int64_t columns = 0;        // matmul: N; conv2d: output channels; batched_matmul: N;
                                    // embedding: features
  std::int64_t groups = 1;         // conv2d: channel groups; batched_matmul: heads
  Window window;                   // conv2d, pooling
  bool count_include_pad = false;  // average_pool
  bool folded_batch_norm =
      false;                 // conv2d: the published model has gain and bias per channel instead
  bool transpose_b = false;  // batched_matmul: b is {columns, inner} per head
  HeadLayout a_layout = HeadLayout::heads_first, b_layout = HeadLayout::heads_first,
             out_layout = HeadLayout::heads_first;
  double scale = 1;                          // softmax, batched_matmul
  double epsilon = 1e-5;                     // norms
  Activation activation = Activation::none;  // activation
  std::int64_t axis = 0;                     // concat, slice
  std::int64_t begin = 0, end = 0;           // slice: [begin, end) along axis
  Shape split;  // transpose: the input is viewed as this shape first; empty: as it is
  std::vector<std::int64_t> permutation;  // transpose: of `split` (or the input's) dimensions
  Epilogue epilogue;
  // foreign: what the file calls it ("ConvTranspose"), and its work, of one sample (inputs and
  // output are as everywhere; the output may have up to 8 dimensions).
  std::string operation;
  double flops = 0;
  double weight_elements = 0;
  // foreign: computed in passing by the operation that it reads, as runtimes do with activations
  // behind a product: its tensor is that one's.
  bool fused = false;
  // foreign: bytes of an element of its tensor, where they are not the dtype's (integers, booleans); 0: the dtype's.
  int element_bytes = 0;

  bool operator==(const Op&) const = default;
};

// The file that a model was read from, for backends that read it themselves.
struct ModelFile {
  std::string format;     // "onnx"
  std::string path;       // absolute
  std::string digest;     // of its bytes and those of its external data
  std::string batch_dim;  // as it was asked for; "" where it was found

  bool operator==(const ModelFile&) const = default;
};

struct Model {
  std::string name;         // "resnet-50", "bert-large@seq=384"
  std::string description;  // one line: which variant this is, source of the layers
  std::map<std::string, std::int64_t> dims;  // free dimensions in force: {"seq": 128}
  std::vector<Op> ops;                       // topological order
  std::string output;                        // name of the operation whose tensor is the result
  double unbuilt_parameters = 0;             // of the published model, in no operation here (rare)
  std::optional<ModelFile> file;             // imported models only

  bool operator==(const Model&) const = default;
};

// Index of the named operation, or -1.
OpIndex find_op(const Model& model, std::string_view name);

// All tensors that the operation reads: inputs, then the residual if it has one.
std::vector<OpIndex> reads_of(const Model& model, const Op& op);

// Checks names, order and kinds, and fills in or checks every output shape. `where_prefix` begins
// the error's place ("model.json, "). A model that passed is safe to count, plan and run.
Status infer_shapes(Model& model, std::string_view where_prefix = "");

std::string model_hash(const Model& model);  // of graph and shapes, not of name and description

}  // namespace batchtune
