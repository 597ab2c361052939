#include "tuner/workload/onnx/baked_batch.h"

#include <algorithm>

#include "tuner/workload/onnx/rules.h"

namespace batchtune::onnx_file {
namespace {

// Of input `input`, which is there; nullopt where a shape is unknown or the batch in several axes.
std::optional<PerSample> sample_of(const NodeInputs& inputs, std::size_t input) {
  Tensor tensor;
  for (std::size_t world = 0; world < kWorlds; ++world) tensor.at[world] = *inputs[world][input];
  return per_sample(tensor);
}

// A list of integers that is the same at both batches.
std::optional<std::vector<std::int64_t>> fixed_integers(const NodeInputs& inputs,
                                                        std::size_t input) {
  const auto& low = inputs[0][input]->numbers;
  if (!low || low != inputs[1][input]->numbers) return std::nullopt;
  std::vector<std::int64_t> values;
  for (const double value : *low) values.push_back(static_cast<std::int64_t>(value));
  return values;
}

Facts list_facts(const std::vector<std::int64_t>& values) {
  return {::onnx::TensorProto::INT64, Shape{static_cast<std::int64_t>(values.size())},
          std::vector<double>(values.begin(), values.end())};
}

FreedInput freed_list(std::size_t input, BakedBatch::Kind kind, const Shape& sizes,
                      std::size_t axis) {
  FreedInput freed{input, {}, {kind, 0, static_cast<int>(input), axis, sizes}};
  for (std::size_t world = 0; world < kWorlds; ++world) {
    std::vector<std::int64_t> values = sizes;
    values[axis] *= kBatches[world];
    freed.facts[world] = list_facts(values);
  }
  return freed;
}

// The axis of `target` in which the batch lies if the elements keep their order: the one before
// which there are as many elements as before the batch's axis in the input. Of several (sizes of 1)
// the first that is 1.
std::optional<std::size_t> axis_after(const Shape& target, std::int64_t before) {
  std::int64_t product = 1;
  std::optional<std::size_t> found;
  for (std::size_t i = 0; i < target.size(); ++i) {
    if (product == before && (!found || target[i] == 1)) found = i;
    if (found && target[*found] == 1) return found;
    product *= target[i];
    if (product > before && before > 0) break;
  }
  return found;
}

Result<std::optional<FreedInput>> free_reshape(const NodeView& view, const NodeInputs& inputs,
                                               const std::vector<std::int64_t>& target) {
  const auto sample = sample_of(inputs, 0);
  if (!sample || sample->axis < 0) return std::optional<FreedInput>();
  Shape one = *inputs[0][0]->shape;  // as the file has it, at batch 1
  const auto axis = static_cast<std::size_t>(sample->axis);
  one[axis] = sample->inner;
  BT_TRY(sizes, resolve_target(view, target, one));
  const std::int64_t before = elements(Shape(one.begin(), one.begin() + sample->axis));
  const auto place = axis_after(sizes, before);
  if (!place)
    return view.fail("a target in which the batch has a dimension of its own",
                     shape_text(sizes) + " from " + shape_text(one));
  FreedInput freed = freed_list(1, BakedBatch::Kind::reshape, sizes, *place);
  // Nothing is baked where the target gives the same at other batches as it stands.
  bool same = true;
  for (std::size_t world = 0; world < kWorlds; ++world) {
    const auto natural = resolve_target(view, target, *inputs[world][0]->shape);
    Shape wanted = sizes;
    wanted[*place] *= kBatches[world];
    same = same && natural && *natural == wanted;
  }
  if (same) return std::optional<FreedInput>();
  return std::optional(std::move(freed));
}

std::optional<FreedInput> free_sizes(const NodeInputs& inputs) {
  constexpr std::size_t kSizes = 3;
  if (inputs[0].size() <= kSizes || !inputs[0][kSizes] || !inputs[0][0]) return std::nullopt;
  const auto sample = sample_of(inputs, 0);
  const auto sizes = fixed_integers(inputs, kSizes);
  if (!sample || sample->axis != 0 || !sizes || sizes->empty() ||
      sizes->size() != inputs[0][0]->shape->size() || sizes->front() != sample->inner)
    return std::nullopt;
  return freed_list(kSizes, BakedBatch::Kind::sizes, *sizes, 0);
}

// A constant [1, ...] beside operands [batch, ...].
std::optional<FreedInput> free_operand(const NodeView& view, const NodeInputs& inputs) {
  bool batched = false;
  for (std::size_t i = 0; i < inputs[0].size(); ++i) {
    const auto sample = inputs[0][i] ? sample_of(inputs, i) : std::nullopt;
    batched = batched || (sample && sample->axis == 0 && sample->inner == 1);
  }
  const auto rank = static_cast<std::int64_t>(inputs[0][0] ? inputs[0][0]->shape->size() : 0);
  const std::int64_t axis = view.integer("axis", 1);
  if (!batched || (axis < 0 ? axis + rank : axis) == 0) return std::nullopt;
  for (std::size_t i = 0; i < inputs[0].size(); ++i) {
    if (!inputs[0][i] || inputs[0][i]->shape->empty() || inputs[0][i]->shape->front() != 1 ||
        inputs[1][i]->shape->front() != 1)
      continue;
    FreedInput freed{
        i, {}, {BakedBatch::Kind::operand, 0, static_cast<int>(i), 0, *inputs[0][i]->shape}};
    for (std::size_t world = 0; world < kWorlds; ++world) {
      freed.facts[world] = *inputs[world][i];
      freed.facts[world].shape->front() = kBatches[world];
      freed.facts[world].numbers.reset();
    }
    return freed;
  }
  return std::nullopt;
}

}  // namespace

bool has_target_attribute(const NodeView& view) {
  return view.op() == "Reshape" && !view.has(1) && view.has_attribute("shape");
}

Result<std::optional<FreedInput>> free_batch(const NodeView& view, const NodeInputs& inputs) {
  if (view.op() == "Reshape" && view.has(0)) {
    if (has_target_attribute(view)) return free_reshape(view, inputs, view.integer_list("shape"));
    if (!view.has(1)) return std::optional<FreedInput>();
    const auto target = fixed_integers(inputs, 1);
    if (!target) return std::optional<FreedInput>();
    return free_reshape(view, inputs, *target);
  }
  if (view.op() == "Resize") return free_sizes(inputs);
  if (view.op() == "Concat") return free_operand(view, inputs);
  return std::optional<FreedInput>();
}

}  // namespace batchtune::onnx_file
