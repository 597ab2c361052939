#include "tuner/cli/layer_names.h"

#include <algorithm>
#include <set>
#include <utility>

#include "tuner/workload/onnx/graph.h"
#include "tuner/workload/onnx/onnx.h"
#include "tuner/workload/work.h"

namespace batchtune {
namespace {

// What ONNX Runtime appends to a node's or tensor's name when it changes layouts or needs another
// one, and what OpenVINO appends to a convolution without its bias.
constexpr std::string_view kEndings[] = {"_nchwc", "/WithoutBiases"};
constexpr std::string_view kNumbered = "_token_";  // then digits
constexpr char kFused = '+', kPart = '/';
constexpr char kOnnx[] = "onnx", kConstant[] = "Constant";
constexpr std::string_view kProducts[] = {"Conv", "MatMul", "Gemm", "FullyConnected",
                                          "InnerProduct"};

std::string without_endings(std::string name) {
  if (const std::size_t at = name.rfind(kNumbered); at != std::string::npos) {
    const std::string digits = name.substr(at + kNumbered.size());
    if (!digits.empty() && digits.find_first_not_of("0123456789") == std::string::npos)
      name.resize(at);
  }
  for (const std::string_view ending : kEndings)
    if (name.ends_with(ending)) name.resize(name.size() - ending.size());
  return name;
}

bool says_product(const std::string& kind) {
  return std::any_of(std::begin(kProducts), std::end(kProducts), [&](std::string_view product) {
    return kind.find(product) != std::string::npos;
  });
}

void add_unique(std::vector<OpIndex>& ops, OpIndex op) {
  if (op >= 0 && std::find(ops.begin(), ops.end(), op) == ops.end()) ops.push_back(op);
}

}  // namespace

LayerNames::LayerNames(const Model& model, std::map<std::string, std::string> node_operations)
    : model_(model) {
  for (std::size_t i = 0; i < model.ops.size(); ++i)
    known_[model.ops[i].name] = static_cast<OpIndex>(i);
  for (const auto& [node, operation] : node_operations)
    if (const OpIndex op = find_op(model, operation); op >= 0) known_[node] = op;
}

// The whole name, or what is left of it when parts are taken off its end.
OpIndex LayerNames::find(std::string name) const {
  for (name = without_endings(std::move(name)); !name.empty();) {
    if (const auto found = known_.find(name); found != known_.end()) return found->second;
    const std::size_t part = name.rfind(kPart);
    if (part == std::string::npos) break;
    name = without_endings(name.substr(0, part));
  }
  return -1;
}

OpIndex LayerNames::root_of(OpIndex op) const {
  while (op >= 0 && model_.ops[static_cast<std::size_t>(op)].fused &&
         !model_.ops[static_cast<std::size_t>(op)].inputs.empty())
    op = find_op(model_, model_.ops[static_cast<std::size_t>(op)].inputs.front());
  return op;
}

std::vector<OpIndex> LayerNames::named(std::string_view layer) const {
  std::vector<OpIndex> ops;
  // A name may have a plus of its own.
  if (const auto whole = known_.find(without_endings(std::string(layer))); whole != known_.end())
    return {root_of(whole->second)};
  while (!layer.empty()) {
    const std::size_t end = std::min(layer.find(kFused), layer.size());
    add_unique(ops, root_of(find(std::string(layer.substr(0, end)))));
    layer.remove_prefix(std::min(end + 1, layer.size()));
  }
  return ops;
}

bool LayerNames::is_product(OpIndex op) const {
  return work_of(model_, model_.ops[static_cast<std::size_t>(op)]).product;
}

// The nearest ones on every way back.
std::vector<OpIndex> LayerNames::products_before(OpIndex op) const {
  std::vector<OpIndex> found, open{op};
  std::set<OpIndex> seen;
  while (!open.empty()) {
    const OpIndex next = open.back();
    open.pop_back();
    for (const OpIndex read : reads_of(model_, model_.ops[static_cast<std::size_t>(next)])) {
      if (read < 0 || !seen.insert(read).second) continue;
      if (is_product(read))
        add_unique(found, read);
      else
        open.push_back(read);
    }
  }
  return found;
}

std::vector<std::vector<OpIndex>> LayerNames::operations_of(
    const std::vector<LayerTime>& layers) const {
  std::vector<std::vector<OpIndex>> all;
  std::set<OpIndex> told;
  for (const LayerTime& layer : layers) {
    all.push_back(named(layer.name));
    told.insert(all.back().begin(), all.back().end());
  }
  for (std::size_t i = 0; i < layers.size(); ++i) {
    std::vector<OpIndex>& ops = all[i];
    const bool has_product = std::any_of(ops.begin(), ops.end(),
                                         [&](OpIndex op) { return is_product(op); });
    if (ops.empty() || has_product || !says_product(layers[i].kind)) continue;
    std::vector<OpIndex> candidates = products_before(ops.front());
    std::erase_if(candidates, [&](OpIndex op) { return told.count(op) > 0; });
    if (candidates.size() != 1) continue;
    ops.push_back(candidates.front());
    told.insert(candidates.front());
  }
  for (std::vector<OpIndex>& ops : all) std::sort(ops.begin(), ops.end());
  return all;
}

std::map<std::string, std::string> node_operations_of(const Model& model) {
  std::map<std::string, std::string> operations;
  if (!model.file || model.file->format != kOnnx) return operations;
  const auto graph = read_onnx_graph(model);
  const auto for_runtime = onnx_for_runtime(model, 0);
  if (!graph) return operations;
  int index = 0;  // as runtimes count nodes: constants become weights
  std::map<std::string, std::string> by_place;
  for (const GraphNode& node : graph->nodes) {
    if (node.op_type == kConstant) continue;
    const std::string place = node.op_type + "_" + std::to_string(index++);
    if (node.outputs.empty() || node.outputs.front() == kLeftOut) continue;
    const std::string& output = graph->tensors[static_cast<std::size_t>(node.outputs.front())].name;
    operations[node.name] = output;
    by_place[place] = output;
  }
  // ONNX Runtime calls a node without a name by its kind and place; of a rewritten file it has others.
  if (for_runtime && !for_runtime->path.empty()) operations.merge(by_place);
  return operations;
}

}  // namespace batchtune
