// Writes one node of an imported graph as XLA instructions, in ONNX's own order of dimensions. Each
// file of a kind (arithmetic.cpp, images.cpp ...) has a table from (domain, op_type) to a function
// that does it; nodes.cpp has the list of the tables. Internal to the folder above.
//
// Add an operation: a function `Written name(NodeWriter& n)` and a row for it, both in the file of
// its kind.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <tl/expected.hpp>

#include "tuner/workload/hlo/formula.h"
#include "tuner/workload/onnx/graph.h"

namespace batchtune::hlo {

struct FileState {
  const FileGraph& graph;
  std::int64_t batch;
  HloElement floats;  // what the file's f32 is
  ProgramWriter writer;
  std::map<std::pair<int, HloElement>, Value> values = {};  // of tensors, by index and element
  std::vector<HloTensor> parameters = {};
  std::string refused = {};  // why a constant that was read is none of a program's; "": all are
};

// A node's outputs in their order, or why it cannot be written ("axes that depend on data").
struct Outputs {
  std::vector<Value> values;
  Outputs(Value one) : values{std::move(one)} {}               // NOLINT: the usual case
  Outputs(std::vector<Value> all) : values(std::move(all)) {}  // NOLINT
};
using Written = tl::expected<Outputs, std::string>;
inline tl::unexpected<std::string> not_written(std::string why) {
  return tl::unexpected<std::string>(std::move(why));
}

using Numbers = std::vector<std::int64_t>;

class NodeWriter {
 public:
  NodeWriter(FileState& state, const GraphNode& node) : state_(state), node_(node) {}

  ProgramWriter& w() { return state_.writer; }
  const std::string& op() const { return node_.op_type; }
  std::int64_t opset() const { return node_.opset; }

  // ---- attributes ----
  bool has_attribute(const std::string& name) const { return node_.attributes.count(name) != 0; }
  std::int64_t integer(const std::string& name, std::int64_t otherwise) const {
    return attribute<std::int64_t>(name, otherwise);
  }
  double number(const std::string& name, double otherwise) const {
    return attribute<double>(name, otherwise);
  }
  std::string text(const std::string& name, const std::string& otherwise) const {
    return attribute<std::string>(name, otherwise);
  }
  Numbers integers(const std::string& name) const { return attribute<Numbers>(name, {}); }
  std::vector<double> numbers_of(const std::string& name) const {
    return attribute<std::vector<double>>(name, {});
  }

  // ---- inputs ----
  std::size_t input_count() const { return node_.inputs.size(); }
  bool has(std::size_t i) const { return i < node_.inputs.size() && node_.inputs[i] != kLeftOut; }
  // Of an input that is there.
  Shape shape(std::size_t i = 0) const { return tensor(node_.inputs[i]).shape->at(state_.batch); }
  std::int64_t rank(std::size_t i = 0) const { return std::ssize(shape(i)); }
  Value in(std::size_t i = 0);
  // Of f32 in whatever dtype: scales, which fewer bits would change.
  Value exact(std::size_t i);
  // Its values, where they are known before a run.
  std::optional<std::vector<double>> numbers(std::size_t i) const;
  std::optional<Numbers> whole_numbers(std::size_t i) const;

  // What a ConstantOfShape fills with; nullopt where that is no number that is known here.
  std::optional<double> filler() const;

  // ---- outputs ----
  std::size_t output_count() const { return node_.outputs.size(); }
  bool has_output(std::size_t i) const {
    return i < node_.outputs.size() && node_.outputs[i] != kLeftOut;
  }
  Shape out_shape(std::size_t i = 0) const {
    return tensor(node_.outputs[i]).shape->at(state_.batch);
  }
  HloElement out_element(std::size_t i = 0) const;

  // ---- steps that many share ----
  // Counted from the front; nullopt where it is none of `rank`.
  static std::optional<std::int64_t> axis(std::int64_t axis, std::int64_t rank);
  // Spread over `to` as ONNX does it, dimensions aligned at the last.
  Value spread(const Value& x, const Shape& to);
  Value spread_along(const Value& x, std::int64_t axis, const Shape& to);  // a vector
  Formula formula(const Value& x) { return {w(), x}; }
  Value wide(const Value& x);  // f32 instead of fewer bits: what sums and functions work in
  Value narrow(const Value& x, std::size_t output = 0) {
    return w().converted(x, out_element(output));
  }
  // Folded over dimensions, which stay with size 1.
  Value folded(Fold fold, const Value& x, const Numbers& axes);
  Value mean(const Value& x, const Numbers& axes);
  // Elements `indices` along an axis.
  Value taken(const Value& x, std::int64_t axis, const Numbers& indices);
  // Indices of a run: those below 0 count from the end.
  Value from_front(const Value& indices, std::int64_t size);

 private:
  const GraphTensor& tensor(int index) const {
    return state_.graph.tensors[static_cast<std::size_t>(index)];
  }
  template <typename T>
  T attribute(const std::string& name, T otherwise) const {
    const auto found = node_.attributes.find(name);
    const T* const value =
        found == node_.attributes.end() ? nullptr : std::get_if<T>(&found->second);
    return value != nullptr ? *value : otherwise;
  }

  FileState& state_;
  const GraphNode& node_;
};

// ---- tensors of the graph ----

// The tensor, wherever it comes from: computed, or a constant, which becomes a literal where it is
// small and a parameter where it is a weight. `element`: of constants of floats.
Value value_of(FileState& state, int tensor, HloElement floats);
// Why value_of() has nothing; "" where it has.
std::string why_no_value(const FileState& state, int tensor);
// Known before a run, the same or not at every batch.
bool is_known(const GraphTensor& tensor);

// ---- operations ----

struct NodeRow {
  std::string_view domain;  // "" for ONNX's own
  std::string_view op_type;
  Written (*write)(NodeWriter& n);
};
// By file.
std::span<const NodeRow> function_rows();    // of one tensor
std::span<const NodeRow> arithmetic_rows();  // of several
std::span<const NodeRow> type_rows();
std::span<const NodeRow> image_rows();
std::span<const NodeRow> resize_rows();
std::span<const NodeRow> layout_rows();
std::span<const NodeRow> index_rows();
std::span<const NodeRow> reduce_rows();
std::span<const NodeRow> norm_rows();
std::span<const NodeRow> product_rows();
std::span<const NodeRow> attention_rows();

const NodeRow* find_row(const GraphNode& node);  // nullptr: no program has it

// Numbers 0 .. count - 1, begin .. end - 1.
Numbers counted(std::int64_t begin, std::int64_t end);

}  // namespace batchtune::hlo
