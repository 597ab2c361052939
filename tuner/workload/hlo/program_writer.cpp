#include "tuner/workload/hlo/program_writer.h"

#include <algorithm>
#include <cctype>
#include <cmath>

#include "tuner/workload/hlo/imported/file_weights.h"

namespace batchtune::hlo {
namespace {

xla::PrimitiveType type_of(HloElement element) {
  switch (element) {
    case HloElement::f32:
      return xla::F32;
    case HloElement::bf16:
      return xla::BF16;
    case HloElement::s32:
      return xla::S32;
    case HloElement::f16:
      return xla::F16;
    case HloElement::f64:
      return xla::F64;
    case HloElement::s8:
      return xla::S8;
    case HloElement::u8:
      return xla::U8;
    case HloElement::s16:
      return xla::S16;
    case HloElement::u16:
      return xla::U16;
    case HloElement::u32:
      return xla::U32;
    case HloElement::pred:
      return xla::PRED;
  }
  return xla::PRIMITIVE_TYPE_INVALID;
}

void append_bfloat16(std::string& bytes, double value) {
  const float one[] = {static_cast<float>(value)};
  std::byte two[sizeof(std::uint16_t)];
  to_bfloat16(one, two);
  bytes.append(reinterpret_cast<const char*>(two), sizeof(two));
}

// What a literal of the element is written as; what has no list of its own is converted.
HloElement written_as(HloElement element) {
  switch (element) {
    case HloElement::f16:
      return HloElement::f32;
    case HloElement::s8:
    case HloElement::u8:
    case HloElement::s16:
    case HloElement::u16:
      return HloElement::s32;
    default:
      return element;
  }
}

void add_values(xla::LiteralProto& literal, HloElement element, const std::vector<double>& values) {
  for (const double value : values) {
    switch (element) {
      case HloElement::f32:
        literal.add_f32s(static_cast<float>(value));
        break;
      case HloElement::f64:
        literal.add_f64s(value);
        break;
      case HloElement::bf16:
        append_bfloat16(*literal.mutable_bf16s(), value);
        break;
      case HloElement::u32:
        literal.add_u32s(static_cast<std::uint32_t>(value));
        break;
      case HloElement::pred:
        literal.add_preds(value != 0);
        break;
      default:
        literal.add_s32s(static_cast<std::int32_t>(value));
    }
  }
}

}  // namespace

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
  if (std::isnan(value)) return constant(std::vector<double>{value}, element, {});
  const auto [found, is_new] = constants_.try_emplace({element, value});
  if (is_new) found->second = constant(std::vector<double>{value}, element, {});
  return found->second;
}

Value ProgramWriter::constant(const std::vector<double>& values, HloElement element,
                              const Shape& shape) {
  const HloElement as = written_as(element);
  const Value result = next(as, shape);
  xla::LiteralProto& literal = *add("constant", result, {}).mutable_literal();
  set_shape(*literal.mutable_shape(), as, shape);
  add_values(literal, as, values);
  return converted(result, element);
}

Value ProgramWriter::constant(const std::vector<float>& values, const Shape& shape) {
  return constant(std::vector<double>(values.begin(), values.end()), HloElement::f32, shape);
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
  return binary(opcode, a, filled(a.element, b, a.shape));
}

Value ProgramWriter::compared(const char* direction, const Value& a, const Value& b) {
  const Value result = next(HloElement::pred, a.shape);
  add("compare", result, {a, b}).set_comparison_direction(direction);
  return result;
}

Value ProgramWriter::selected(const Value& condition, const Value& a, const Value& b) {
  const Value result = next(a.element, a.shape);
  add("select", result, {condition, a, b});
  return result;
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

Value ProgramWriter::filled(HloElement element, double value, const Shape& shape) {
  return broadcast(constant(element, value), shape, {});
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
