// What runtimes fuse: on CPUs both ONNX Runtime and OpenVINO fold batch norms into filters, and
// apply activations and biases while a product's tile is still in registers. Residual sums are not
// counted as fused: they read another tensor.
#include <algorithm>
#include <unordered_set>

#include "tuner/workload/onnx/import.h"

namespace batchtune::onnx_file {
namespace {

constexpr std::string_view kActivations[] = {"BatchNormalization",
                                             "Clip",
                                             "Elu",
                                             "FastGelu",
                                             "Gelu",
                                             "HardSigmoid",
                                             "HardSwish",
                                             "LeakyRelu",
                                             "Mish",
                                             "PRelu",
                                             "QuickGelu",
                                             "Relu",
                                             "Selu",
                                             "Sigmoid",
                                             "Swish",
                                             "Tanh"};
constexpr std::string_view kWithConstants[] = {"Add", "Div", "Mul", "Sub"};

template <typename Names>
bool is_one_of(const std::string& name, const Names& names) {
  return std::find(std::begin(names), std::end(names), name) != std::end(names);
}

// How often each tensor is read; an output of the graph is read by whoever runs it.
std::unordered_map<std::string, int> readers_of(const ::onnx::GraphProto& graph) {
  std::unordered_map<std::string, int> readers;
  for (const auto& node : graph.node())
    for (const std::string& name : node.input()) ++readers[name];
  for (const auto& output : graph.output()) ++readers[output.name()];
  return readers;
}

// The one input that is no constant; "" if there are several.
std::string moving_input(const InferredGraph& graph, const ::onnx::NodeProto& node) {
  std::string found;
  for (const std::string& name : node.input()) {
    if (name.empty() || graph.tensors.at(name).constant) continue;
    if (!found.empty()) return "";
    found = name;
  }
  return found;
}

}  // namespace

std::vector<bool> fused_nodes(const InferredGraph& graph, const ::onnx::GraphProto& proto) {
  const auto readers = readers_of(proto);
  std::unordered_set<std::string>
      in_registers;  // outputs of products, and of what is fused with them
  std::vector<bool> fused(graph.nodes.size(), false);
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    const ReadNode& node = graph.nodes[i];
    if (!node.is_read || node.is_constant || node.proto->output_size() == 0) continue;
    const std::string& output = node.proto->output(0);
    if (node.operation->role == Role::product) {
      in_registers.insert(output);
      continue;
    }
    const std::string& name = node.proto->op_type();
    if (!is_one_of(name, kActivations) && !is_one_of(name, kWithConstants)) continue;
    const std::string input = moving_input(graph, *node.proto);
    if (in_registers.count(input) == 0 || readers.at(input) != 1) continue;
    if (graph.tensors.at(input).at[0].shape != graph.tensors.at(output).at[0].shape) continue;
    fused[i] = true;
    in_registers.insert(output);
  }
  return fused;
}

}  // namespace batchtune::onnx_file
