#include "tuner/workload/onnx/graph.h"

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <unordered_map>

#include "tuner/workload/onnx/external.h"
#include "tuner/workload/onnx/free_graph.h"
#include "tuner/workload/onnx/import.h"

namespace batchtune {
namespace {

using namespace onnx_file;
using Proto = ::onnx::TensorProto;

using Bytes = std::shared_ptr<const std::string>;

template <typename To, typename From>
std::string converted(const From& values) {
  std::string bytes(static_cast<std::size_t>(values.size()) * sizeof(To), '\0');
  std::size_t at = 0;
  for (const auto value : values) {
    const auto element = static_cast<To>(value);
    std::memcpy(bytes.data() + at, &element, sizeof(To));
    at += sizeof(To);
  }
  return bytes;
}

// Of a tensor whose values are in the typed fields: onnx.proto says which type is in which.
std::string typed_bytes(const Proto& tensor) {
  switch (static_cast<ElementType>(tensor.data_type())) {
    case ElementType::f32:
    case ElementType::c64:
      return converted<float>(tensor.float_data());
    case ElementType::f64:
    case ElementType::c128:
      return converted<double>(tensor.double_data());
    case ElementType::i64:
      return converted<std::int64_t>(tensor.int64_data());
    case ElementType::u64:
      return converted<std::uint64_t>(tensor.uint64_data());
    case ElementType::u32:
      return converted<std::uint32_t>(tensor.uint64_data());
    case ElementType::i32:
      return converted<std::int32_t>(tensor.int32_data());
    case ElementType::i16:
    case ElementType::u16:
    case ElementType::f16:
    case ElementType::bf16:
      return converted<std::uint16_t>(tensor.int32_data());
    case ElementType::i8:
    case ElementType::u8:
    case ElementType::boolean:
      return converted<std::uint8_t>(tensor.int32_data());
    default:
      return {};
  }
}

// The bytes are taken out of the message. Without `folder` external data are none.
RawTensor raw_tensor(Proto& tensor, const std::string* folder) {
  RawTensor out{static_cast<ElementType>(tensor.data_type()),
                Shape(tensor.dims().begin(), tensor.dims().end()), nullptr};
  const int size = bytes_of(out.type);
  if (size == 0 || std::any_of(out.shape.begin(), out.shape.end(), [](auto n) { return n < 0; }))
    return out;
  std::string bytes;
  if (tensor.data_location() == Proto::EXTERNAL) {
    auto found = folder ? external_bytes(tensor, *folder) : std::nullopt;
    if (!found) return out;
    bytes = std::move(*found);
  } else {
    bytes = tensor.raw_data().empty() ? typed_bytes(tensor) : std::move(*tensor.mutable_raw_data());
  }
  if (static_cast<std::int64_t>(bytes.size()) == elements(out.shape) * size)
    out.bytes = std::make_shared<const std::string>(std::move(bytes));
  return out;
}

std::optional<BatchedShape> batched_shape(const Tensor& tensor) {
  const auto& low = tensor.at[0].shape;
  const auto& high = tensor.at[1].shape;
  if (!low || !high || low->size() != high->size()) return std::nullopt;
  BatchedShape shape{*low, -1};
  for (std::size_t i = 0; i < low->size(); ++i) {
    const std::int64_t a = (*low)[i], b = (*high)[i];
    if (a == b) continue;
    if (shape.batch_axis >= 0 || a % kBatches[0] != 0 || a / kBatches[0] * kBatches[1] != b)
      return std::nullopt;
    shape.batch_axis = static_cast<int>(i);
    shape.sizes[i] = a / kBatches[0];
  }
  return shape;
}

std::optional<BatchedNumbers> batched_numbers(const Tensor& tensor) {
  const auto& low = tensor.at[0].numbers;
  const auto& high = tensor.at[1].numbers;
  if (!low || !high || low->size() != high->size()) return std::nullopt;
  BatchedNumbers numbers;
  for (std::size_t i = 0; i < low->size(); ++i) {
    const double slope =
        (*low)[i] == (*high)[i]
            ? 0
            : ((*high)[i] - (*low)[i]) / static_cast<double>(kBatches[1] - kBatches[0]);
    numbers.fixed.push_back((*low)[i] - slope * static_cast<double>(kBatches[0]));
    numbers.per_sample.push_back(slope);
  }
  return numbers;
}

GraphAttribute attribute_of(::onnx::AttributeProto& proto) {
  using Kind = ::onnx::AttributeProto;
  switch (proto.type()) {
    case Kind::FLOAT:
      return static_cast<double>(proto.f());
    case Kind::STRING:
      return proto.s();
    case Kind::TENSOR:
      return raw_tensor(*proto.mutable_t(), nullptr);
    case Kind::FLOATS:
      return std::vector<double>(proto.floats().begin(), proto.floats().end());
    case Kind::INTS:
      return std::vector<std::int64_t>(proto.ints().begin(), proto.ints().end());
    case Kind::STRINGS:
      return std::vector<std::string>(proto.strings().begin(), proto.strings().end());
    default:
      return proto.i();
  }
}

bool is_subgraph(const ::onnx::AttributeProto& proto) {
  return proto.type() == ::onnx::AttributeProto::GRAPH ||
         proto.type() == ::onnx::AttributeProto::GRAPHS;
}

// Takes the weights out of the messages as it goes.
class Reader {
 public:
  Reader(OnnxFile& file, const InferredGraph& graph)
      : file_(file), proto_(*file.model.mutable_graph()), graph_(graph) {
    out_.file = file_name_of(file.path);
    for (const auto& import : file.model.opset_import())
      opset_[own(import.domain())] = import.version();
  }

