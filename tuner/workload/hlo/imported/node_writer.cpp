#include "tuner/workload/hlo/imported/node_writer.h"

#include <algorithm>
#include <cmath>

#include "tuner/workload/hlo/imported/file_weights.h"

namespace batchtune::hlo {
namespace {

// Of integers. Larger ones are weights: position tables, masks.
constexpr std::int64_t kLargestLiteral = 256;

bool is_float(ElementType type) {
  return type == ElementType::f32 || type == ElementType::f16 || type == ElementType::bf16 ||
         type == ElementType::f64;
}

bool is_literal(const GraphTensor& tensor) {
  if (!tensor.numbers) return false;
  if (!tensor.value) return true;
  const std::int64_t count = elements(tensor.value->shape);
  return count == 1 || (!is_float(tensor.type) && count <= kLargestLiteral);
}

// Only what is read as data: ends of slices may be the largest number there is.
void refuse_wide(FileState& state, const GraphTensor& tensor) {
  state.refused = "\"" + tensor.name + "\" has integers of more than 32 bits";
}

Value literal(FileState& state, const GraphTensor& tensor, HloElement element) {
  const Shape shape = tensor.shape ? tensor.shape->at(state.batch) : tensor.value->shape;
  std::vector<double> values = tensor.numbers->at(state.batch);
  if (element == HloElement::s32 || element == HloElement::u32) {
    for (double& value : values) {
      const double held = std::clamp(value, least_of(element), most_of(element));
      if (held != value) refuse_wide(state, tensor);
      value = held;
    }
  }
  if (values.size() == 1)
    return state.writer.reshaped(state.writer.constant(element, values[0]), shape);
  return state.writer.constant(values, element, shape);
}

Value weight(FileState& state, int index, HloElement element) {
  const GraphTensor& tensor = state.graph.tensors[static_cast<std::size_t>(index)];
  if (has_wide_integers(*tensor.value)) refuse_wide(state, tensor);
  const std::string number = std::to_string(state.parameters.size());
  state.parameters.push_back({.name = clean_name(tensor.name) + "." + number,
                              .element = element,
                              .shape = tensor.value->shape,
                              .constant = index,
                              .batch_axis = -1});
  return state.writer.parameter(state.parameters.back());
}

// Runs of equal length of one index after the other: {3, 3, 4, 4}; 0: no such.
std::int64_t repeats_of(const Numbers& indices, std::int64_t size) {
  const auto count = std::ssize(indices);
  if (size == 0 || count % size != 0) return 0;
  const std::int64_t repeats = count / size;
  for (std::int64_t i = 0; i < count; ++i)
    if (indices[static_cast<std::size_t>(i)] != i / repeats) return 0;
  return repeats;
}

// Whether they follow each other one by one.
bool is_run(const Numbers& indices) {
  for (std::size_t i = 1; i < indices.size(); ++i)
    if (indices[i] != indices[i - 1] + 1) return false;
  return !indices.empty();
}

}  // namespace

Numbers counted(std::int64_t begin, std::int64_t end) {
  Numbers all;
  for (std::int64_t i = begin; i < end; ++i) all.push_back(i);
  return all;
}

bool is_known(const GraphTensor& tensor) {
  return tensor.numbers.has_value() || (tensor.value && tensor.value->bytes);
}

std::string why_no_value(const FileState& state, int index) {
  const GraphTensor& tensor = state.graph.tensors[static_cast<std::size_t>(index)];
  if (!element_of(tensor.type, state.floats))
    return "\"" + tensor.name + "\" has elements of " + name_of(tensor.type);
  if (!tensor.shape && !tensor.value) return "the shape of \"" + tensor.name + "\" depends on data";
  return "";
}

Value value_of(FileState& state, int index, HloElement floats) {
  const GraphTensor& tensor = state.graph.tensors[static_cast<std::size_t>(index)];
  const HloElement element = *element_of(tensor.type, floats);
  if (const auto found = state.values.find({index, element}); found != state.values.end())
    return found->second;
  // Computed in another element than what is asked for.
  if (const auto found = state.values.find({index, *element_of(tensor.type, state.floats)});
      found != state.values.end() && !is_known(tensor))
    return state.writer.converted(found->second, element);
  const Value made =
      is_literal(tensor) ? literal(state, tensor, element) : weight(state, index, element);
  state.values.emplace(std::pair(index, element), made);
  return made;
}

Value NodeWriter::in(std::size_t i) {
  return value_of(state_, node_.inputs[i], state_.floats);
}

Value NodeWriter::exact(std::size_t i) {
  return value_of(state_, node_.inputs[i], HloElement::f32);
}

std::optional<std::vector<double>> NodeWriter::numbers(std::size_t i) const {
  if (!has(i) || !tensor(node_.inputs[i]).numbers) return std::nullopt;
  return tensor(node_.inputs[i]).numbers->at(state_.batch);
}

std::optional<Numbers> NodeWriter::whole_numbers(std::size_t i) const {
  const auto values = numbers(i);
  if (!values) return std::nullopt;
  Numbers whole;
  // Ends of slices may be the largest number there is: 2^62 is as far behind everything.
  constexpr double kMost = 4.6e18;
  for (const double value : *values)
    whole.push_back(static_cast<std::int64_t>(std::clamp(value, -kMost, kMost)));
  return whole;
}

std::optional<double> NodeWriter::filler() const {
  const auto value = attribute<RawTensor>("value", {});
  return value.bytes ? first_number(value) : 0;
}

HloElement NodeWriter::out_element(std::size_t i) const {
  return *element_of(tensor(node_.outputs[i]).type, state_.floats);
}

std::optional<std::int64_t> NodeWriter::axis(std::int64_t axis, std::int64_t rank) {
  if (axis < -rank || axis >= rank) return std::nullopt;
  return axis < 0 ? axis + rank : axis;
}

Value NodeWriter::spread(const Value& x, const Shape& to) {
  if (x.shape == to) return x;
  Shape kept;
  Dims dimensions;
  const std::size_t ahead = to.size() - std::min(to.size(), x.shape.size());
  const std::size_t gone = x.shape.size() - std::min(to.size(), x.shape.size());
  for (std::size_t i = gone; i < x.shape.size(); ++i) {
    const std::size_t place = ahead + i - gone;
    if (x.shape[i] == 1 && to[place] != 1) continue;
    kept.push_back(x.shape[i]);
    dimensions.push_back(static_cast<std::int64_t>(place));
  }
  return w().broadcast(w().reshaped(x, kept), to, dimensions);
}

Value NodeWriter::spread_along(const Value& x, std::int64_t axis, const Shape& to) {
  if (elements(x.shape) == 1) return w().broadcast(w().reshaped(x, {}), to, {});
  return w().broadcast(x, to, {axis});
}

Value NodeWriter::wide(const Value& x) {
  const bool few = x.element == HloElement::bf16 || x.element == HloElement::f16;
  return few ? w().converted(x, HloElement::f32) : x;
}

Value NodeWriter::folded(Fold fold, const Value& x, const Numbers& axes) {
  Shape kept = x.shape;
  for (const std::int64_t each : axes) kept[static_cast<std::size_t>(each)] = 1;
  return w().reshaped(w().folded(fold, x, axes), kept);
}

Value NodeWriter::mean(const Value& x, const Numbers& axes) {
  double count = 1;
  for (const std::int64_t each : axes)
    count *= static_cast<double>(x.shape[static_cast<std::size_t>(each)]);
  const Value sum = folded(Fold::sum, x, axes);
  return w().binary(hlo::is_float(x.element) ? "multiply" : "divide", sum,
                    hlo::is_float(x.element) ? 1 / count : count);
}

Value NodeWriter::taken(const Value& x, std::int64_t axis, const Numbers& indices) {
  const auto place = static_cast<std::size_t>(axis);
  const std::int64_t size = x.shape[place];
  if (is_run(indices)) {
    if (indices.front() == 0 && std::ssize(indices) == size) return x;
    return w().sliced(x, axis, indices.front(), indices.back() + 1);
  }
  Shape result = x.shape;
  result[place] = std::ssize(indices);
  if (const std::int64_t repeats = repeats_of(indices, size); repeats > 0) {
    Shape repeated = x.shape;
    repeated.insert(repeated.begin() + axis + 1, repeats);
    Dims to;
    for (std::int64_t i = 0; i < std::ssize(x.shape); ++i) to.push_back(i > axis ? i + 1 : i);
    return w().reshaped(w().broadcast(x, repeated, to), result);
  }
  GatherDims dims{.offsets = {}, .collapsed = {axis}, .indexed = {axis}, .index_dimension = 1};
  for (std::int64_t i = 0; i < std::ssize(x.shape); ++i)
    if (i != axis) dims.offsets.push_back(i);
  Shape slice = x.shape;
  slice[place] = 1;
  const std::vector<double> numbers(indices.begin(), indices.end());
  return w().gathered(x, w().constant(numbers, HloElement::s32, {std::ssize(indices)}), dims, slice,
                      result);
}

Value NodeWriter::from_front(const Value& indices, std::int64_t size) {
  const Formula given = formula(w().converted(indices, HloElement::s32));
  return given.is("LT", 0).choose(given + static_cast<double>(size), given).value();
}

}  // namespace batchtune::hlo
