// Instructions that sum: products, convolutions, folds; and the computations of scalars that folds
// call.
#include <limits>

#include "tuner/workload/hlo/program_writer.h"

namespace batchtune::hlo {
namespace {

const char* opcode_of(Fold fold) {
  switch (fold) {
    case Fold::sum:
      return "add";
    case Fold::product:
      return "multiply";
    case Fold::maximum:
      return "maximum";
    case Fold::minimum:
      return "minimum";
    case Fold::all:
      return "and";
    case Fold::any:
      return "or";
    case Fold::last:
      break;
  }
  return "last";
}

double identity_of(Fold fold, HloElement element) {
  switch (fold) {
    case Fold::product:
    case Fold::all:
      return 1;
    case Fold::maximum:
      return least_of(element);
    case Fold::minimum:
      return most_of(element);
    default:
      return 0;
  }
}

void add_axis(xla::Window& to, const WindowAxis& from) {
  xla::WindowDimension& dimension = *to.add_dimensions();
  dimension.set_size(from.size);
  dimension.set_stride(from.stride);
  dimension.set_padding_low(from.low);
  dimension.set_padding_high(from.high);
  dimension.set_window_dilation(from.dilation);
  dimension.set_base_dilation(from.spread);
}

// Appends the sizes of the dimensions that are neither batch nor `inner`.
void append_free(Shape& shape, const Value& operand, const Dims& batch, std::int64_t inner) {
  std::vector<bool> taken(operand.shape.size(), false);
  for (const std::int64_t each : batch) taken[static_cast<std::size_t>(each)] = true;
  taken[static_cast<std::size_t>(inner)] = true;
  for (std::size_t i = 0; i < taken.size(); ++i)
    if (!taken[i]) shape.push_back(operand.shape[i]);
}

}  // namespace

bool is_float(HloElement element) {
  return element == HloElement::f32 || element == HloElement::bf16 || element == HloElement::f16 ||
         element == HloElement::f64;
}

bool is_unsigned(HloElement element) {
  return element == HloElement::u8 || element == HloElement::u16 || element == HloElement::u32 ||
         element == HloElement::pred;
}

double most_of(HloElement element) {
  if (is_float(element)) return std::numeric_limits<double>::infinity();
  if (element == HloElement::pred) return 1;
  const double bits = 8.0 * static_cast<double>(size_of(element));
  double all = 1;
  for (int i = 0; i < static_cast<int>(bits); ++i) all *= 2;
  return (is_unsigned(element) ? all : all / 2) - 1;
}

double least_of(HloElement element) {
  if (is_float(element)) return -most_of(element);
  return is_unsigned(element) ? 0 : -most_of(element) - 1;
}

std::int64_t positions(const WindowAxis& window, std::int64_t size) {
  const std::int64_t spread = size == 0 ? 0 : (size - 1) * window.spread + 1;
  const std::int64_t room =
      spread + window.low + window.high - ((window.size - 1) * window.dilation + 1);
  return room < 0 ? 0 : room / window.stride + 1;
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

Value ProgramWriter::convolution(const Value& x, const Value& filters,
                                 const std::vector<WindowAxis>& window, const ConvDims& dims,
                                 std::int64_t groups) {
  Value result = next(x.element, x.shape);
  result.shape[static_cast<std::size_t>(dims.channels)] =
      filters.shape[static_cast<std::size_t>(dims.outputs_of_filters)];
  for (std::size_t i = 0; i < window.size(); ++i) {
    const auto axis = static_cast<std::size_t>(dims.image[i]);
    result.shape[axis] = positions(window[i], x.shape[axis]);
  }
  Instruction& instruction = add("convolution", result, {x, filters});
  for (const WindowAxis& axis : window) add_axis(*instruction.mutable_window(), axis);
  instruction.set_feature_group_count(groups);
  instruction.set_batch_group_count(1);
  xla::ConvolutionDimensionNumbers& numbers = *instruction.mutable_convolution_dimension_numbers();
  numbers.set_input_batch_dimension(dims.batch);
  numbers.set_output_batch_dimension(dims.batch);
  numbers.set_input_feature_dimension(dims.channels);
  numbers.set_output_feature_dimension(dims.channels);
  for (const std::int64_t each : dims.image) {
    numbers.add_input_spatial_dimensions(each);
    numbers.add_output_spatial_dimensions(each);
  }
  for (const std::int64_t each : dims.filters) numbers.add_kernel_spatial_dimensions(each);
  numbers.set_kernel_input_feature_dimension(dims.inputs_of_filters);
  numbers.set_kernel_output_feature_dimension(dims.outputs_of_filters);
  return result;
}

Value ProgramWriter::folded(Fold fold, const Value& x, const Dims& dimensions) {
  if (dimensions.empty()) return x;
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

Value ProgramWriter::folded_windows(Fold fold, const Value& x,
                                    const std::vector<WindowAxis>& window) {
  const Value start = identity(fold, x.element);
  const std::int64_t computation = computation_of(fold, x.element);
  Value result = next(x.element, x.shape);
  for (std::size_t i = 0; i < window.size(); ++i)
    result.shape[i] = positions(window[i], x.shape[i]);
  Instruction& instruction = add("reduce-window", result, {x, start});
  for (const WindowAxis& axis : window) add_axis(*instruction.mutable_window(), axis);
  instruction.add_called_computation_ids(computation);
  return result;
}

Value ProgramWriter::identity(Fold fold, HloElement element) {
  return constant(element, identity_of(fold, element));
}

// ---- computations of scalars ----

ProgramWriter::Scalars ProgramWriter::begin_scalars(const std::string& name) {
  xla::HloComputationProto& proto = *module_.add_computations();
  proto.set_id(++last_computation_);
  proto.set_name(name);
  computations_.emplace(name, proto.id());
  return {proto, name};
}

ProgramWriter::Instruction& ProgramWriter::add_scalar(Scalars& scalars, const char* opcode,
                                                      HloElement element) {
  Instruction& instruction = *scalars.proto.add_instructions();
  instruction.set_id(++last_id_);
  const int number = scalars.proto.instructions_size();
  instruction.set_name(scalars.name + "." + std::to_string(number));
  instruction.set_opcode(opcode);
  set_shape(*instruction.mutable_shape(), element, {});
  if (instruction.opcode() == "parameter") instruction.set_parameter_number(number - 1);
  return instruction;
}

std::int64_t ProgramWriter::finish_scalars(Scalars& scalars, std::int64_t root) {
  scalars.proto.set_root_id(root);
  set_program_shape(*scalars.proto.mutable_program_shape(), scalars.proto);
  return scalars.proto.id();
}

std::int64_t ProgramWriter::computation_of(Fold fold, HloElement element) {
  const std::string name = std::string(opcode_of(fold)) + "_" + std::string(name_of(element));
  if (const auto found = computations_.find(name); found != computations_.end())
    return found->second;
  Scalars scalars = begin_scalars(name);
  const std::int64_t a = add_scalar(scalars, "parameter", element).id();
  const std::int64_t b = add_scalar(scalars, "parameter", element).id();
  if (fold == Fold::last) return finish_scalars(scalars, b);
  Instruction& root = add_scalar(scalars, opcode_of(fold), element);
  root.add_operand_ids(a);
  root.add_operand_ids(b);
  return finish_scalars(scalars, root.id());
}

// Of two elements and their places.
std::int64_t ProgramWriter::order_of(HloElement element, bool largest_first) {
  const std::string name =
      (largest_first ? "descending_" : "ascending_") + std::string(name_of(element));
  if (const auto found = computations_.find(name); found != computations_.end())
    return found->second;
  Scalars scalars = begin_scalars(name);
  const std::int64_t a = add_scalar(scalars, "parameter", element).id();
  const std::int64_t b = add_scalar(scalars, "parameter", element).id();
  add_scalar(scalars, "parameter", HloElement::s32);
  add_scalar(scalars, "parameter", HloElement::s32);
  Instruction& root = add_scalar(scalars, "compare", HloElement::pred);
  root.add_operand_ids(a);
  root.add_operand_ids(b);
  root.set_comparison_direction(largest_first ? "GT" : "LT");
  return finish_scalars(scalars, root.id());
}

}  // namespace batchtune::hlo
