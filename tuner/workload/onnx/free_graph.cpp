#include "tuner/workload/onnx/free_graph.h"

#include <map>
#include <optional>
#include <set>

namespace batchtune::onnx_file {
namespace {

constexpr std::int64_t kExpandSince = 8;             // opset
constexpr std::int64_t kInitializersAloneSince = 4;  // IR version; before, they are inputs as well

class Freeing {
 public:
  Freeing(::onnx::ModelProto& model, const InferredGraph& graph, const std::string& file)
      : model_(model), proto_(*model.mutable_graph()), graph_(graph), file_(file) {
    for (const auto& [name, tensor] : graph.tensors) used_.insert(name);
  }

  Status run();

 private:
  std::string fresh(const std::string& base);
  void free_value(::onnx::ValueInfoProto& info);
  void add_list(const std::string& name, const Shape& values);
  ::onnx::NodeProto& add_node(int before, const std::string& op, const std::string& output);
  std::string batch_list();
  void free_target(const BakedBatch& baked);
  void free_with_nodes(const BakedBatch& baked);
  void insert_nodes();

  ::onnx::ModelProto& model_;
  ::onnx::GraphProto& proto_;
  const InferredGraph& graph_;
  std::string file_;
  std::set<std::string> used_;
  std::string symbol_, batch_list_;
  std::map<int, std::vector<::onnx::NodeProto>> added_;  // before the node of that index
};

std::string Freeing::fresh(const std::string& base) {
  std::string name = base;
  for (int i = 2; !used_.insert(name).second; ++i) name = base + "_" + std::to_string(i);
  return name;
}

// Declared sizes of one sample, the batch symbolic; none where the batch is a part of a dimension.
void Freeing::free_value(::onnx::ValueInfoProto& info) {
  const auto found = graph_.tensors.find(info.name());
  if (found == graph_.tensors.end() || !info.type().has_tensor_type()) return;
  const auto sample = per_sample(found->second);
  auto& tensor = *info.mutable_type()->mutable_tensor_type();
  if (!sample) {
    tensor.clear_shape();
    return;
  }
  if (sample->axis < 0) return;
  const Shape& sizes = *found->second.at[0].shape;
  tensor.clear_shape();
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    auto& dimension = *tensor.mutable_shape()->add_dim();
    if (static_cast<int>(i) != sample->axis)
      dimension.set_dim_value(sizes[i]);
    else if (sample->inner == 1)
      dimension.set_dim_param(symbol_);
  }
}

void Freeing::add_list(const std::string& name, const Shape& values) {
  auto& tensor = *proto_.add_initializer();
  tensor.set_name(name);
  tensor.set_data_type(::onnx::TensorProto::INT64);
  tensor.add_dims(static_cast<std::int64_t>(values.size()));
  for (const std::int64_t value : values) tensor.add_int64_data(value);
  if (model_.ir_version() >= kInitializersAloneSince) return;
  auto& input = *proto_.add_input();
  input.set_name(name);
  auto& type = *input.mutable_type()->mutable_tensor_type();
  type.set_elem_type(::onnx::TensorProto::INT64);
  type.mutable_shape()->add_dim()->set_dim_value(static_cast<std::int64_t>(values.size()));
}

::onnx::NodeProto& Freeing::add_node(int before, const std::string& op, const std::string& output) {
  auto& node = added_[before].emplace_back();
  node.set_op_type(op);
  node.set_name(output);
  node.add_output(output);
  return node;
}

// A tensor [batch], made once at the beginning of the graph from the first input that has one.
std::string Freeing::batch_list() {
  if (!batch_list_.empty()) return batch_list_;
  for (const auto* input : graph_.inputs) {
    const auto sample = per_sample(graph_.tensors.at(input->name()));
    if (!sample || sample->axis != 0) continue;
    const std::string shape = fresh("free_batch_shape"), zero = fresh("free_batch_first");
    add_node(0, "Shape", shape).add_input(input->name());
    add_list(zero, {0});
    batch_list_ = fresh("free_batch");
    auto& gather = add_node(0, "Gather", batch_list_);
    gather.add_input(shape);
    gather.add_input(zero);
    break;
  }
  return batch_list_;
}

// The sizes of one sample with -1 for the batch.
void Freeing::free_target(const BakedBatch& baked) {
  auto& node = *proto_.mutable_node(baked.node);
  Shape target = baked.sizes;
  target[baked.axis] = -1;
  if (node.input_size() < 2) {
    for (auto& attribute : *node.mutable_attribute()) {
      if (attribute.name() != "shape") continue;
      attribute.clear_ints();
      for (const std::int64_t size : target) attribute.add_ints(size);
    }
    return;
  }
  const std::string name = fresh(node.output(0) + "_free_target");
  add_list(name, target);
  node.set_input(1, name);
}

// What -1 cannot say is computed: [batch] before the sizes, or an Expand to [batch, 1, ...].
void Freeing::free_with_nodes(const BakedBatch& baked) {
  auto& node = *proto_.mutable_node(baked.node);
  const bool sizes = baked.kind == BakedBatch::Kind::sizes;
  const Shape rest =
      sizes ? Shape(baked.sizes.begin() + 1, baked.sizes.end()) : Shape(baked.sizes.size() - 1, 1);
  std::string list = batch_list();
  if (!rest.empty()) {
    const std::string constant = fresh(node.output(0) + "_free_rest");
    add_list(constant, rest);
    const std::string joined = fresh(node.output(0) + "_free_sizes");
    auto& concat = add_node(baked.node, "Concat", joined);
    concat.add_input(list);
    concat.add_input(constant);
    auto& axis = *concat.add_attribute();
    axis.set_name("axis");
    axis.set_type(::onnx::AttributeProto::INT);
    axis.set_i(0);
    list = joined;
  }
  if (!sizes) {
    const std::string expanded = fresh(node.output(0) + "_free_operand");
    auto& expand = add_node(baked.node, "Expand", expanded);
    expand.add_input(node.input(baked.input));
    expand.add_input(list);
    list = expanded;
  }
  node.set_input(baked.input, list);
}

void Freeing::insert_nodes() {
  if (added_.empty()) return;
  ::google::protobuf::RepeatedPtrField<::onnx::NodeProto> old;
  old.Swap(proto_.mutable_node());
  for (int i = 0; i < old.size(); ++i) {
    if (const auto found = added_.find(i); found != added_.end())
      for (auto& node : found->second) proto_.add_node()->Swap(&node);
    proto_.add_node()->Swap(old.Mutable(i));
  }
}

Status Freeing::run() {
  std::int64_t opset = 1;
  for (const auto& import : model_.opset_import())
    if (import.domain().empty() || import.domain() == "ai.onnx") opset = import.version();
  symbol_ = graph_.axis.dims.count("batch") ? "batch_of_samples" : "batch";
  for (const BakedBatch& baked : graph_.baked) {
    if (baked.kind == BakedBatch::Kind::reshape) {
      free_target(baked);
      continue;
    }
    if (opset < kExpandSince || batch_list().empty())
      return bad_input(
          "opset " + std::to_string(kExpandSince) + ", to free the batch that is fixed at 1",
          "opset " + std::to_string(opset), place_of(file_, proto_.node(baked.node)),
          "Export the model with a dynamic batch axis");
    free_with_nodes(baked);
  }
  for (auto& input : *proto_.mutable_input()) free_value(input);
  for (auto& output : *proto_.mutable_output()) free_value(output);
  proto_.clear_value_info();
  insert_nodes();
  return {};
}

}  // namespace

Status free_graph(::onnx::ModelProto& model, const InferredGraph& graph, const std::string& file) {
  return Freeing(model, graph, file).run();
}

}  // namespace batchtune::onnx_file
