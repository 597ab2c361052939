#include "tuner/workload/hlo/program_writer.h"

#include <bit>
#include <cctype>
#include <limits>

namespace batchtune::hlo {
namespace {

constexpr std::int64_t kBatchDimension = 0, kHeightDimension = 1, kWidthDimension = 2,
                       kChannelDimension = 3;

xla::PrimitiveType type_of(HloElement element) {
  switch (element) {
    case HloElement::f32:
      return xla::F32;
    case HloElement::bf16:
      return xla::BF16;
    case HloElement::s32:
      return xla::S32;
  }
  return xla::PRIMITIVE_TYPE_INVALID;
}

void set_shape(xla::ShapeProto& to, HloElement element, const Shape& shape) {
  to.set_element_type(type_of(element));
  for (const std::int64_t size : shape) {
    to.add_dimensions(size);
    to.add_is_dynamic_dimension(false);
  }
  for (std::size_t i = shape.size(); i-- > 0;)
    to.mutable_layout()->add_minor_to_major(static_cast<std::int64_t>(i));
  to.mutable_layout()->set_tail_padding_alignment_in_elements(1);
}

// A scalar that bf16 holds exactly or nearly: to nearest even.
std::string bfloat16_bytes(double value) {
  const auto bits = std::bit_cast<std::uint32_t>(static_cast<float>(value));
  const std::uint32_t rounded = (bits + 0x7fffU + ((bits >> 16) & 1U)) >> 16;
  return {static_cast<char>(rounded & 0xffU), static_cast<char>(rounded >> 8)};
}

void add_dimension(xla::Window& window, std::int64_t size, std::int64_t stride, std::int64_t low,
                   std::int64_t high, std::int64_t dilation) {
  xla::WindowDimension& dimension = *window.add_dimensions();
  dimension.set_size(size);
  dimension.set_stride(stride);
  dimension.set_padding_low(low);
  dimension.set_padding_high(high);
  dimension.set_window_dilation(dilation);
  dimension.set_base_dilation(1);
}

void add_spatial(xla::Window& to, const Window& w) {
  add_dimension(to, w.kernel_h, w.stride_h, w.pad_top, w.pad_bottom, w.dilation_h);
  add_dimension(to, w.kernel_w, w.stride_w, w.pad_left, w.pad_right, w.dilation_w);
}

const char* opcode_of(Fold fold) {
  return fold == Fold::sum ? "add" : "maximum";
}

// Appends the sizes of the dimensions that are neither batch nor `inner`.
void append_free(Shape& shape, const Value& operand, const Dims& batch, std::int64_t inner) {
  std::vector<bool> taken(operand.shape.size(), false);
  for (const std::int64_t each : batch) taken[static_cast<std::size_t>(each)] = true;
  taken[static_cast<std::size_t>(inner)] = true;
  for (std::size_t i = 0; i < taken.size(); ++i)
    if (!taken[i]) shape.push_back(operand.shape[i]);
}

void set_program_shape(xla::ProgramShapeProto& program,
                       const xla::HloComputationProto& computation) {
  for (const auto& instruction : computation.instructions()) {
    if (instruction.opcode() == "parameter") {
      *program.add_parameters() = instruction.shape();
      program.add_parameter_names(instruction.name());
    }
    if (instruction.id() == computation.root_id()) *program.mutable_result() = instruction.shape();
  }
}

}  // namespace

std::string clean_name(std::string name) {
  for (char& c : name)
    if (std::isalnum(static_cast<unsigned char>(c)) == 0 && c != '_' && c != '.' && c != '-')
      c = '_';
  if (name.empty() || std::isalpha(static_cast<unsigned char>(name[0])) == 0) name.insert(0, "_");
  return name;
}

ProgramWriter::ProgramWriter(std::string name) {
  module_.set_name(clean_name(std::move(name)));
  entry_.set_name("main");
}

Value ProgramWriter::next(HloElement element, Shape shape) {
  return {++last_id_, element, std::move(shape)};
}

ProgramWriter::Instruction& ProgramWriter::add(const std::string& opcode, const Value& result,
                                               const std::vector<Value>& operands) {
  Instruction& instruction = *entry_.add_instructions();
  instruction.set_id(result.id);
  instruction.set_name(clean_name(prefix_) + "." + std::to_string(result.id));
  instruction.set_opcode(opcode);
  set_shape(*instruction.mutable_shape(), result.element, result.shape);
  for (const Value& operand : operands) instruction.add_operand_ids(operand.id);
  return instruction;
}

Value ProgramWriter::parameter(const HloTensor& tensor) {
  const Value result = next(tensor.element, tensor.shape);
  Instruction& instruction = add("parameter", result, {});
  instruction.set_parameter_number(parameters_++);
  (*instruction.mutable_frontend_attributes()->mutable_map())["neff_input_names"] = tensor.name;
  return result;
}

Value ProgramWriter::constant(HloElement element, double value) {
  const auto [found, is_new] = constants_.try_emplace({element, value});
  if (!is_new) return found->second;
  found->second = next(element, {});
  xla::LiteralProto& literal = *add("constant", found->second, {}).mutable_literal();
  set_shape(*literal.mutable_shape(), element, {});
  if (element == HloElement::bf16)
    literal.set_bf16s(bfloat16_bytes(value));
  else
    literal.add_f32s(static_cast<float>(value));
  return found->second;
}

Value ProgramWriter::constant(const std::vector<float>& values, const Shape& shape) {
  const Value result = next(HloElement::f32, shape);
  xla::LiteralProto& literal = *add("constant", result, {}).mutable_literal();
  set_shape(*literal.mutable_shape(), HloElement::f32, shape);
  literal.mutable_f32s()->Add(values.begin(), values.end());
  return result;
}

Value ProgramWriter::unary(const char* opcode, const Value& x) {
  const Value result = next(x.element, x.shape);
  add(opcode, result, {x});
  return result;
}

Value ProgramWriter::binary(const char* opcode, const Value& a, const Value& b) {
  const Value result = next(a.element, a.shape);
  add(opcode, result, {a, b});
  return result;
}

Value ProgramWriter::binary(const char* opcode, const Value& a, double b) {
  return binary(opcode, a, broadcast(constant(a.element, b), a.shape, {}));
}

Value ProgramWriter::converted(const Value& x, HloElement element) {
  if (x.element == element) return x;
  const Value result = next(element, x.shape);
  add("convert", result, {x});
  return result;
}

Value ProgramWriter::broadcast(const Value& x, const Shape& shape, const Dims& to) {
  const Value result = next(x.element, shape);
  Instruction& instruction = add("broadcast", result, {x});
  instruction.mutable_dimensions()->Add(to.begin(), to.end());
  return result;
}

Value ProgramWriter::reshaped(const Value& x, const Shape& shape) {
  if (x.shape == shape) return x;
  const Value result = next(x.element, shape);
  add("reshape", result, {x});
  return result;
}

Value ProgramWriter::transposed(const Value& x, const Dims& permutation) {
  Shape shape;
  for (const std::int64_t from : permutation)
    shape.push_back(x.shape[static_cast<std::size_t>(from)]);
  const Value result = next(x.element, std::move(shape));
  Instruction& instruction = add("transpose", result, {x});
  instruction.mutable_dimensions()->Add(permutation.begin(), permutation.end());
  return result;
}

Value ProgramWriter::sliced(const Value& x, std::int64_t dimension, std::int64_t begin,
                            std::int64_t end) {
  Value result = next(x.element, x.shape);
  result.shape[static_cast<std::size_t>(dimension)] = end - begin;
  Instruction& instruction = add("slice", result, {x});
  for (std::size_t i = 0; i < x.shape.size(); ++i) {
    const bool cut = static_cast<std::int64_t>(i) == dimension;
    auto& each = *instruction.add_slice_dimensions();
    each.set_start(cut ? begin : 0);
    each.set_limit(cut ? end : x.shape[i]);
    each.set_stride(1);
  }
  return result;
}

Value ProgramWriter::concatenated(const std::vector<Value>& parts, std::int64_t dimension) {
  const auto axis = static_cast<std::size_t>(dimension);
  Value result = next(parts[0].element, parts[0].shape);
  for (std::size_t i = 1; i < parts.size(); ++i) result.shape[axis] += parts[i].shape[axis];
  add("concatenate", result, parts).add_dimensions(dimension);
  return result;
}

Value ProgramWriter::dot(const Value& a, const Value& b, const DotDims& dims) {
  Shape shape;
  for (const std::int64_t each : dims.left_batch)
    shape.push_back(a.shape[static_cast<std::size_t>(each)]);
  append_free(shape, a, dims.left_batch, dims.left_inner);
  append_free(shape, b, dims.right_batch, dims.right_inner);
  const Value result = next(a.element, std::move(shape));
  xla::DotDimensionNumbers& numbers = *add("dot", result, {a, b}).mutable_dot_dimension_numbers();
  numbers.add_lhs_contracting_dimensions(dims.left_inner);
  numbers.add_rhs_contracting_dimensions(dims.right_inner);
  for (const std::int64_t each : dims.left_batch) numbers.add_lhs_batch_dimensions(each);
  for (const std::int64_t each : dims.right_batch) numbers.add_rhs_batch_dimensions(each);
  return result;
}

Value ProgramWriter::convolution(const Value& x, const Value& filters, const Window& window,
                                 std::int64_t groups, const Shape& shape) {
  const Value result = next(x.element, shape);
  Instruction& instruction = add("convolution", result, {x, filters});
  add_spatial(*instruction.mutable_window(), window);
  instruction.set_feature_group_count(groups);
  instruction.set_batch_group_count(1);
  xla::ConvolutionDimensionNumbers& numbers = *instruction.mutable_convolution_dimension_numbers();
  numbers.set_input_batch_dimension(kBatchDimension);
  numbers.set_output_batch_dimension(kBatchDimension);
  numbers.set_input_feature_dimension(kChannelDimension);
  numbers.set_output_feature_dimension(kChannelDimension);
  for (const std::int64_t each : {kHeightDimension, kWidthDimension}) {
    numbers.add_input_spatial_dimensions(each);
    numbers.add_output_spatial_dimensions(each);
    numbers.add_kernel_spatial_dimensions(each - kHeightDimension);
  }
  numbers.set_kernel_input_feature_dimension(2);
  numbers.set_kernel_output_feature_dimension(3);
  return result;
}

Value ProgramWriter::identity(Fold fold, HloElement element) {
  return constant(element, fold == Fold::sum ? 0 : -std::numeric_limits<double>::infinity());
}

std::int64_t ProgramWriter::computation_of(Fold fold, HloElement element) {
  const auto [found, is_new] = folds_.try_emplace({fold, element});
  if (!is_new) return found->second;
  const std::string name = std::string(opcode_of(fold)) + "_" + std::string(name_of(element));
  xla::HloComputationProto& computation = *module_.add_computations();
  found->second = ++last_computation_;
  computation.set_id(found->second);
  computation.set_name(name);
  const auto add_scalar = [&](const std::string& part, const char* opcode) -> Instruction& {
    Instruction& instruction = *computation.add_instructions();
    instruction.set_id(++last_id_);
    instruction.set_name(name + "." + part);
    instruction.set_opcode(opcode);
    set_shape(*instruction.mutable_shape(), element, {});
    return instruction;
  };
  const std::int64_t a = add_scalar("a", "parameter").id();
  Instruction& second = add_scalar("b", "parameter");
  second.set_parameter_number(1);
  const std::int64_t b = second.id();
  Instruction& root = add_scalar("result", opcode_of(fold));
  root.add_operand_ids(a);
  root.add_operand_ids(b);
  computation.set_root_id(root.id());
  set_program_shape(*computation.mutable_program_shape(), computation);
  return found->second;
}

Value ProgramWriter::folded(Fold fold, const Value& x, const Dims& dimensions) {
  std::vector<bool> gone(x.shape.size(), false);
  for (const std::int64_t each : dimensions) gone[static_cast<std::size_t>(each)] = true;
  Shape shape;
  for (std::size_t i = 0; i < x.shape.size(); ++i)
    if (!gone[i]) shape.push_back(x.shape[i]);
  const Value start = identity(fold, x.element);
  const std::int64_t computation = computation_of(fold, x.element);
  const Value result = next(x.element, std::move(shape));
  Instruction& instruction = add("reduce", result, {x, start});
  instruction.mutable_dimensions()->Add(dimensions.begin(), dimensions.end());
  instruction.add_called_computation_ids(computation);
  return result;
}

Value ProgramWriter::folded_windows(Fold fold, const Value& x, const Window& window,
                                    const Shape& shape) {
  const Value start = identity(fold, x.element);
  const std::int64_t computation = computation_of(fold, x.element);
  const Value result = next(x.element, shape);
  Instruction& instruction = add("reduce-window", result, {x, start});
  add_dimension(*instruction.mutable_window(), 1, 1, 0, 0, 1);  // batch
  add_spatial(*instruction.mutable_window(), window);
  add_dimension(*instruction.mutable_window(), 1, 1, 0, 0, 1);  // channels
  instruction.add_called_computation_ids(computation);
  return result;
}

Value ProgramWriter::rows(const Value& table, const Value& indices) {
  Shape shape = indices.shape;
  shape.push_back(table.shape[1]);
  const auto last = static_cast<std::int64_t>(indices.shape.size());
  const Value result = next(table.element, std::move(shape));
  Instruction& instruction = add("gather", result, {table, indices});
  xla::GatherDimensionNumbers& numbers = *instruction.mutable_gather_dimension_numbers();
  numbers.add_offset_dims(last);
  numbers.add_collapsed_slice_dims(0);
  numbers.add_start_index_map(0);
  numbers.set_index_vector_dim(last);  // an index is a single number: no dimension of its own
  instruction.add_gather_slice_sizes(1);
  instruction.add_gather_slice_sizes(table.shape[1]);
  return result;
}

// One result is a copy, so that a parameter can be one too; several are a tuple.
std::string ProgramWriter::finish(const std::vector<Value>& values,
                                  const std::vector<HloTensor>& results) {
  begin("result");
  const Value root = next(values[0].element, values[0].shape);
  Instruction& instruction = add(values.size() == 1 ? "copy" : "tuple", root, values);
  std::string names;
  for (const HloTensor& each : results) names += (names.empty() ? "" : ",") + each.name;
  (*instruction.mutable_frontend_attributes()->mutable_map())["neff_output_names"] = names;
  if (values.size() > 1) {
    instruction.clear_shape();
    instruction.mutable_shape()->set_element_type(xla::TUPLE);
    for (const Value& each : values)
      set_shape(*instruction.mutable_shape()->add_tuple_shapes(), each.element, each.shape);
  }
  entry_.set_id(++last_computation_);
  entry_.set_root_id(root.id);
  set_program_shape(*entry_.mutable_program_shape(), entry_);
  *module_.mutable_host_program_shape() = entry_.program_shape();
  module_.set_entry_computation_name(entry_.name());
  module_.set_entry_computation_id(entry_.id());
  *module_.add_computations() = std::move(entry_);  // behind those that it calls
  return module_.SerializeAsString();
}

}  // namespace batchtune::hlo
