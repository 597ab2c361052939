// Operations without a kind in Model, as calls of kernels/tensor. Each file of a kind has a table
// from (domain, op_type) to a function that makes the call; calls.cpp has the list of the tables:
// calls_arithmetic.cpp, calls_attention.cpp, calls_images.cpp, calls_layout.cpp, calls_products.cpp,
// calls_quantised.cpp, calls_recurrent.cpp, calls_reduce.cpp, calls_rows.cpp.
//
// Add an operation: a function `MadeCall name(const CallNode& node)` and a row for it, both in the
// file of its kind.
#pragma once

#include <array>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

#include "kernels/tensor/tensor.h"
#include "kernels/workspace.h"
#include "tuner/backend/imported/graph_edit.h"

namespace batchtune::imported {

namespace kt = kernels::tensor;

// What a call computes with, at one batch. An input that is left out has no data (is_there()).
struct CallData {
  const kt::Context& context;
  std::span<const kt::ConstTensor> in;
  std::span<const kt::Tensor> out;  // in the shapes that the graph says; they overlap no input
  kernels::Workspace workspace;     // of Call::workspace_bytes for each lane

  bool is_there(std::size_t input) const { return input < in.size() && in[input].data != nullptr; }
  // For parameters that may be null.
  const kt::ConstTensor* optional(std::size_t input) const {
    return is_there(input) ? &in[input] : nullptr;
  }
  // An output that the node has, or nullptr.
  const kt::Tensor* asked(std::size_t output) const {
    return output < out.size() && out[output].data != nullptr ? &out[output] : nullptr;
  }
};

struct Call {
  std::function<kt::Outcome(const CallData& data)> run;
  // For each lane; empty: none.
  std::function<std::size_t(const kt::Kernels& kernels, std::span<const kt::ConstTensor> in)>
      workspace_bytes = {};
};

// A call, or why there is none ("axes that are computed from data"); whoever reports it names the
// node.
using MadeCall = tl::expected<Call, std::string>;
inline tl::unexpected<std::string> no_call(std::string why) {
  return tl::unexpected<std::string>(std::move(why));
}

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
  bool has_output(std::size_t i) const {
    return i < node_.outputs.size() && node_.outputs[i] != kLeftOut;
  }
  // Of an input (output) that is there: its type and shape are known.
  const GraphTensor& in(std::size_t i) const { return tensor(node_.inputs[i]); }
  const GraphTensor& out(std::size_t i = 0) const { return tensor(node_.outputs[i]); }
  ElementType type(std::size_t input = 0) const { return in(input).type; }
  std::size_t rank(std::size_t input = 0) const { return in(input).shape->sizes.size(); }
  // Counted from the front; nullopt where it is none of `rank`.
  static std::optional<std::size_t> axis(std::int64_t axis, std::size_t rank);

 private:
  const GraphTensor& tensor(int index) const {
    return graph_.tensors[static_cast<std::size_t>(index)];
  }
  const FileGraph& graph_;
  const GraphNode& node_;
};

// Parameters that come as a tensor (axes, starts, sizes), read when the call runs: of an integer
// or floating type.
std::vector<std::int64_t> whole_numbers(const kt::ConstTensor& tensor);
std::vector<double> numbers(const kt::ConstTensor& tensor);

std::optional<kt::ElementType> kernel_type(ElementType type);  // nullopt: not computed with
inline kt::Shape kernel_shape(const Shape& shape) {
  return kt::Shape(std::span<const std::int64_t>(shape));
}

// One number in an element type: what attributes become that kernels take as a tensor.
class Single {
 public:
  Single(double value, kt::ElementType type);
  kt::ConstTensor tensor() const { return {type_, {}, bytes_.data()}; }

 private:
  kt::ElementType type_;
  alignas(8) std::array<std::byte, 8> bytes_{};
};

struct CallRow {
  std::string_view domain;  // "" for ONNX's own
  std::string_view op_type;
  MadeCall (*make)(const CallNode& node);
};
// By file.
std::span<const CallRow> arithmetic_calls();
std::span<const CallRow> attention_calls();
std::span<const CallRow> image_calls();
std::span<const CallRow> layout_calls();
std::span<const CallRow> reduce_calls();
std::span<const CallRow> row_calls();
std::span<const CallRow> product_calls();
std::span<const CallRow> quantised_calls();
std::span<const CallRow> recurrent_calls();

// The call of any node; an error says what is not supported.
MadeCall make_call(const FileGraph& graph, const GraphNode& node);

}  // namespace batchtune::imported
