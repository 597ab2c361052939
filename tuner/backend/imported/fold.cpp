#include <algorithm>
#include <cstring>

#include "kernels/tensor/cast.h"
#include "tuner/backend/imported/calls.h"
#include "tuner/backend/imported/passes.h"

namespace batchtune::imported {
namespace {

// Bytes of one tensor, and of all: a small file may claim large ones. What is beyond is computed in
// a run, and charged to the account.
constexpr std::int64_t kMostFolded = std::int64_t{1} << 31, kMostOfAll = std::int64_t{1} << 32;

RawTensor raw_of(const std::vector<double>& values, ElementType type, const Shape& shape) {
  const auto kernel = kernel_type(type);
  if (!kernel || static_cast<std::int64_t>(values.size()) != elements(shape)) return {};
  std::string bytes(values.size() * kt::bytes_of(*kernel), '\0');
  kernels::Team alone;
  static_cast<void>(kt::cast(alone, {kt::ElementType::f64, kernel_shape(shape), values.data()},
                             {*kernel, kernel_shape(shape), bytes.data()}));
  return {type, shape, std::make_shared<const std::string>(std::move(bytes))};
}

// What a Constant holds; without bytes for text and what is sparse.
RawTensor value_of_constant(const GraphNode& node) {
  if (const auto value = attribute<RawTensor>(node, "value", {}); value.bytes) return value;
  if (node.attributes.count("value_float"))
    return raw_of({number(node, "value_float", 0)}, ElementType::f32, {});
  if (node.attributes.count("value_int"))
    return raw_of({static_cast<double>(integer(node, "value_int", 0))}, ElementType::i64, {});
  if (node.attributes.count("value_floats")) {
    const auto values = attribute<std::vector<double>>(node, "value_floats", {});
    return raw_of(values, ElementType::f32, {std::ssize(values)});
  }
  if (node.attributes.count("value_ints")) {
    const auto values = integers(node, "value_ints");
    return raw_of({values.begin(), values.end()}, ElementType::i64, {std::ssize(values)});
  }
  return {};
}

// The tensor's few numbers, where they are the same at every batch.
RawTensor value_of_numbers(const GraphTensor& tensor) {
  if (!tensor.numbers || tensor.numbers->depends_on_batch() || !tensor.shape ||
      tensor.shape->batch_axis >= 0)
    return {};
  return raw_of(tensor.numbers->fixed, tensor.type, tensor.shape->sizes);
}

class Folding {
 public:
  explicit Folding(GraphEditor& edit) : edit_(edit) {}

  void run() {
    for (int i = 0; i < edit_.node_count(); ++i) {
      modernise(i);
      if (skips(i) || folds_to_numbers(i)) continue;
      fold(i);
    }
    edit_.finish();
  }

 private:
  const GraphNode& node(int index) const { return edit_.node(index); }

  // Before opset 7 the second operand of arithmetic lay along the first one's axes from `axis` on.
  void modernise(int index) {
    const GraphNode& old = node(index);
    const bool spreads = old.domain.empty() && old.opset < 7 && integer(old, "broadcast", 0) != 0 &&
                         old.attributes.count("axis") != 0 && old.inputs.size() == 2;
    if (!spreads || !edit_.has_value(old.inputs[1]) || !edit_.tensor(old.inputs[0]).shape) return;
    RawTensor value = *edit_.tensor(old.inputs[1]).value;
    const std::size_t rank = edit_.tensor(old.inputs[0]).shape->sizes.size();
    const auto axis = CallNode::axis(integer(old, "axis", 0), rank);
    if (!axis || *axis + value.shape.size() > rank) return;
    value.shape.resize(rank - *axis, 1);
    GraphNode changed = old;
    changed.inputs[1] = edit_.add_tensor({edit_.tensor(old.inputs[1]).name, {}, {}, {}, {}, true});
    edit_.set_value(changed.inputs[1], std::move(value));
    changed.attributes.erase("broadcast");
    changed.attributes.erase("axis");
    edit_.replace(index, std::move(changed));
  }

