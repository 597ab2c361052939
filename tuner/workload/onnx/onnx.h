// ONNX files, in and out. Reading gives a Model that counts every operation; a backend whose
// runtime reads the file itself gets it from onnx_for_runtime(), with the batch left free.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "tuner/core/error.h"
#include "tuner/workload/model.h"

namespace batchtune {

struct OnnxOptions {
  std::map<std::string, std::int64_t>
      dims;               // of the file's symbolic dimensions but the batch: {"seq": 128}
  std::string batch_dim;  // name of the symbolic dimension that is the batch; "" to find it
};

// Any opset. Model::file names the file; its operations are OpKind::foreign: counted, not run. What
// could not be read is named in the description, with its number. Errors name the node or tensor
// and the file. `name` of the model is the file's name without folder and ending, with the
// dimensions that were given: "encoder@seq=128".
Result<Model> read_onnx(const std::string& path, const OnnxOptions& options);

// "model.onnx@seq=128,batch=N" of the command line: dimensions by their names in the file; the key
// `batch` names the symbolic dimension that is the batch, where that is ambiguous.
Result<Model> read_onnx(std::string_view path_with_options);
bool is_onnx_path(std::string_view name_or_path);  // with or without options

// One input or output of a model as a runtime sees it.
struct OnnxTensor {
  std::string name;    // in the ONNX graph
  std::string op;      // the Model's operation of which it is the tensor
  int batch_axis = 0;  // of its dimensions
  std::vector<std::int64_t>
      permutation;  // ONNX's per-sample dimension i is the Model's permutation[i]; empty: alike
};

// What a runtime loads to run a model at any batch.
struct OnnxForRuntime {
  std::string path;  // the file, where it can be loaded as it is; else ""
  std::string
      bytes;  // a serialised ModelProto, where `path` is "": exported, or with the batch made free
  std::string external_data;  // folder of external data that `bytes` refers to; "" for none
  std::vector<OnnxTensor> inputs, outputs;
};

// Of a model that was read from a file: that file, its leading 1 rewritten through the graph where
// the batch is fixed (reshapes with a constant leading 1 included). Of any other: its export with
// weights of `seed`.
Result<OnnxForRuntime> onnx_for_runtime(const Model& model, std::uint64_t seed);

// A serialised ModelProto (opset 17) of a model of the zoo or of a JSON file: weights of `seed`
// (weights.h), the batch symbolic ("batch"), images as NCHW. Its inputs and outputs are those of
// onnx_for_runtime(). Errors: more than 2 GiB of weights, which one file without external data
// cannot hold.
Result<OnnxForRuntime> export_onnx(const Model& model, std::uint64_t seed);

// An operation that is read: what shapes and counts are known of.
struct OnnxOperation {
  std::string name;     // in ONNX
  int since = 1;        // first opset that has it; all from there on are read
  std::string counted;  // "2 FLOP per multiply-add"
};
std::vector<OnnxOperation> onnx_operations();  // in groups of a kind; empty if built without ONNX

}  // namespace batchtune
