// Operations without a kind in Model, as calls of kernels/tensor. calls.cpp has the one table from
// (domain, op_type) to a function that makes the call; those functions are in one file per kind:
// calls_arithmetic.cpp, calls_images.cpp, calls_layout.cpp, calls_reduce.cpp, calls_rows.cpp,
// calls_products.cpp.
//
// Add an operation: a function `MadeCall name(const CallNode& node)` in the file of its kind,
// declared below under that file's heading, and a row in calls.cpp.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

#include "kernels/arena.h"
#include "tuner/backend/imported/graph_edit.h"

namespace batchtune::imported {

// A tensor at one batch; {} in shape is a single value. data nullptr: left out.
struct CallTensor {
  ElementType type = ElementType::undefined;
  Shape shape;
  void* data = nullptr;
};

// Computes the outputs, whose shapes the graph says. Inputs and outputs never overlap.
using Call = std::function<void(std::span<const CallTensor> inputs,
                                std::span<const CallTensor> outputs, kernels::Team& team)>;

// A call, or why there is none ("axes that are computed from data"); the node is named by whoever
// reports it.
using MadeCall = tl::expected<Call, std::string>;

// A node and what is known of its tensors. Attributes through graph_edit.h.
class CallNode {
 public:
  CallNode(const FileGraph& graph, const GraphNode& node) : graph_(graph), node_(node) {}

  const GraphNode& node() const { return node_; }
  const std::string& op() const { return node_.op_type; }
  std::int64_t opset() const { return node_.opset; }
  bool has(std::size_t input) const { return has_input(node_, input); }
  std::size_t input_count() const { return node_.inputs.size(); }
  std::size_t output_count() const { return node_.outputs.size(); }
  // Of an input (output) that is there: its type and shape are known.
  const GraphTensor& in(std::size_t i) const { return tensor(node_.inputs[i]); }
  const GraphTensor& out(std::size_t i = 0) const { return tensor(node_.outputs[i]); }
  ElementType type(std::size_t input = 0) const { return in(input).type; }
  std::size_t rank(std::size_t input = 0) const { return in(input).shape->sizes.size(); }

 private:
  const GraphTensor& tensor(int index) const {
    return graph_.tensors[static_cast<std::size_t>(index)];
  }
  const FileGraph& graph_;
  const GraphNode& node_;
};

// Values of small parameters (axes, starts, sizes) that come as a tensor, when the call runs; of
// integer types.
std::vector<std::int64_t> values_of(const CallTensor& tensor);

struct CallRow {
  std::string_view domain;  // "" for ONNX's own
  std::string_view op_type;
  MadeCall (*make)(const CallNode& node);
};
std::span<const CallRow> call_rows();

// The call of any node whose tensors' shapes are known; an error says what is not supported.
MadeCall make_call(const FileGraph& graph, const GraphNode& node);

}  // namespace batchtune::imported