  // Nodes whose output is their input.
  bool skips(int index) {
    const GraphNode& one = node(index);
    const bool drops = is(one, "Dropout") && (one.outputs.size() < 2 || !is_read(one.outputs[1])) &&
                       (!has_input(one, 2) || single(edit_.tensor(one.inputs[2])) == 0.0);
    if (!is(one, "Identity") && !drops) return false;
    if (!has_input(one, 0) || one.outputs.empty() || one.outputs[0] == kLeftOut) return false;
    const int from = one.inputs[0], to = one.outputs[0];
    edit_.remove(index);
    edit_.redirect(to, from);
    return true;
  }

  bool is_read(int tensor) const {
    return tensor != kLeftOut && (edit_.is_output(tensor) || !edit_.readers(tensor).empty());
  }

  bool folds_to_numbers(int index) {
    const GraphNode& one = node(index);
    if (one.outputs.size() != 1 || one.outputs[0] == kLeftOut) return false;
    RawTensor value = is(one, "Constant") ? value_of_constant(one)
                                          : value_of_numbers(edit_.tensor(one.outputs[0]));
    if (!value.bytes) return false;
    edit_.set_value(one.outputs[0], std::move(value));
    edit_.remove(index);
    return true;
  }

  bool is_fixed(int tensor) const {
    const GraphTensor& one = edit_.tensor(tensor);
    if (!one.shape || one.shape->batch_axis >= 0) return false;
    const std::int64_t bytes = elements(one.shape->sizes) * bytes_of(one.type);
    return bytes <= kMostFolded && bytes <= kMostOfAll - folded_;
  }

  void fold(int index) {
    const GraphNode& one = node(index);
    const auto has_value = [this](int input) {
      return input == kLeftOut || edit_.has_value(input);
    };
    if (!std::all_of(one.inputs.begin(), one.inputs.end(), has_value)) return;
    for (const int output : one.outputs)
      if (output != kLeftOut && (!is_fixed(output) || !edit_.tensor(output).is_constant)) return;
    const MadeCall call = make_call(edit_.graph(), one);
    if (call) compute(index, *call);
  }

  void compute(int index, const Call& call) {
    std::vector<kt::ConstTensor> inputs;
    for (const int input : node(index).inputs) {
      inputs.emplace_back();
      if (input == kLeftOut) continue;
      const RawTensor& value = *edit_.tensor(input).value;
      inputs.back() = {*kernel_type(value.type), kernel_shape(value.shape), value.bytes->data()};
    }
    std::vector<std::string> bytes;
    std::vector<kt::Tensor> outputs;
    bytes.reserve(node(index).outputs.size());
    for (const int output : node(index).outputs) {
      outputs.emplace_back();
      if (output == kLeftOut) continue;
      const GraphTensor& tensor = edit_.tensor(output);
      const auto type = *kernel_type(tensor.type);
      bytes.emplace_back(
          static_cast<std::size_t>(elements(tensor.shape->sizes)) * kt::bytes_of(type), '\0');
      folded_ += std::ssize(bytes.back());
      outputs.back() = {type, kernel_shape(tensor.shape->sizes), bytes.back().data()};
    }
    kernels::Team alone;
    const kt::Context context(alone);
    if (!call.run({context, inputs, outputs, {}})) return;  // it is told when it is computed
    const std::vector<int> written = node(index).outputs;
    edit_.remove(index);
    auto next = bytes.begin();
    for (const int output : written) {
      if (output == kLeftOut) continue;
      const GraphTensor& tensor = edit_.tensor(output);
      edit_.set_value(output, {tensor.type, tensor.shape->sizes,
                               std::make_shared<const std::string>(std::move(*next++))});
    }
  }

  GraphEditor& edit_;
  std::int64_t folded_ = 0;  // bytes
};

}  // namespace

void fold_constants(GraphEditor& edit) {
  Folding(edit).run();
}

}  // namespace batchtune::imported
