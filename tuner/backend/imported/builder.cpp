#include "tuner/backend/imported/builder.h"

#include <algorithm>

#include "kernels/tensor/cast.h"

namespace batchtune::imported {
namespace {

constexpr std::size_t kMaxName = 120;  // of the 200 that infer_shapes lets pass

// Whether an input is a factor or a scale, which a shorter type would change.
bool is_parameter(const GraphNode& node, std::size_t input) {
  const std::string& op = node.op_type;
  if (op.starts_with("QLinear") || op == "QGemm") return true;  // all that are floats
  return input > 0 && (op == "Resize" || op == "Upsample" || op == "QuantizeLinear" ||
                       op == "DequantizeLinear");
}

RawTensor converted(const RawTensor& value, ElementType type) {
  std::string bytes(static_cast<std::size_t>(elements(value.shape) * bytes_of(type)), '\0');
  const kt::Shape count{elements(value.shape)};
  kernels::Team alone;
  static_cast<void>(kt::cast(alone, {*kernel_type(value.type), count, value.bytes->data()},
                             {*kernel_type(type), count, bytes.data()}));
  return {type, value.shape, std::make_shared<const std::string>(std::move(bytes))};
}

std::int64_t pixels(const Shape& image) {
  return image[0] * image[1];
}

}  // namespace

Builder::Builder(const GraphEditor& graph, ElementType floats, LoweredModel& out)
    : graph_(graph), floats_(floats), out_(out), places_(graph.graph().tensors.size()) {}

bool Builder::is_native(int index) const {
  const GraphTensor& one = tensor(index);
  if (one.type != ElementType::f32 || !one.shape) return false;
  const BatchedShape& shape = *one.shape;
  return shape.batch_axis >= 0 && std::all_of(shape.sizes.begin(), shape.sizes.end(),
                                              [](std::int64_t size) { return size > 0; });
}

bool Builder::is_image(int index) const {
  if (!is_native(index)) return false;
  const BatchedShape& shape = *tensor(index).shape;
  return shape.sizes.size() == 4 && shape.batch_axis == 0 && shape.sizes[0] == 1;
}

Shape Builder::image_shape(int index) const {
  const Shape& sizes = tensor(index).shape->sizes;
  return {sizes[2], sizes[3], sizes[1]};
}

bool Builder::is_placed(int index) const {
  const Place& where = place(index);
  return where.plain >= 0 || where.image >= 0 || where.view_of >= 0;
}

bool Builder::lies_as_image(int index) const {
  const Place& where = place(index);
  return where.image >= 0 && where.plain < 0;
}

// Rows and columns exchanged within each sample.
int Builder::transposed(int from, const std::string& name, std::int64_t rows, std::int64_t columns,
                        const Shape& shape) {
  if (rows == 1 || columns == 1) return shaped(from, shape);
  Op turned;
  turned.name = new_name(name);
  turned.kind = OpKind::transpose;
  turned.inputs = {op(from).name};
  turned.split = {rows, columns};
  turned.permutation = {1, 0};
  turned.output = {columns, rows};
  return shaped(add(std::move(turned)), shape);
}

int Builder::plain(int index) {
  if (place(index).plain >= 0) return place(index).plain;
  int found = -1;
  if (const int source = place(index).view_of; source >= 0) {
    found = plain(source);
  } else if (const int from = place(index).image; from >= 0) {
    const Shape image = image_shape(index);
    found = transposed(from, tensor(index).name + " as NCHW", pixels(image), image[2],
                       per_sample(*tensor(index).shape));
  }
  place(index).plain = found;
  return found;
}

int Builder::image(int index) {
  if (place(index).image >= 0) return place(index).image;
  const Shape shape = image_shape(index);
  const int from = plain(index);
  if (from < 0) return -1;
  place(index).image =
      transposed(from, tensor(index).name + " as NHWC", shape[2], pixels(shape), shape);
  return place(index).image;
}

int Builder::shaped(int from, const Shape& shape) {
  if (op(from).output == shape) return from;
  const auto known = reshapes_.find({from, shape});
  if (known != reshapes_.end()) return known->second;
  Op view;
  view.name = new_name(op(from).name + " viewed");
  view.kind = OpKind::reshape;
  view.inputs = {op(from).name};
  view.output = shape;
  const int index = add(std::move(view));
  reshapes_[{from, shape}] = index;
  return index;
}

std::string Builder::new_name(const std::string& wanted) {
  std::string name =
      wanted.size() > kMaxName ? "..." + wanted.substr(wanted.size() - kMaxName) : wanted;
  for (char& c : name)
    if (static_cast<unsigned char>(c) < 0x20) c = '?';
  if (name.empty()) name = "unnamed";
  const std::string base = name;
  for (int i = 2; !names_.insert(name).second; ++i) name = base + "#" + std::to_string(i);
  return name;
}

int Builder::add(Op op) {
  out_.native.ops.push_back(std::move(op));
  out_.call_of.push_back(-1);
  return static_cast<int>(out_.native.ops.size()) - 1;
}

void Builder::place_plain(int index, int op) {
  place(index).plain = op;
}
void Builder::place_image(int index, int op) {
  place(index).image = op;
}
void Builder::place_view(int index, int of) {
  place(index).view_of = of;
}

Operand Builder::operand_of_op(int op, const GraphTensor& tensor, BatchedShape shape) const {
  return {Operand::Kind::tensor, op, in_calls(tensor.type), std::move(shape)};
}

Operand Builder::operand_of_constant(RawTensor value, bool as_it_is) {
  if (!as_it_is && in_calls(value.type) != value.type) value = converted(value, floats_);
  const Operand made{Operand::Kind::constant, static_cast<int>(out_.constants.size()), value.type,
                     BatchedShape{value.shape, -1}};
  out_.constants.push_back(std::move(value));
  return made;
}

std::optional<Operand> Builder::operand(int index, bool as_it_is) {
  if (index == kLeftOut) return Operand{};
  const GraphTensor& one = tensor(index);
  if (is_placed(index)) return operand_of_op(plain(index), one, *one.shape);
  if (graph_.has_value(index)) return operand_of_constant(*one.value, as_it_is);
  if (!one.numbers || !one.shape) return std::nullopt;
  out_.numbers.push_back(*one.numbers);
  return Operand{Operand::Kind::numbers, static_cast<int>(out_.numbers.size()) - 1,
                 as_it_is ? one.type : in_calls(one.type), *one.shape};
}

std::vector<int> Builder::add_call(const GraphNode& node, Call call, std::vector<Operand> inputs,
                                   const std::vector<BatchedShape>& shapes) {
  NodeCall made{node.op_type, node.name, std::move(call), std::move(inputs), {}};
  std::vector<std::string> reads;
  for (const Operand& input : made.inputs)
    if (input.kind == Operand::Kind::tensor) reads.push_back(op(input.index).name);
  std::vector<int> ops;
  for (std::size_t i = 0; i < node.outputs.size(); ++i) {
    ops.push_back(-1);
    made.outputs.emplace_back();
    if (node.outputs[i] == kLeftOut) continue;
    const GraphTensor& written = tensor(node.outputs[i]);
    Op op;
    op.name = new_name(written.name);
    op.kind = OpKind::foreign;
    op.operation = node.op_type;
    op.inputs = reads;
    op.output = {elements(per_sample(shapes[i]))};
    if (const Shape sample = per_sample(shapes[i]); sample.size() <= 8 && elements(sample) > 0)
      op.output = sample;
    if (op.output[0] == 0) op.output = {1};  // an empty tensor has its place all the same
    if (written.type != ElementType::f32) op.element_bytes = bytes_of(written.type);
    reads.push_back(op.name);  // so that all outputs are alive at the last one
    ops.back() = add(std::move(op));
    made.outputs.back() = operand_of_op(ops.back(), written, shapes[i]);
  }
  for (auto last = ops.rbegin(); last != ops.rend(); ++last) {
    if (*last < 0) continue;
    out_.call_of[static_cast<std::size_t>(*last)] = static_cast<int>(out_.calls.size());
    break;
  }
  out_.calls.push_back(std::move(made));
  return ops;
}

bool Builder::call_plain(const GraphNode& node, Call call) {
  std::vector<Operand> inputs;
  for (std::size_t i = 0; i < node.inputs.size(); ++i) {
    auto found = operand(node.inputs[i], is_parameter(node, i));
    if (!found) return false;
    inputs.push_back(std::move(*found));
  }
  std::vector<BatchedShape> shapes;
  for (const int output : node.outputs)
    shapes.push_back(output == kLeftOut ? BatchedShape{} : *tensor(output).shape);
  const std::vector<int> ops = add_call(node, std::move(call), std::move(inputs), shapes);
  for (std::size_t i = 0; i < ops.size(); ++i)
    if (ops[i] >= 0) place_plain(node.outputs[i], ops[i]);
  return true;
}

}  // namespace batchtune::imported