  FileGraph run() {
    for (const auto* input : graph_.inputs) out_.inputs.push_back(index_of(input->name()));
    const std::string folder = std::filesystem::path(file_.path).parent_path().string();
    for (auto& initializer : *proto_.mutable_initializer()) {
      const int index = index_of(initializer.name());
      out_.tensors[static_cast<std::size_t>(index)].value = raw_tensor(initializer, &folder);
    }
    for (auto& node : *proto_.mutable_node()) add_node(node);
    for (const auto& output : proto_.output()) {
      out_.outputs.push_back(index_of(output.name()));
      out_.output_names.push_back(output.name());
    }
    return std::move(out_);
  }

 private:
  static std::string own(const std::string& domain) { return domain == "ai.onnx" ? "" : domain; }

  int index_of(const std::string& name) {
    if (name.empty()) return kLeftOut;
    const auto [place, is_new] = index_.emplace(name, static_cast<int>(out_.tensors.size()));
    if (!is_new) return place->second;
    GraphTensor tensor;
    tensor.name = name;
    if (const auto found = graph_.tensors.find(name); found != graph_.tensors.end()) {
      tensor.type = static_cast<ElementType>(found->second.at[0].type);
      tensor.shape = batched_shape(found->second);
      tensor.numbers = batched_numbers(found->second);
      tensor.is_constant = found->second.constant;
    }
    out_.tensors.push_back(std::move(tensor));
    return place->second;
  }

  void add_node(::onnx::NodeProto& proto) {
    GraphNode node;
    node.op_type = proto.op_type();
    node.domain = own(proto.domain());
    node.name = proto.name().empty() && proto.output_size() > 0 ? proto.output(0) : proto.name();
    if (const auto found = opset_.find(node.domain); found != opset_.end())
      node.opset = found->second;
    for (auto& attribute : *proto.mutable_attribute()) {
      if (is_subgraph(attribute))
        node.has_subgraph = true;
      else
        node.attributes.emplace(attribute.name(), attribute_of(attribute));
    }
    for (const std::string& name : proto.input()) node.inputs.push_back(index_of(name));
    for (const std::string& name : proto.output()) node.outputs.push_back(index_of(name));
    out_.nodes.push_back(std::move(node));
  }

  OnnxFile& file_;
  ::onnx::GraphProto& proto_;
  const InferredGraph& graph_;
  std::unordered_map<std::string, std::int64_t> opset_;
  std::unordered_map<std::string, int> index_;
  FileGraph out_;
};

}  // namespace

Result<FileGraph> read_onnx_graph(const Model& model) {
  BT_TRY(file, same_file(model, Weights::whole));
  const std::string name = file_name_of(file.path);
  const OnnxOptions options{model.dims, model.file->batch_dim};
  BT_TRY(axis, find_batch(file.model.graph(), options, name));
  BT_TRY(graph, infer(file.model, std::move(axis), name));
  BT_TRY(import, import_graph(file, graph, options));
  if (graph.axis.is_fixed()) {
    BT_TRY_VOID(free_graph(file.model, graph, name));
    BT_TRY(freed, infer_freed(file.model, graph, name));
    graph = std::move(freed);
  }
  FileGraph out = Reader(file, graph).run();
  for (const OnnxTensor& input : import.inputs) out.input_ops.push_back(input.op);
  return out;
}

Result<FileGraph> read_onnx_graph_as_declared(const std::string& path) {
  BT_TRY(file, open_onnx(path, Weights::whole));
  const BatchAxis nowhere{{"\n"}, {}};  // no dimension is called that
  BT_TRY(graph, infer(file.model, nowhere, file_name_of(path)));
  FileGraph out = Reader(file, graph).run();
  for (const int input : out.inputs)
    out.input_ops.push_back(out.tensors[static_cast<std::size_t>(input)].name);
  return out;
}

}  // namespace batchtune
