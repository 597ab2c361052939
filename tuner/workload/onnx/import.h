// A graph whose shapes are inferred, as a Model. Internal to this folder.
#pragma once

#include <vector>

#include "tuner/workload/onnx/file.h"
#include "tuner/workload/onnx/infer.h"
#include "tuner/workload/onnx/onnx.h"

namespace batchtune::onnx_file {

struct Import {
  Model model;
  std::vector<OnnxTensor> inputs, outputs;  // of the graph, outputs only where they have a batch
};

Result<Import> import_graph(const OnnxFile& file, const InferredGraph& graph,
                            const OnnxOptions& options);

// Ids that an input of integers may hold: rows of the tables that it picks from; 2 where it picks
// from none (masks).
std::unordered_map<std::string, std::int64_t> vocabularies(const InferredGraph& graph);

// Elements of weights that each node is the first to need; tables that are only looked up come
// last, so that a table that is also multiplied by counts there.
std::vector<double> weight_elements(const InferredGraph& graph);

// Of each node, whether runtimes compute it in passing behind the product before it: activations,
// batch norms, and sums with constants, where nothing else reads what is between.
std::vector<bool> fused_nodes(const InferredGraph& graph, const ::onnx::GraphProto& proto);

// One line: version, inputs and outputs with types and batch, what could not be read.
std::string describe_graph(const OnnxFile& file, const InferredGraph& graph);

// The file that the model was read from, unchanged since (runtime.cpp).
Result<OnnxFile> same_file(const Model& model, Weights weights);

// The graph of `model`, which free_graph() made of the one of `fixed`: read as one with a symbolic
// batch, and checked to give the same outputs.
Result<InferredGraph> infer_freed(const ::onnx::ModelProto& model, const InferredGraph& fixed,
                                  const std::string& name);

}  // namespace batchtune::onnx_file
