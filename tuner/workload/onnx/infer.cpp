#include "tuner/workload/onnx/infer.h"

#include <algorithm>
#include <memory>

#include "tuner/workload/onnx/baked_batch.h"

namespace batchtune::onnx_file {
namespace {

constexpr int kMaxNodes = 50'000;                              // real graphs have some thousands
constexpr std::int64_t kMaxDimension = std::int64_t{1} << 34;  // of a whole tensor, batch and all
constexpr std::int64_t kMaxElements = std::int64_t{1} << 43;   // above what infer_shapes lets pass
constexpr char kBounded[] = "sizes of at least 0, at most 16 dimensions and 2^43 elements";

class Walk {
 public:
  Walk(const ::onnx::ModelProto& model, BatchAxis axis, const std::string& file)
      : model_(model), graph_(model.graph()), file_(file) {
    out_.axis = std::move(axis);
    for (const auto& import : model.opset_import())
      if (import.domain().empty() || import.domain() == "ai.onnx") opset_ = import.version();
  }

  Result<InferredGraph> run();

 private:
  Status add_tensor(const std::string& name, Tensor tensor);
  Status add_inputs();
  Status add_initializers();
  Status add_node(int index);

  // The inputs' tensors; nullptr for those that are left out.
  Result<std::vector<const Tensor*>> operands_of(const ::onnx::NodeProto& node) const;
  bool is_known(const std::vector<const Tensor*>& operands) const;
  using StandIns = std::vector<std::unique_ptr<Facts>>;
  Status free_node(int index, const std::string& where, NodeInputs& inputs, StandIns& stand_ins);
  // Runs the node's rule in both worlds, the batch freed where it is baked in.
  Status apply_rule(int index, const std::vector<const Tensor*>& operands, ReadNode& read,
                    std::vector<Tensor>& outputs);
  Status check_shapes(const ::onnx::NodeProto& node, const Outputs& outputs) const;
  Status check_batch_kept(const ::onnx::NodeProto& node, const NodeInputs& inputs,
                          const std::vector<Tensor>& outputs) const;
  std::vector<Tensor> declared_outputs(const ::onnx::NodeProto& node, bool is_batched) const;
  std::string root_of(const std::vector<const Tensor*>& operands, const Tensor& output,
                      const std::string& name) const;

