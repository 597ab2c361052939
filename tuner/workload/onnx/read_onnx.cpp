// Operations of a Model from the nodes of a graph.
#include <algorithm>
#include <charconv>
#include <map>
#include <unordered_set>

#include "tuner/workload/model_path.h"
#include "tuner/workload/onnx/import.h"

namespace batchtune {
namespace onnx_file {
namespace {

constexpr std::size_t kMaxName =
    120;  // of the 200 that infer_shapes lets pass; names of torch are paths

class Importer {
 public:
  Importer(const OnnxFile& file, const InferredGraph& graph) : file_(file), graph_(graph) {}

  Result<Import> run(const OnnxOptions& options);

 private:
  // A name for the operation that writes `tensor`: the tensor's own, if that can be printed and is
  // not too long.
  std::string new_name(const std::string& tensor);
  void add_input(const ::onnx::ValueInfoProto& input, std::int64_t vocabulary);
  void add_node(const ReadNode& node, double weights, bool fused);
  Op operation_of(const ReadNode& node, const std::string& output);
  void describe_product(const ReadNode& node, Op& op) const;
  // Whether the output is the first input's elements under another shape, which memory need not be
  // planned for.
  bool is_reshape(const ReadNode& node, const Op& op) const;
  Status add_outputs();
  OnnxTensor runtime_tensor(const std::string& name) const;

