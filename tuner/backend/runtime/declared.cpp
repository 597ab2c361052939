#include "tuner/backend/runtime/declared.h"

#include <algorithm>
#include <cctype>
#include <set>

#include "tuner/backend/runtime/endings.h"

namespace batchtune::runtime {
namespace {

constexpr char kResult[] = "(result)";  // no tensor is called so
constexpr int kNoAxis = kNoBatch;

template <typename Names>
std::string joined(const Names& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

bool is_open(const DeclaredTensor& tensor, std::size_t axis) {
  return axis < tensor.dims.size() && tensor.dims[axis] < 0;
}

bool has_symbol(const DeclaredTensor& tensor, std::size_t axis) {
  return axis < tensor.symbols.size() && !tensor.symbols[axis].empty();
}

std::string place_of(const DeclaredTensor& tensor, std::size_t axis) {
  return tensor.name + "." + std::to_string(axis);
}

std::string name_of_axis(const DeclaredTensor& tensor, std::size_t axis) {
  return has_symbol(tensor, axis) ? tensor.symbols[axis] : place_of(tensor, axis);
}

std::string in_lower_case(std::string name) {
  std::transform(name.begin(), name.end(), name.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return name;
}

bool sounds_like_batch(const std::string& given) {
  const std::string name = in_lower_case(given);
  return name.find("batch") != std::string::npos || name == "n" || name == "bs" || name == "b";
}

// Which dimension of a tensor is the batch.
struct BatchRule {
  std::set<std::string> symbols;    // a dimension of one of these names
  bool unnamed_first = false;       // a first one that is open and has no name
  std::optional<std::size_t> axis;  // this one of each
  std::optional<std::int64_t> fixed;  // a first one of this size

  int axis_in(const DeclaredTensor& tensor) const {
    if (axis) return *axis < tensor.dims.size() ? static_cast<int>(*axis) : kNoAxis;
    for (std::size_t i = 0; i < tensor.dims.size(); ++i)
      if (is_open(tensor, i) && has_symbol(tensor, i) && symbols.contains(tensor.symbols[i]))
        return static_cast<int>(i);
    if (tensor.dims.empty()) return kNoAxis;
    const bool first = (unnamed_first && is_open(tensor, 0) && !has_symbol(tensor, 0)) ||
                       (fixed && tensor.dims[0] == *fixed);
    return first ? 0 : kNoAxis;
  }
};

using Rule = Outcome<BatchRule>;

// "input_ids.1", or nullopt where no input is called so.
std::optional<std::size_t> axis_by_place(const std::vector<DeclaredTensor>& inputs,
                                         const std::string& name) {
  for (const DeclaredTensor& input : inputs)
    for (std::size_t axis = 0; axis < input.dims.size(); ++axis)
      if (place_of(input, axis) == name) return axis;
  return std::nullopt;
}

std::set<std::string> open_names(const std::vector<DeclaredTensor>& inputs) {
  std::set<std::string> names;
  for (const DeclaredTensor& input : inputs)
    for (std::size_t axis = 0; axis < input.dims.size(); ++axis)
      if (is_open(input, axis)) names.insert(name_of_axis(input, axis));
  return names;
}

std::string open_words(const std::vector<DeclaredTensor>& inputs) {
  const std::set<std::string> names = open_names(inputs);
  return names.empty() ? "none is open" : "open are: " + joined(names);
}

Rule named_rule(const std::vector<DeclaredTensor>& inputs, const std::string& name) {
  BatchRule rule;
  const std::set<std::string> names = open_names(inputs);
  if (names.contains(name) && !axis_by_place(inputs, name)) {
    rule.symbols = {name};
    return rule;
  }
  rule.axis = axis_by_place(inputs, name);
  if (rule.axis) return rule;
  return tl::unexpected(unsupported(
      "no dimension of the inputs is called " + name + " (--batch-axis); " + open_words(inputs)));
}

// Of the names that come first the one that is the batch.
Outcome<std::set<std::string>> leading_batch(const std::set<std::string>& leading) {
  if (leading.size() <= 1) return leading;
  std::set<std::string> found;
  for (const std::string& name : leading)
    if (sounds_like_batch(name)) found.insert(name);
  if (found.size() == 1) return found;
  return tl::unexpected(unsupported("several dimensions may be the batch: " + joined(leading) +
                                    "; say which: --batch-axis " + *leading.begin()));
}

// Files whose batch was fixed when they were made. Where inputs differ those with a leading 1 have the
// batch, and all samples share the others.
Rule fixed_rule(const std::vector<DeclaredTensor>& inputs) {
  std::set<std::int64_t> sizes;
  bool has_open = false;
  for (const DeclaredTensor& input : inputs) {
    has_open |= is_open(input, 0);
    if (!input.dims.empty() && !is_open(input, 0)) sizes.insert(input.dims[0]);
  }
  BatchRule rule;
  if (sizes.size() == 1 && !has_open) rule.fixed = *sizes.begin();
  if (sizes.contains(1)) rule.fixed = 1;
  if (rule.fixed) return rule;
  if (sizes.empty() && !has_open)
    return tl::unexpected(unsupported("no input has a dimension for the batch"));
  const auto example = std::find_if(inputs.begin(), inputs.end(),
                                    [](const DeclaredTensor& one) { return !one.dims.empty(); });
  return tl::unexpected(unsupported(
      "the inputs have no first dimension in common that could be the batch; " +
      open_words(inputs) + " (--batch-axis NAME says which, such as " + place_of(*example, 0) + ")"));
}

Rule rule_of(const Model& opaque, const std::vector<DeclaredTensor>& inputs) {
  if (!opaque.file->batch_dim.empty()) return named_rule(inputs, opaque.file->batch_dim);
  BatchRule rule;
  std::set<std::string> leading;
  for (const DeclaredTensor& input : inputs) {
    if (!is_open(input, 0) || opaque.dims.contains(name_of_axis(input, 0))) continue;
    if (has_symbol(input, 0))
      leading.insert(input.symbols[0]);
    else
      rule.unnamed_first = true;
  }
  BT_TRY(symbols, leading_batch(leading));
  rule.symbols = std::move(symbols);
  if (rule.symbols.empty() && !rule.unnamed_first) return fixed_rule(inputs);
  return rule;
}

// The per-sample shape; names of open dimensions without a size go to `missing`.
Shape sample_of(const DeclaredTensor& input, int batch_axis, const Model& opaque,
                std::set<std::string>& missing) {
  Shape shape;
  for (std::size_t axis = 0; axis < input.dims.size(); ++axis) {
    if (static_cast<int>(axis) == batch_axis) continue;
    std::int64_t size = input.dims[axis];
    if (is_open(input, axis)) {
      const auto given = opaque.dims.find(name_of_axis(input, axis));
      if (given == opaque.dims.end()) missing.insert(name_of_axis(input, axis));
      size = given == opaque.dims.end() ? 1 : given->second;
    }
    shape.push_back(size);
  }
  // As models have single values (tensor_layout.h).
  if (shape.empty() && batch_axis != kNoAxis) shape.push_back(1);
  return shape;
}

bool is_whole(Element element) {
  constexpr Element kWhole[] = {Element::i16, Element::u16, Element::i32,
                                Element::u32, Element::i64, Element::u64};
  return std::find(std::begin(kWhole), std::end(kWhole), element) != std::end(kWhole);
}

// See kSafeIds. 0: no ids.
std::int64_t made_up_vocabulary(const DeclaredTensor& input, const Shape& sample) {
  const std::string name = in_lower_case(input.name);
  const auto is_called = [&](const char* part) { return name.find(part) != std::string::npos; };
  if (!is_whole(*input.element) || elements(sample) < 2 || is_called("mask")) return 0;
  return is_called("type") || is_called("segment") ? 1 : kSafeIds;
}

Outcome<void> add_inputs(const std::vector<DeclaredTensor>& inputs, const BatchRule& rule,
                         DeclaredModel& declared) {
  std::set<std::string> missing;
  bool any_batch = false;
  for (const DeclaredTensor& input : inputs) {
    const int axis = rule.axis_in(input);
    any_batch |= axis != kNoAxis;
    Op op;
    op.name = input.name;
    op.output = sample_of(input, axis, declared.model, missing);
    op.vocabulary = made_up_vocabulary(input, op.output);
    if (op.vocabulary > 0) op.input_kind = InputKind::token_ids;
    declared.inputs.push_back({input.name, op.name, axis, {}});
    declared.model.ops.push_back(std::move(op));
  }
  if (!missing.empty())
    return tl::unexpected(unsupported("no size for the open dimensions " + joined(missing) +
                                      ": give --dim " + *missing.begin() + "=SIZE"));
  if (!any_batch) return tl::unexpected(unsupported("no input has a dimension for the batch"));
  const std::set<std::string> open = open_names(inputs);
  for (const auto& [name, size] : declared.model.dims)
    if (!open.contains(name))
      return tl::unexpected(
          unsupported("no input has an open dimension called " + name + " (--dim); " +
                      open_words(inputs)));
  return {};
}

// The first output that has the batch; else the first one, where its values will tell.
void add_result(const std::vector<DeclaredTensor>& outputs, const BatchRule& rule,
                DeclaredModel& declared) {
  int axis = 0;
  for (std::size_t i = outputs.size(); i-- > 0;) {
    const int found = rule.axis_in(outputs[i]);
    // What a runtime does not know of an output before it has run is open without a name.
    const bool may_be = found == kNoAxis && is_open(outputs[i], 0) && !has_symbol(outputs[i], 0);
    if (found == kNoAxis && !may_be) continue;
    declared.result_index = i;
    axis = may_be ? 0 : found;
  }
  Op op;
  op.name = kResult;
  op.kind = OpKind::foreign;
  op.operation = kWholeModel;
  op.output = {1};  // not known before a run
  for (const OnnxTensor& input : declared.inputs) op.inputs.push_back(input.op);
  declared.model.ops.push_back(std::move(op));
  declared.model.output = kResult;
  declared.result = {outputs[declared.result_index].name, kResult, axis, {}};
}

template <typename AxisName>
std::string text_of(const DeclaredTensor& tensor, AxisName name_of_open) {
  const std::string type(tensor.element ? name_of(*tensor.element) : "of another type");
  std::string text = tensor.name + (tensor.name.empty() ? "" : " ") + type + " [";
  for (std::size_t axis = 0; axis < tensor.dims.size(); ++axis)
    text += (axis == 0 ? "" : ", ") + (is_open(tensor, axis) ? name_of_open(tensor, axis)
                                                             : std::to_string(tensor.dims[axis]));
  return text + "]";
}

template <typename AxisName>
std::string text_of(const std::vector<DeclaredTensor>& tensors, AxisName name_of_open) {
  std::vector<std::string> texts;
  for (const DeclaredTensor& tensor : tensors) texts.push_back(text_of(tensor, name_of_open));
  return joined(texts);
}

// An output's place is nothing that anybody could give a size.
std::string symbol_or_open(const DeclaredTensor& tensor, std::size_t axis) {
  return has_symbol(tensor, axis) ? tensor.symbols[axis] : "?";
}

// "input_ids int64 [batch, 128]": with the sizes in force.
std::string settled_text(const DeclaredModel& declared, std::vector<DeclaredTensor> inputs) {
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const int batch_axis = declared.inputs[i].batch_axis;
    std::size_t next = 0;
    for (std::size_t axis = 0; axis < inputs[i].dims.size(); ++axis)
      inputs[i].dims[axis] = static_cast<int>(axis) == batch_axis
                                 ? -1
                                 : declared.model.ops[i].output[next++];
  }
  return text_of(inputs, [](const DeclaredTensor&, std::size_t) { return std::string("batch"); });
}

std::string ids_text(const DeclaredModel& declared) {
  std::vector<std::string> texts;
  for (const Op& op : declared.model.ops)
    if (op.input_kind == InputKind::token_ids)
      texts.push_back(op.name + " below " + std::to_string(op.vocabulary));
  return joined(texts);
}

}  // namespace

Outcome<DeclaredModel> declare(const Model& opaque, const std::vector<DeclaredTensor>& inputs,
                               const std::vector<DeclaredTensor>& outputs) {
  if (inputs.empty() || outputs.empty())
    return tl::unexpected(unsupported("the model has no input or no output"));
  for (const DeclaredTensor& input : inputs)
    if (!input.element)
      return tl::unexpected(
          unsupported("the input " + input.name + " is of a type without values of ours"));
  BT_TRY(rule, rule_of(opaque, inputs));
  DeclaredModel declared;
  declared.model = opaque;
  declared.fixed_batch = rule.fixed;
  BT_TRY_VOID(add_inputs(inputs, rule, declared));
  add_result(outputs, rule, declared);
  return declared;
}

Outcome<DeclaredModel> declare_and_tell(const Model& opaque, const std::vector<DeclaredTensor>& inputs,
                                        const std::vector<DeclaredTensor>& outputs, Samples samples,
                                        std::vector<Setting>& told) {
  constexpr char kByFile[] = "declared by the file";
  Setting& of_inputs = told.emplace_back(
      Setting{kInputsSetting, text_of(inputs, name_of_axis), kByFile});
  const auto declared = declare(opaque, inputs, outputs);
  if (declared) of_inputs.value = settled_text(*declared, inputs);
  told.push_back({kOutputsSetting, text_of(outputs, symbol_or_open), kByFile});
  const std::string ids = declared ? ids_text(*declared) : "";
  if (samples == Samples::seeded && !ids.empty())
    told.push_back({kIdsSetting, ids, "no vocabulary is known; --input gives real samples"});
  return declared;
}

}  // namespace batchtune::runtime