  const ::onnx::ModelProto& model_;
  const ::onnx::GraphProto& graph_;
  std::string file_;
  std::int64_t opset_ = 1;  // of models that say none: they are older than the field
  std::unordered_map<std::string, const ::onnx::ValueInfoProto*> declared_;
  std::unordered_map<std::string, int> later_;  // outputs of nodes that were not reached yet
  InferredGraph out_;
};

bool is_bounded(const Facts& facts) {
  return !facts.shape ||
         (facts.shape->size() <= 16 && elements(*facts.shape) <= kMaxElements &&
          std::all_of(facts.shape->begin(), facts.shape->end(),
                      [](std::int64_t size) { return size >= 0 && size <= kMaxDimension; }));
}

Status Walk::add_tensor(const std::string& name, Tensor tensor) {
  for (const Facts& facts : tensor.at)
    if (!is_bounded(facts))
      return bad_input(kBounded, shape_text(*facts.shape), file_ + ", tensor \"" + name + "\"");
  if (out_.tensors.emplace(name, std::move(tensor)).second) return {};
  return bad_input("each tensor written once", "\"" + name + "\" again", file_);
}

Status Walk::add_inputs() {
  out_.inputs = inputs_of(graph_);
  for (const auto* input : out_.inputs) {
    Tensor tensor;
    for (std::size_t world = 0; world < kWorlds; ++world) {
      tensor.at[world] = declared_facts(*input, out_.axis, kBatches[world], true);
      if (!tensor.at[world].shape)
        return bad_input("an input whose shape is known", "none",
                         file_ + ", input \"" + input->name() + "\"");
    }
    BT_TRY_VOID(add_tensor(input->name(), std::move(tensor)));
  }
  return {};
}

Status Walk::add_initializers() {
  const auto add = [&](const std::string& name, Facts facts) {
    return add_tensor(name, Tensor{{facts, facts}, true, name});
  };
  for (const auto& tensor : graph_.initializer()) BT_TRY_VOID(add(tensor.name(), facts_of(tensor)));
  for (const auto& tensor : graph_.sparse_initializer()) {
    Facts facts{tensor.values().data_type(), Shape(tensor.dims().begin(), tensor.dims().end()), {}};
    BT_TRY_VOID(add(tensor.values().name(), std::move(facts)));
  }
  return {};
}

Result<std::vector<const Tensor*>> Walk::operands_of(const ::onnx::NodeProto& node) const {
  std::vector<const Tensor*> operands;
  for (const std::string& name : node.input()) {
    if (name.empty()) {
      operands.push_back(nullptr);
      continue;
    }
    const auto found = out_.tensors.find(name);
    if (found == out_.tensors.end())
      return bad_input("an input, an initializer or the output of an earlier node",
                       "\"" + name + "\"" +
                           (later_.count(name) ? ", of a later node: a cycle, or nodes out of order"
                                               : ", which is nowhere"),
                       place_of(file_, node));
    operands.push_back(&found->second);
  }
  return operands;
}

bool Walk::is_known(const std::vector<const Tensor*>& operands) const {
  return std::all_of(operands.begin(), operands.end(), [](const Tensor* tensor) {
    return !tensor || (tensor->at[0].shape && tensor->at[1].shape);
  });
}

Status Walk::check_shapes(const ::onnx::NodeProto& node, const Outputs& outputs) const {
  for (const Facts& out : outputs)
    if (!is_bounded(out)) return bad_input(kBounded, shape_text(*out.shape), place_of(file_, node));
  return {};
}

// A batch of 1 that a node takes away (x[0], a mean over the first axis) cannot be freed.
Status Walk::check_batch_kept(const ::onnx::NodeProto& node, const NodeInputs& inputs,
                              const std::vector<Tensor>& outputs) const {
  if (!out_.axis.is_fixed() || outputs.empty()) return {};
  bool had = false, has = false;
  const auto differs = [](const Facts& low, const Facts& high) {
    return low.shape && high.shape && *low.shape != *high.shape;
  };
  for (std::size_t i = 0; i < inputs[0].size(); ++i)
    had = had || (inputs[0][i] && differs(*inputs[0][i], *inputs[1][i]));
  for (const Tensor& output : outputs)
    has = has || !output.at[0].shape || differs(output.at[0], output.at[1]);
  if (!had || has) return {};
  return bad_input("an operation that keeps the batch, which is fixed at 1 in this file",
                   "one whose output has none", place_of(file_, node),
                   "Export the model with a dynamic batch axis");
}

// Where a batch of 1 is baked into the node, `inputs` then point to what stands in for it.
Status Walk::free_node(int index, const std::string& where, NodeInputs& inputs,
                       StandIns& stand_ins) {
  while (true) {
    const NodeView view(graph_.node(index), opset_, inputs[0], where);
    BT_TRY(freed, free_batch(view, inputs));
    if (!freed) return {};
    freed->baked.node = index;
    out_.baked.push_back(freed->baked);
    for (std::size_t world = 0; world < kWorlds; ++world) {
      stand_ins.push_back(std::make_unique<Facts>(freed->facts[world]));
      if (inputs[world].size() <= freed->input) inputs[world].resize(freed->input + 1, nullptr);
      inputs[world][freed->input] = stand_ins.back().get();
    }
    if (view.op() != "Concat") return {};  // which may have several
  }
}

Status Walk::apply_rule(int index, const std::vector<const Tensor*>& operands, ReadNode& read,
                        std::vector<Tensor>& outputs) {
  const ::onnx::NodeProto& node = *read.proto;
  const std::string where = place_of(file_, node);
  NodeInputs inputs;
  for (std::size_t world = 0; world < kWorlds; ++world)
    for (const Tensor* tensor : operands)
      inputs[world].push_back(tensor ? &tensor->at[world] : nullptr);
  StandIns stand_ins;
  if (out_.axis.is_fixed() && !read.is_constant)
    BT_TRY_VOID(free_node(index, where, inputs, stand_ins));
  double flops[kWorlds] = {};
  outputs.assign(static_cast<std::size_t>(node.output_size()), Tensor{});
  read.is_read = true;
  for (std::size_t world = 0; world < kWorlds; ++world) {
    const NodeView view(node, opset_, inputs[world], where);
    BT_TRY(found, read.operation->shape(view));
    BT_TRY_VOID(check_shapes(node, found));
    read.is_read = read.is_read && !found.empty() && found[0].shape;
    if (read.is_read) flops[world] = read.operation->work(view, found);
    for (std::size_t i = 0; i < std::min(found.size(), outputs.size()); ++i)
      outputs[i].at[world] = std::move(found[i]);
  }
  if (read.is_read)
    read.flops = (flops[1] - flops[0]) / static_cast<double>(kBatches[1] - kBatches[0]);
  const bool of_values = node.op_type() != "Shape" && node.op_type() != "Size";
  return of_values && !read.is_constant ? check_batch_kept(node, inputs, outputs) : Status{};
}

std::vector<Tensor> Walk::declared_outputs(const ::onnx::NodeProto& node, bool is_batched) const {
  std::vector<Tensor> outputs;
  for (const std::string& name : node.output()) {
    Tensor tensor;
    const auto found = declared_.find(name);
    for (std::size_t world = 0; found != declared_.end() && world < kWorlds; ++world) {
      Facts facts = declared_facts(*found->second, out_.axis, kBatches[world], is_batched);
      if (check_shapes(node, Outputs{facts})) tensor.at[world] = std::move(facts);
    }
    outputs.push_back(std::move(tensor));
  }
  return outputs;
}

// Weights that were only moved are still the same weights: a table that is transposed for the last
// product counts once.
std::string Walk::root_of(const std::vector<const Tensor*>& operands, const Tensor& output,
                          const std::string& name) const {
  for (const Tensor* tensor : operands)
    if (tensor && tensor->constant && tensor->at[0].shape && output.at[0].shape &&
        elements(*tensor->at[0].shape) > 1 &&
        elements(*tensor->at[0].shape) == elements(*output.at[0].shape))
      return tensor->root;
  return name;
}

Status Walk::add_node(int index) {
  const ::onnx::NodeProto& node = graph_.node(index);
  BT_TRY(operands, operands_of(node));
  ReadNode read{&node, find_operation(node), true, false, 0};
  bool is_batched = false;
  for (const Tensor* tensor : operands) {
    read.is_constant = read.is_constant && (!tensor || tensor->constant);
    if (!tensor) continue;
    const auto sample = per_sample(*tensor);
    is_batched = is_batched || !sample || sample->axis >= 0;
  }
  const bool of_shapes = node.op_type() == "Shape" || node.op_type() == "Size";
  std::vector<Tensor> outputs;
  if (read.operation && is_known(operands)) BT_TRY_VOID(apply_rule(index, operands, read, outputs));
  if (!read.is_read) outputs = declared_outputs(node, is_batched);
  read.is_constant = read.is_constant || (of_shapes && read.is_read);
  for (int i = 0; i < node.output_size(); ++i) {
    const std::string& name = node.output(i);
    later_.erase(name);
    if (name.empty()) continue;
    Tensor& output = outputs[static_cast<std::size_t>(i)];
    output.constant = read.is_constant;
    if (output.constant) output.root = root_of(operands, output, name);
    BT_TRY_VOID(add_tensor(name, std::move(output)));
  }
  out_.nodes.push_back(read);
  return {};
}

Result<InferredGraph> Walk::run() {
  if (graph_.node_size() > kMaxNodes)
    return bad_input("at most " + std::to_string(kMaxNodes) + " nodes",
                     std::to_string(graph_.node_size()), file_);
  for (const auto& info : graph_.value_info()) declared_.emplace(info.name(), &info);
  for (const auto& info : graph_.output()) declared_.emplace(info.name(), &info);
  for (int i = 0; i < graph_.node_size(); ++i)
    for (const std::string& name : graph_.node(i).output()) later_.emplace(name, i);
  BT_TRY_VOID(add_inputs());
  BT_TRY_VOID(add_initializers());
  for (int i = 0; i < graph_.node_size(); ++i) BT_TRY_VOID(add_node(i));
  for (const auto& output : graph_.output())
    if (out_.tensors.count(output.name()) == 0)
      return bad_input("an output that a node writes", "\"" + output.name() + "\"", file_);
  return std::move(out_);
}

}  // namespace

Result<InferredGraph> infer(const ::onnx::ModelProto& model, BatchAxis axis,
                            const std::string& file) {
  return Walk(model, std::move(axis), file).run();
}

}  // namespace batchtune::onnx_file