  const OnnxFile& file_;
  const InferredGraph& graph_;
  std::unordered_set<std::string> used_;
  std::unordered_map<std::string, std::string>
      op_of_;                                        // tensor -> operation, for those that have one
  std::unordered_map<std::string, Shape> shape_of_;  // operation -> per sample
  std::unordered_set<std::string> ids_;              // operations that are inputs of token ids
  Import out_;
};

std::string Importer::new_name(const std::string& tensor) {
  std::string name =
      tensor.size() > kMaxName ? "..." + tensor.substr(tensor.size() - kMaxName) : tensor;
  for (char& c : name)
    if (static_cast<unsigned char>(c) < 0x20) c = '?';
  if (name.empty()) name = "unnamed";
  const std::string base = name;
  for (int i = 2; !used_.insert(name).second; ++i) name = base + "#" + std::to_string(i);
  return name;
}

// Of one sample; {1} where it is not known. Model files have no scalars.
Shape sample_shape(const Tensor& tensor) {
  const auto sample = per_sample(tensor);
  if (!sample || sample->shape.empty()) return {1};
  return sample->shape;
}

void Importer::add_input(const ::onnx::ValueInfoProto& input, std::int64_t vocabulary) {
  Op op;
  op.name = new_name(input.name());
  op.kind = OpKind::input;
  op.output = sample_shape(graph_.tensors.at(input.name()));
  if (vocabulary > 0) {
    op.input_kind = InputKind::token_ids;
    op.vocabulary = vocabulary;
    ids_.insert(op.name);
  }
  op_of_[input.name()] = op.name;
  shape_of_[op.name] = op.output;
  out_.model.ops.push_back(std::move(op));
}

Op Importer::operation_of(const ReadNode& node, const std::string& output) {
  Op op;
  op.kind = OpKind::foreign;
  op.name = new_name(output);
  op.operation = full_name(*node.proto);
  op.output = sample_shape(graph_.tensors.at(output));
  return op;
}

// Columns, groups and bias, so that the counts can tell filters from biases, and depthwise work
// from other.
void Importer::describe_product(const ReadNode& node, Op& op) const {
  const auto& proto = *node.proto;
  const std::string& name = proto.op_type();
  const bool filters = name == "Conv" || name == "ConvTranspose";
  if (!node.is_read) return;
  if (!filters && name != "Gemm") return;
  op.epilogue.bias = proto.input_size() > 2 && !proto.input(2).empty() &&
                     graph_.tensors.at(proto.input(2)).constant;
  if (!op.epilogue.bias && !filters) return;
  op.columns = filters ? op.output.front() : op.output.back();
  for (const auto& attribute : proto.attribute())
    if (filters && attribute.name() == "group") op.groups = attribute.i();
}

bool Importer::is_reshape(const ReadNode& node, const Op& op) const {
  if (!node.is_read || node.operation->role != Role::view || op.inputs.empty()) return false;
  const std::string& source = op.inputs.front();
  return op_of_.at(node.proto->input(0)) == source && ids_.count(source) == 0 &&
         elements(shape_of_.at(source)) == elements(op.output);
}

void Importer::add_node(const ReadNode& node, double weights, bool fused) {
  if (node.is_constant) return;
  const auto& proto = *node.proto;
  std::string first;  // the operation with the work; further outputs are read off it
  for (const std::string& output : proto.output()) {
    if (output.empty()) continue;
    Op op = operation_of(node, output);
    if (first.empty() || op.operation == "Split") {
      for (const std::string& input : proto.input())
        if (const auto found = op_of_.find(input); found != op_of_.end())
          op.inputs.push_back(found->second);
    } else {
      op.inputs = {first};
    }
    if (first.empty()) {
      first = op.name;
      op.flops = node.flops;
      op.weight_elements = weights;
      op.fused = fused;
      describe_product(node, op);
    }
    if (is_reshape(node, op)) {
      op.kind = OpKind::reshape;
      op.inputs.resize(1);
      op.operation.clear();
    }
    op_of_[output] = op.name;
    shape_of_[op.name] = op.output;
    out_.model.ops.push_back(std::move(op));
  }
}

OnnxTensor Importer::runtime_tensor(const std::string& name) const {
  const auto sample = per_sample(graph_.tensors.at(name));
  return {name, op_of_.at(name), sample ? sample->axis : 0, {}};
}

Status Importer::add_outputs() {
  for (const auto& output : file_.model.graph().output()) {
    if (op_of_.count(output.name()) == 0) continue;
    out_.outputs.push_back(runtime_tensor(output.name()));
    if (out_.model.output.empty()) out_.model.output = op_of_.at(output.name());
  }
  if (!out_.model.output.empty()) return {};
  return bad_input("an output that depends on an input", "none", file_name_of(file_.path));
}

Result<Import> Importer::run(const OnnxOptions& options) {
  Model& model = out_.model;
  model.name = name_of_model({file_.path, options.dims, ""});
  model.dims = options.dims;
  model.description = describe_graph(file_, graph_);
  model.file = ModelFile{"onnx", file_.path, file_.digest, options.batch_dim};
  const auto rows = vocabularies(graph_);
  for (const auto* input : graph_.inputs) {
    const auto found = rows.find(input->name());
    add_input(*input, found == rows.end() ? 0 : found->second);
    out_.inputs.push_back(runtime_tensor(input->name()));
  }
  const std::vector<double> weights = weight_elements(graph_);
  const std::vector<bool> fused = fused_nodes(graph_, file_.model.graph());
  for (std::size_t i = 0; i < graph_.nodes.size(); ++i)
    add_node(graph_.nodes[i], weights[i], fused[i]);
  BT_TRY_VOID(add_outputs());
  BT_TRY_VOID(infer_shapes(model, file_name_of(file_.path) + ", "));
  return std::move(out_);
}

// "f32 [N, 3, 224, 224]"
std::string described(const Tensor& tensor) {
  const auto sample = per_sample(tensor);
  std::string text = type_name(tensor.at[0].type) + " [";
  if (!sample) return text + "?]";
  const Shape& shape = *tensor.at[0].shape;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    const bool batch = static_cast<int>(i) == sample->axis;
    const std::string size = std::to_string(batch ? sample->inner : shape[i]);
    text += (i ? ", " : "") + (!batch ? size : sample->inner == 1 ? "N" : "N*" + size);
  }
  return text + "]";
}

template <typename Infos>
std::string described_all(const InferredGraph& graph, const Infos& infos) {
  std::string text;
  for (const auto* info : infos)
    text +=
        (text.empty() ? "" : "; ") + info->name() + " " + described(graph.tensors.at(info->name()));
  return text;
}

// "3 x Foo, 1 x com.x.Bar": operations that are not known, and known ones whose inputs' shapes are
// not.
std::string not_read(const InferredGraph& graph) {
  std::map<std::string, int> unknown;
  int behind = 0;
  for (const ReadNode& node : graph.nodes) {
    if (node.is_read || node.is_constant) continue;
    if (node.operation)
      ++behind;
    else
      ++unknown[full_name(*node.proto)];
  }
  std::string text;
  for (const auto& [name, count] : unknown)
    text += (text.empty() ? "" : ", ") + std::to_string(count) + " x " + name;
  if (behind > 0) text += (text.empty() ? "" : ", ") + std::to_string(behind) + " of unknown shape";
  return text;
}

}  // namespace

std::string describe_graph(const OnnxFile& file, const InferredGraph& graph) {
  const auto& proto = file.model;
  std::string text = "ONNX";
  for (const auto& import : proto.opset_import())
    if (import.domain().empty() || import.domain() == "ai.onnx")
      text += " opset " + std::to_string(import.version());
  if (!proto.producer_name().empty()) text += " by " + proto.producer_name();
  text += graph.axis.is_fixed() ? ", batch fixed at 1 and freed (N)"
                                : ", batch \"" + graph.axis.names.front() + "\" (N)";
  std::vector<const ::onnx::ValueInfoProto*> outputs;
  for (const auto& output : proto.graph().output()) outputs.push_back(&output);
  text += "; in: " + described_all(graph, graph.inputs) + "; out: " + described_all(graph, outputs);
  const std::string missing = not_read(graph);
  if (!missing.empty()) text += "; not read: " + missing;
  return text;
}

Result<Import> import_graph(const OnnxFile& file, const InferredGraph& graph,
                            const OnnxOptions& options) {
  return Importer(file, graph).run(options);
}

}  // namespace onnx_file

Result<Model> read_onnx(const std::string& path, const OnnxOptions& options) {
  using namespace onnx_file;
  BT_TRY(file, open_onnx(path, Weights::cut));
  const std::string name = file_name_of(path);
  BT_TRY(axis, find_batch(file.model.graph(), options, name));
  BT_TRY(graph, infer(file.model, std::move(axis), name));
  BT_TRY(import, import_graph(file, graph, options));
  return std::move(import.model);
}

}  // namespace batchtune
