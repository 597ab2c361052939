// The program of a file: its inputs, its nodes in their order, its outputs.
#include "tuner/workload/hlo/imported/file_program.h"

#include <algorithm>
#include <limits>
#include <map>

#include "tuner/workload/hlo/imported/file_weights.h"
#include "tuner/workload/hlo/imported/node_writer.h"

namespace batchtune::hlo {
namespace {

constexpr std::int64_t kLargestTensor =
    std::numeric_limits<std::int32_t>::max();  // elements that XLA's indices count

std::string full_name(const GraphNode& node) {
  return node.domain.empty() ? node.op_type : node.domain + "." + node.op_type;
}

class FileProgram {
 public:
  FileProgram(const FileGraph& graph, const Model& inputs, std::int64_t batch, HloElement floats,
              std::string name)
      : inputs_(inputs), state_{graph, batch, floats, ProgramWriter(std::move(name))} {}

  Result<HloModule> run() {
    BT_TRY_VOID(check_operations());
    BT_TRY_VOID(add_inputs());
    for (const GraphNode& node : state_.graph.nodes) BT_TRY_VOID(add_node(node));
    return finish();
  }

 private:
  const GraphTensor& tensor(int index) const {
    return state_.graph.tensors[static_cast<std::size_t>(index)];
  }

  tl::unexpected<Error> refuse(const std::string& found, const std::string& where) const {
    return bad_input("a graph that an XLA program can be made of", found,
                     state_.graph.file + (where.empty() ? "" : ", ") + where,
                     "A runtime that reads the file is another way: --backend onnxruntime");
  }

  // Known before a run: nothing is computed for it.
  bool is_known_node(const GraphNode& node) const {
    return std::all_of(node.outputs.begin(), node.outputs.end(),
                       [&](int output) { return output == kLeftOut || is_known(tensor(output)); });
  }

  // All that are missing at once: "2 x Foo ("a"), 1 x Bar ("b")".
  Status check_operations() const {
    std::map<std::string, std::pair<int, const GraphNode*>> missing;
    for (const GraphNode& node : state_.graph.nodes) {
      if (is_known_node(node) || find_row(node) != nullptr) continue;
      auto& kind = missing[full_name(node)];
      if (++kind.first == 1) kind.second = &node;
    }
    if (missing.empty()) return {};
    std::string text;
    for (const auto& [operation, kind] : missing)
      text += (text.empty() ? "" : ", ") + std::to_string(kind.first) + " x " + operation +
              " (node \"" + kind.second->name + "\")";
    return refuse("operations that programs have not: " + text, "");
  }

  Status check_tensor(int index, const std::string& where) const {
    if (std::string why = why_no_value(state_, index); !why.empty()) return refuse(why, where);
    if (!tensor(index).shape) return {};
    const std::int64_t count = elements(tensor(index).shape->at(state_.batch));
    if (count <= kLargestTensor) return {};
    return bad_input("tensors of at most " + std::to_string(kLargestTensor) + " elements",
                     std::to_string(count) + " at batch " + std::to_string(state_.batch),
                     state_.graph.file + ", \"" + tensor(index).name + "\"",
                     "Choose a smaller batch");
  }

  Status add_inputs() {
    const FileGraph& graph = state_.graph;
    for (std::size_t i = 0; i < graph.inputs.size(); ++i) {
      const int index = graph.inputs[i];
      BT_TRY_VOID(check_tensor(index, "input"));
      state_.writer.begin(graph.input_ops[i]);
      state_.parameters.push_back({.name = clean_name(graph.input_ops[i]) + "." + std::to_string(i),
                                   .element = *element_of(tensor(index).type, state_.floats),
                                   .shape = tensor(index).shape->at(state_.batch),
                                   .op = std::max(find_op(inputs_, graph.input_ops[i]), 0),
                                   .batch_axis = tensor(index).shape->batch_axis});
      put(index, state_.writer.parameter(state_.parameters.back()));
    }
    return {};
  }

  bool is_computed(int index) const {
    return state_.values.count({index, *element_of(tensor(index).type, state_.floats)}) != 0;
  }

  void put(int index, const Value& value) {
    state_.values.insert_or_assign(std::pair(index, value.element), value);
  }

  Status add_node(const GraphNode& node) {
    if (is_known_node(node)) return {};
    const std::string where = "node \"" + node.name + "\" (" + full_name(node) + ")";
    for (const auto* tensors : {&node.inputs, &node.outputs})
      for (const int index : *tensors)
        if (index != kLeftOut) BT_TRY_VOID(check_tensor(index, where));
    for (const int index : node.inputs)
      if (index != kLeftOut && !is_known(tensor(index)) && !is_computed(index))
        return refuse("nothing that computes \"" + tensor(index).name + "\"", where);
    state_.writer.begin(node.name);
    NodeWriter writer(state_, node);
    const Written written = find_row(node)->write(writer);
    if (!written) return refuse(written.error(), where);
    if (!state_.refused.empty()) return refuse(state_.refused, where);
    for (std::size_t i = 0; i < written->values.size() && i < node.outputs.size(); ++i)
      if (node.outputs[i] != kLeftOut)
        put(node.outputs[i],
            writer.narrow(state_.writer.reshaped(written->values[i], writer.out_shape(i)), i));
    if (written->values.size() < node.outputs.size())
      return refuse("more outputs than are computed", where);
    return {};
  }

  // The model's output is the first that a run computes.
  std::vector<std::size_t> order_of_outputs() const {
    const FileGraph& graph = state_.graph;
    std::vector<std::size_t> order;
    for (std::size_t i = 0; i < graph.outputs.size(); ++i) order.push_back(i);
    std::stable_partition(order.begin(), order.end(),
                          [&](std::size_t i) { return !is_known(tensor(graph.outputs[i])); });
    return order;
  }

  Result<HloModule> finish() {
    const FileGraph& graph = state_.graph;
    HloModule made;
    std::vector<Value> values;
    state_.writer.begin("outputs");
    for (const std::size_t i : order_of_outputs()) {
      const int index = graph.outputs[i];
      BT_TRY_VOID(check_tensor(index, "output"));
      if (!is_known(tensor(index)) && !is_computed(index))
        return refuse("nothing that computes it", "output \"" + graph.output_names[i] + "\"");
      values.push_back(value_of(state_, index, state_.floats));
      const auto& shape = tensor(index).shape;
      made.results.push_back(
          {.name = clean_name(graph.output_names[i]) + ".out" + std::to_string(made.results.size()),
           .element = values.back().element,
           .shape = values.back().shape,
           .constant = -1,
           .batch_axis = shape ? shape->batch_axis : -1});
    }
    if (values.empty()) return refuse("no output", "");
    if (!state_.refused.empty()) return refuse(state_.refused, "output");
    made.bytes = state_.writer.finish(values, made.results);
    made.parameters = std::move(state_.parameters);
    return made;
  }

  const Model& inputs_;
  FileState state_;
};

}  // namespace

Result<HloModule> make_file_program(const FileGraph& graph, const Model& inputs, std::int64_t batch,
                                    DType dtype) {
  BT_TRY(floats, hlo_element(dtype, graph.file));
  if (batch < 1) return bad_input("a batch of at least 1", std::to_string(batch), graph.file);
  const std::string name =
      inputs.name + "_b" + std::to_string(batch) + "_" + std::string(name_of(dtype));
  return FileProgram(graph, inputs, batch, floats, name).run();
}

}  // namespace batchtune::hlo
