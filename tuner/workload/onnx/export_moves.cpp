// Inputs, and operations that only move elements.
#include <algorithm>

#include "tuner/workload/onnx/export_op.h"

namespace batchtune::onnx_export {
namespace {

bool reads(const Op& op, const std::string& name) {
  return std::find(op.inputs.begin(), op.inputs.end(), name) != op.inputs.end();
}

}  // namespace

std::vector<bool> tensors_read_as_images(const Model& model) {
  std::vector<bool> as_image(model.ops.size(), false);
  for (std::size_t i = model.ops.size(); i-- > 0;) {
    bool image = false;
    switch (model.ops[i].kind) {
      case OpKind::conv2d:
      case OpKind::max_pool:
      case OpKind::average_pool:
      case OpKind::global_average_pool:
        image = true;
        break;
      case OpKind::activation:
      case OpKind::add:
      case OpKind::multiply:
      case OpKind::concat:
      case OpKind::slice:
        image = as_image[i];
        break;
      default:
        break;
    }
    if (!image) continue;
    for (const OpIndex read : reads_of(model, model.ops[i]))
      as_image[static_cast<std::size_t>(read)] = true;
  }
  return as_image;
}

void OpExport::input() {
  const Order order = all_.as_image[static_cast<std::size_t>(index_)]
                          ? image_order()
                          : plain_order(op_.output.size());
  graph_.add_input(op_.name, op_.input_kind == InputKind::token_ids, shape_in(order, op_.output));
  place_at(op_.name, order);
}

void OpExport::concat() {
  const Order order = in().order;
  std::vector<std::string> inputs;
  for (const OpIndex each : reads_) inputs.push_back(as(each, order));
  add("Concat", inputs, {{"axis", axis_in(order, op_.axis)}});
  place(order);
}

void OpExport::slice() {
  if (!placed(index_).value.empty() || split()) return;
  const Order order = in().order;
  add("Slice", {in().value, graph_.integers({op_.begin}), graph_.integers({op_.end}),
                graph_.integers({axis_in(order, op_.axis)})});
  place(order);
}

// Slices of one tensor that are all of it between them are one Split.
bool OpExport::split() {
  std::vector<OpIndex> parts;
  for (std::size_t i = 0; i < model_.ops.size(); ++i) {
    const Op& op = model_.ops[i];
    if (op.kind == OpKind::slice && op.inputs == op_.inputs && op.axis == op_.axis)
      parts.push_back(static_cast<OpIndex>(i));
  }
  const auto op_of = [&](OpIndex part) -> const Op& {
    return model_.ops[static_cast<std::size_t>(part)];
  };
  std::sort(parts.begin(), parts.end(),
            [&](OpIndex a, OpIndex b) { return op_of(a).begin < op_of(b).begin; });
  std::vector<std::string> names;
  std::vector<std::int64_t> sizes;
  std::int64_t end = 0;
  for (const OpIndex part : parts) {
    if (op_of(part).begin != end) return false;
    end = op_of(part).end;
    names.push_back(op_of(part).name);
    sizes.push_back(end - op_of(part).begin);
  }
  if (parts.size() < 2 || end != in_shape()[static_cast<std::size_t>(op_.axis)]) return false;
  const Order order = in().order;
  graph_.add_named("Split", {in().value, graph_.integers(sizes)}, names,
                   {{"axis", axis_in(order, op_.axis)}});
  for (const OpIndex part : parts)
    placed(part) = {.value = op_of(part).name, .order = order, .flattened = {}, .turned = {}};
  return true;
}

void OpExport::transpose() {
  const Shape& shape = in_shape();
  const Shape& view = op_.split.empty() ? shape : op_.split;
  const std::optional<Order> viewed = order_viewed(shape, in().order, view);
  const Order from = viewed.value_or(plain_order(view.size()));
  const Order before = viewed ? in().order : plain_order(shape.size());
  const std::string parts =
      reshaped(as(reads_[0], before), shape_in(before, shape), shape_in(from, view));
  const Order to = order_transposed(shape, view, from, op_.permutation);
  const std::vector<std::int64_t> permutation = permutation_between(from, op_.permutation, to);
  if (is_plain(permutation)) return place_at(parts, to);
  add("Transpose", {parts}, {{"perm", permutation}});
  place(to);
}

// Whether products alone read the result, as their first operand and not as a residual.
bool OpExport::only_multiplied() const {
  if (model_.output == op_.name) return false;
  bool multiplied = false;
  for (const Op& reader : model_.ops) {
    if (reader.epilogue.residual == op_.name) return false;
    if (!reads(reader, op_.name)) continue;
    if (reader.kind != OpKind::matmul) return false;
    multiplied = true;
  }
  return multiplied;
}

void OpExport::reshape() {
  const Shape& shape = in_shape();
  std::optional<Order> order = order_viewed(shape, in().order, op_.output);
  std::optional<Flattened> flattened;
  if (!order && op_.output.size() == 1 && only_multiplied()) {
    flattened = Flattened{shape, in().order};
    order = plain_order(1);
  }
  const Order before = order ? in().order : plain_order(shape.size());
  if (!order) order = plain_order(op_.output.size());
  const std::string from = as(reads_[0], before);
  const std::string to = reshaped(from, shape_in(before, shape), shape_in(*order, op_.output));
  if (to == from)
    place_at(from, *order);
  else
    place(*order);
  placed(index_).flattened = flattened;
}

}  // namespace batchtune::onnx_export
