#include "tuner/workload/onnx/node_view.h"

#include <algorithm>

namespace batchtune::onnx_file {
namespace {

// Ends of slices are INT64_MAX or near it; nothing that is computed from them may overflow.
std::int64_t saturated(double value) {
  constexpr double kMost = 4e18;
  return static_cast<std::int64_t>(std::clamp(value, -kMost, kMost));
}

}  // namespace

std::string place_of(const std::string& file, const ::onnx::NodeProto& node) {
  std::string name = node.name();
  if (name.empty() && node.output_size() > 0) name = node.output(0);
  return file + ", node \"" + name + "\" (" + node.op_type() + ")";
}

Status NodeView::want_inputs(std::size_t least) const {
  for (std::size_t i = 0; i < least; ++i)
    if (!has(i))
      return fail("input " + std::to_string(i),
                  std::to_string(inputs_.size()) + " inputs, that one left out");
  return {};
}

std::optional<std::vector<std::int64_t>> NodeView::integers(std::size_t input) const {
  if (!has(input) || !in(input).numbers) return std::nullopt;
  std::vector<std::int64_t> values;
  for (const double value : *in(input).numbers) values.push_back(saturated(value));
  return values;
}

const ::onnx::AttributeProto* NodeView::attribute(std::string_view name) const {
  for (const ::onnx::AttributeProto& one : node_.attribute())
    if (one.name() == name) return &one;
  return nullptr;
}

std::int64_t NodeView::integer(std::string_view name, std::int64_t otherwise) const {
  const auto* found = attribute(name);
  return found ? found->i() : otherwise;
}

std::vector<std::int64_t> NodeView::integer_list(std::string_view name) const {
  const auto* found = attribute(name);
  if (!found) return {};
  return {found->ints().begin(), found->ints().end()};
}

std::vector<double> NodeView::number_list(std::string_view name) const {
  const auto* found = attribute(name);
  if (!found) return {};
  return {found->floats().begin(), found->floats().end()};
}

double NodeView::number(std::string_view name) const {
  const auto* found = attribute(name);
  return found ? static_cast<double>(found->f()) : 0;
}

std::string NodeView::text(std::string_view name, std::string_view otherwise) const {
  const auto* found = attribute(name);
  return found ? found->s() : std::string(otherwise);
}

const ::onnx::TensorProto* NodeView::tensor(std::string_view name) const {
  const auto* found = attribute(name);
  return found && found->has_t() ? &found->t() : nullptr;
}

Result<std::size_t> NodeView::axis_of(std::int64_t axis, std::size_t rank) const {
  const auto count = static_cast<std::int64_t>(rank);
  if (axis < -count || axis >= count)
    return fail("an axis of " + std::to_string(rank) + " dimensions", std::to_string(axis));
  return static_cast<std::size_t>(axis < 0 ? axis + count : axis);
}

}  // namespace batchtune::onnx_file
