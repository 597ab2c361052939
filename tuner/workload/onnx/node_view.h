// One node of an ONNX graph at one batch, as the rules for its shapes see it. Internal to this
// folder.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tuner/core/error.h"
#include "tuner/workload/onnx/tensor.h"

namespace batchtune::onnx_file {

// "model.onnx, node \"conv1\" (Conv)"
std::string place_of(const std::string& file, const ::onnx::NodeProto& node);

class NodeView {
 public:
  // `inputs` has a nullptr for each that is left out; they must outlive the view.
  NodeView(const ::onnx::NodeProto& node, std::int64_t opset, std::vector<const Facts*> inputs,
           std::string where)
      : node_(node), opset_(opset), inputs_(std::move(inputs)), where_(std::move(where)) {}

  const std::string& op() const { return node_.op_type(); }
  std::int64_t opset() const { return opset_; }
  std::size_t input_count() const { return inputs_.size(); }
  std::size_t output_count() const { return static_cast<std::size_t>(node_.output_size()); }
  bool has(std::size_t input) const { return input < inputs_.size() && inputs_[input] != nullptr; }
  Status want_inputs(std::size_t least) const;  // that the first so many are there

  // Of an input that is there; its shape is known.
  const Facts& in(std::size_t input) const { return *inputs_[input]; }
  const Shape& shape(std::size_t input) const { return *inputs_[input]->shape; }
  // Its values as integers; nullopt where they depend on data.
  std::optional<std::vector<std::int64_t>> integers(std::size_t input) const;

  bool has_attribute(std::string_view name) const { return attribute(name) != nullptr; }
  std::int64_t integer(std::string_view name, std::int64_t otherwise) const;
  std::vector<std::int64_t> integer_list(std::string_view name) const;  // empty if absent
  std::vector<double> number_list(std::string_view name) const;         // empty if absent
  double number(std::string_view name) const;                           // 0 if absent
  std::string text(std::string_view name, std::string_view otherwise) const;
  const ::onnx::TensorProto* tensor(std::string_view name) const;

  // `axis` counted from the front, of `rank` dimensions; an error where it is none of them.
  Result<std::size_t> axis_of(std::int64_t axis, std::size_t rank) const;

  tl::unexpected<Error> fail(std::string wanted, std::string found) const {
    return bad_input(std::move(wanted), std::move(found), where_);
  }

 private:
  const ::onnx::AttributeProto* attribute(std::string_view name) const;

  const ::onnx::NodeProto& node_;
  std::int64_t opset_;
  std::vector<const Facts*> inputs_;
  std::string where_;
};

}  // namespace batchtune::onnx_file
