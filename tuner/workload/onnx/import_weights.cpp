// Which node each weight belongs to, and what integer inputs may hold.
#include <unordered_set>

#include "tuner/workload/onnx/import.h"

namespace batchtune::onnx_file {
namespace {

// nullptr for an input that is left out.
const Tensor* tensor_of(const InferredGraph& graph, const std::string& name) {
  const auto found = graph.tensors.find(name);
  return found == graph.tensors.end() ? nullptr : &found->second;
}

// Elements of a constant that counts as a weight; 0 for shapes, single numbers and what depends on
// the batch.
double weight_of(const Tensor& tensor) {
  if (!tensor.constant || !is_parameter_type(tensor.at[0].type)) return 0;
  const auto sample = per_sample(tensor);
  if (!sample || sample->axis >= 0) return 0;
  const std::int64_t count = elements(sample->shape);
  return count > 1 ? static_cast<double>(count) : 0;
}

bool is_lookup(const ReadNode& node) {
  return node.proto->op_type() == "Gather";
}

}  // namespace

std::vector<double> weight_elements(const InferredGraph& graph) {
  std::vector<double> own(graph.nodes.size(), 0);
  std::unordered_set<std::string> counted;
  for (const bool lookups : {false, true}) {
    for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
      if (graph.nodes[i].is_constant || is_lookup(graph.nodes[i]) != lookups) continue;
      for (const std::string& name : graph.nodes[i].proto->input()) {
        const Tensor* tensor = tensor_of(graph, name);
        const double weight = tensor ? weight_of(*tensor) : 0;
        if (weight > 0 && counted.insert(tensor->root).second) own[i] += weight;
      }
    }
  }
  return own;
}

std::unordered_map<std::string, std::int64_t> vocabularies(const InferredGraph& graph) {
  constexpr std::int64_t kMask = 2;                      // 0 and 1
  std::unordered_map<std::string, std::string> carries;  // tensor -> the input whose values it has
  std::unordered_map<std::string, std::int64_t> rows, found;
  for (const auto* input : graph.inputs) {
    const int type = graph.tensors.at(input->name()).at[0].type;
    if (!is_integer(type)) continue;
    carries[input->name()] = input->name();
    const bool byte = type == ::onnx::TensorProto::UINT8 || type == ::onnx::TensorProto::INT8;
    rows[input->name()] = byte ? 128 : kMask;
  }
  for (const ReadNode& node : graph.nodes) {
    const auto& proto = *node.proto;
    if (!node.operation || proto.input_size() == 0 || proto.output_size() == 0) continue;
    const bool passes = node.operation->role == Role::view || proto.op_type() == "Cast";
    const auto from = carries.find(proto.input(0));
    if (passes && from != carries.end()) {
      const std::string input = from->second;
      carries[proto.output(0)] = input;
    }
    if (!is_lookup(node) || proto.input_size() < 2) continue;
    const auto ids = carries.find(proto.input(1));
    const Tensor* table = tensor_of(graph, proto.input(0));
    if (ids == carries.end() || !table || !table->constant || !table->at[0].shape) continue;
    if (table->at[0].shape->empty() || table->at[0].shape->front() < 1) continue;
    const std::int64_t size = table->at[0].shape->front();
    const auto [known, is_new] = found.emplace(ids->second, size);
    if (!is_new && size < known->second) known->second = size;
  }
  for (const auto& [input, size] : found) rows[input] = size;
  return rows;
}

}  // namespace batchtune::onnx_file
