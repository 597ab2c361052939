// Writes an ONNX graph down node by node, with names as exporters give them: a node of operation
// "fc" is "fc/Gemm", its weight "fc.weight".
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <unordered_set>
#include <utility>
#include <variant>
#include <vector>

#include "tuner/workload/onnx/export_weights.h"

namespace batchtune::onnx_export {

struct Attribute {
  const char* name;
  std::variant<std::int64_t, float, std::vector<std::int64_t>> value;
};

// Values are named by strings: of graph inputs, initializers and nodes' outputs.
class GraphWriter {
 public:
  // The names of the model's operations are kept for their results.
  GraphWriter(const Model& model, ::onnx::GraphProto& graph, WeightStore& weights);

  // Names of nodes and weights begin with the operation's from here on.
  void begin(const Op& op) { prefix_ = op.name; }

  // A node with one output; gives its name. The value stays in the graph under it unless the
  // operation's result is.
  std::string add(const char* type, const std::vector<std::string>& inputs,
                  const std::vector<Attribute>& attributes = {});
  // A node whose outputs have these names.
  void add_named(const char* type, const std::vector<std::string>& inputs,
                 const std::vector<std::string>& outputs,
                 const std::vector<Attribute>& attributes = {});
  // Gives the output of the node that was added last the name of an operation.
  void rename_last(const std::string& name);

  std::string weight(const std::string& suffix, const Shape& shape, const Values& values);
  // One initializer for all that are alike.
  std::string scalar(float value);
  std::string integers(const std::vector<std::int64_t>& values);

  // A tensor with a symbolic batch before `shape`.
  void add_input(const std::string& name, bool token_ids, const Shape& shape);
  void add_output(const std::string& name, const Shape& shape);

 private:
  std::string unused(const std::string& name);

  ::onnx::GraphProto& graph_;
  WeightStore& weights_;
  std::string prefix_;
  std::unordered_set<std::string> used_;
  std::map<std::string, std::string> constants_;  // what they are: name
};

}  // namespace batchtune::onnx_export
