#include "tuner/backend/imported/graph_edit.h"

#include <algorithm>
#include <cstring>
#include <iterator>

#include "kernels/tensor/cast.h"

namespace batchtune::imported {
namespace {

template <typename T>
void append(const std::string& bytes, auto& values) {
  using Value = typename std::decay_t<decltype(values)>::value_type;
  for (std::size_t at = 0; at + sizeof(T) <= bytes.size(); at += sizeof(T)) {
    T value;
    std::memcpy(&value, bytes.data() + at, sizeof(T));
    values.push_back(static_cast<Value>(value));
  }
}

// From f16 and bf16.
void append_halves(const RawTensor& tensor, std::vector<float>& values) {
  namespace kt = kernels::tensor;
  values.resize(static_cast<std::size_t>(elements(tensor.shape)));
  const bool bfloat = tensor.type == ElementType::bf16;
  const kt::Shape count{elements(tensor.shape)};
  kernels::Team alone;
  static_cast<void>(kt::cast(
      alone, {bfloat ? kt::ElementType::bf16 : kt::ElementType::f16, count, tensor.bytes->data()},
      {kt::ElementType::f32, count, values.data()}));
}

const std::string* bytes_of_value(const GraphTensor& tensor) {
  return tensor.value && tensor.value->bytes ? tensor.value->bytes.get() : nullptr;
}

template <typename T>
RawTensor raw(ElementType type, Shape shape, const std::vector<T>& values) {
  return {type, std::move(shape),
          std::make_shared<const std::string>(reinterpret_cast<const char*>(values.data()),
                                              values.size() * sizeof(T))};
}

}  // namespace

std::int64_t integer(const GraphNode& node, const std::string& name, std::int64_t otherwise) {
  return attribute<std::int64_t>(node, name, otherwise);
}
double number(const GraphNode& node, const std::string& name, double otherwise) {
  return attribute<double>(node, name, otherwise);
}
std::string text(const GraphNode& node, const std::string& name, const std::string& otherwise) {
  return attribute<std::string>(node, name, otherwise);
}
std::vector<std::int64_t> integers(const GraphNode& node, const std::string& name) {
  return attribute<std::vector<std::int64_t>>(node, name, {});
}

bool is(const GraphNode& node, std::string_view op_type) {
  return node.domain.empty() && node.op_type == op_type;
}
bool is_native(const GraphNode& node, std::string_view op_type) {
  return node.domain == kNative && node.op_type == op_type;
}
int input_of(const GraphNode& node, std::size_t input) {
  return input < node.inputs.size() ? node.inputs[input] : kLeftOut;
}
bool has_input(const GraphNode& node, std::size_t input) {
  return input_of(node, input) != kLeftOut;
}

std::optional<std::vector<float>> floats(const GraphTensor& tensor) {
  const std::string* bytes = bytes_of_value(tensor);
  if (!bytes) return std::nullopt;
  std::vector<float> values;
  values.reserve(static_cast<std::size_t>(elements(tensor.value->shape)));
  switch (tensor.value->type) {
    case ElementType::f32:
      append<float>(*bytes, values);
      return values;
    case ElementType::f64:
      append<double>(*bytes, values);
      return values;
    case ElementType::f16:
    case ElementType::bf16:
      append_halves(*tensor.value, values);
      return values;
    default:
      return std::nullopt;
  }
}

std::optional<std::vector<std::int64_t>> whole_numbers(const GraphTensor& tensor) {
  const std::string* bytes = bytes_of_value(tensor);
  if (!bytes) return std::nullopt;
  std::vector<std::int64_t> values;
  switch (tensor.value->type) {
    case ElementType::i64:
    case ElementType::u64:
      append<std::int64_t>(*bytes, values);
      return values;
    case ElementType::i32:
      append<std::int32_t>(*bytes, values);
      return values;
    case ElementType::u32:
      append<std::uint32_t>(*bytes, values);
      return values;
    case ElementType::i16:
      append<std::int16_t>(*bytes, values);
      return values;
    case ElementType::u16:
      append<std::uint16_t>(*bytes, values);
      return values;
    case ElementType::i8:
      append<std::int8_t>(*bytes, values);
      return values;
    case ElementType::u8:
    case ElementType::boolean:
      append<std::uint8_t>(*bytes, values);
      return values;
    default:
      return std::nullopt;
  }
}

std::optional<double> single(const GraphTensor& tensor) {
  if (!tensor.value || elements(tensor.value->shape) != 1) return std::nullopt;
  if (const auto values = floats(tensor); values && values->size() == 1) return values->front();
  if (const auto values = whole_numbers(tensor); values && values->size() == 1)
    return static_cast<double>(values->front());
  return std::nullopt;
}

GraphEditor::GraphEditor(FileGraph& graph) : graph_(graph) {
  find_links();
}

void GraphEditor::find_links() {
  writer_.assign(graph_.tensors.size(), -1);
  readers_.assign(graph_.tensors.size(), {});
  as_output_.assign(graph_.tensors.size(), 0);
  for (int i = 0; i < node_count(); ++i) link(i);
  for (const int output : graph_.outputs) ++as_output_[static_cast<std::size_t>(output)];
}

void GraphEditor::link(int index) {
  for (const int input : node(index).inputs)
    if (input != kLeftOut) readers_[static_cast<std::size_t>(input)].push_back(index);
  for (const int output : node(index).outputs)
    if (output != kLeftOut) writer_[static_cast<std::size_t>(output)] = index;
}

void GraphEditor::unlink(int index) {
  for (const int input : node(index).inputs)
    if (input != kLeftOut) std::erase(readers_[static_cast<std::size_t>(input)], index);
  for (const int output : node(index).outputs)
    if (output != kLeftOut && writer(output) == index)
      writer_[static_cast<std::size_t>(output)] = -1;
}

bool GraphEditor::has_value(int index) const {
  return index != kLeftOut && bytes_of_value(tensor(index)) != nullptr;
}
int GraphEditor::writer(int index) const {
  return writer_[static_cast<std::size_t>(index)];
}
const std::vector<int>& GraphEditor::readers(int index) const {
  return readers_[static_cast<std::size_t>(index)];
}
bool GraphEditor::is_output(int index) const {
  return as_output_[static_cast<std::size_t>(index)] > 0;
}
bool GraphEditor::is_read_once(int index) const {
  return readers(index).size() == 1 && !is_output(index);
}

int GraphEditor::add_tensor(GraphTensor tensor) {
  graph_.tensors.push_back(std::move(tensor));
  writer_.push_back(-1);
  readers_.emplace_back();
  as_output_.push_back(0);
  return static_cast<int>(graph_.tensors.size()) - 1;
}

int GraphEditor::add_floats(const std::string& name, Shape shape,
                            const std::vector<float>& values) {
  const int index = add_tensor({name, ElementType::f32, {}, {}, {}, true});
  set_value(index, raw(ElementType::f32, std::move(shape), values));
  return index;
}

int GraphEditor::add_integers(const std::string& name, const std::vector<std::int64_t>& values) {
  const int index = add_tensor({name, ElementType::i64, {}, {}, {}, true});
  set_value(index, raw(ElementType::i64, {static_cast<std::int64_t>(values.size())}, values));
  return index;
}

void GraphEditor::set_value(int index, RawTensor value) {
  GraphTensor& tensor = graph_.tensors[static_cast<std::size_t>(index)];
  tensor.type = value.type;
  tensor.shape = BatchedShape{value.shape, -1};
  tensor.is_constant = true;
  tensor.numbers.reset();
  tensor.value = std::move(value);
}

void GraphEditor::replace(int index, GraphNode by) {
  unlink(index);
  graph_.nodes[static_cast<std::size_t>(index)] = std::move(by);
  link(index);
}

void GraphEditor::remove(int index) {
  unlink(index);
  graph_.nodes[static_cast<std::size_t>(index)] = {};
}

void GraphEditor::redirect(int from, int to) {
  const std::vector<int> reading = readers(from);
  for (const int reader : reading) {
    GraphNode changed = node(reader);
    std::replace(changed.inputs.begin(), changed.inputs.end(), from, to);
    replace(reader, std::move(changed));
  }
  std::replace(graph_.outputs.begin(), graph_.outputs.end(), from, to);
  as_output_[static_cast<std::size_t>(to)] += as_output_[static_cast<std::size_t>(from)];
  as_output_[static_cast<std::size_t>(from)] = 0;
}

void GraphEditor::insert_before(int index, std::vector<GraphNode> nodes) {
  std::vector<GraphNode>& before = inserted_[index];
  std::move(nodes.begin(), nodes.end(), std::back_inserter(before));
}

void GraphEditor::put_inserted() {
  if (inserted_.empty()) return;
  std::vector<GraphNode> nodes;
  for (int i = 0; i < node_count(); ++i) {
    if (const auto before = inserted_.find(i); before != inserted_.end())
      std::move(before->second.begin(), before->second.end(), std::back_inserter(nodes));
    nodes.push_back(std::move(graph_.nodes[static_cast<std::size_t>(i)]));
  }
  graph_.nodes = std::move(nodes);
  inserted_.clear();
  find_links();
}

void GraphEditor::finish() {
  put_inserted();
  for (int i = node_count() - 1; i >= 0; --i) {
    const auto& outputs = node(i).outputs;
    const bool is_read = std::any_of(outputs.begin(), outputs.end(), [this](int output) {
      return output != kLeftOut && (is_output(output) || !readers(output).empty());
    });
    if (!is_read) remove(i);
  }
  std::erase_if(graph_.nodes, [](const GraphNode& node) { return node.op_type.empty(); });
  for (std::size_t i = 0; i < graph_.tensors.size(); ++i)
    if (readers_[i].empty() && as_output_[i] == 0) graph_.tensors[i].value.reset();
  find_links();
}

}  // namespace batchtune::imported
