// Writes an XLA program down instruction by instruction. It knows XLA's operations and nothing of
// models. Internal to this folder.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tuner/workload/hlo/hlo.h"
#include "tuner/workload/hlo/hlo.pb.h"

namespace batchtune::hlo {

using Dims = std::vector<std::int64_t>;  // numbers of dimensions, counted with the batch

// What an instruction computed. Shapes are whole: with the batch.
struct Value {
  std::int64_t id = 0;
  HloElement element = HloElement::f32;
  Shape shape;
};

Result<HloElement> hlo_element(DType dtype, const std::string& model);  // of what is computed
bool is_float(HloElement element);
bool is_unsigned(HloElement element);  // truth values too
double least_of(HloElement element);   // the smallest number, of floats minus infinity
double most_of(HloElement element);

// What is done to all elements of dimensions or windows, and by scatter to two at one place.
enum class Fold { sum, product, maximum, minimum, all, any, last };

// Dimensions of the operands of a product that lie side by side in the result, and those that are
// summed over.
struct DotDims {
  Dims left_batch, right_batch;
  std::int64_t left_inner = 0, right_inner = 0;
};

// A window along one dimension.
struct WindowAxis {
  std::int64_t size = 1, stride = 1;
  std::int64_t low = 0, high = 0;  // padding; negative: elements that are left out
  std::int64_t dilation = 1;
  std::int64_t spread = 1;  // of what the window slides over: elements lie so far apart
};
std::int64_t positions(const WindowAxis& window, std::int64_t size);

// Where the dimensions of a convolution's operands lie.
struct ConvDims {
  std::int64_t batch = 0, channels = 1;  // of the image, and of the result
  std::int64_t inputs_of_filters = 1, outputs_of_filters = 0;
  Dims image, filters;  // spatial dimensions in their order
};

// indices [.., n] (n numbers of an element or slice along `index_dimension`; where that is behind
// the last, an index is a single number).
struct GatherDims {
  Dims offsets;    // of the result: those of the slices
  Dims collapsed;  // of the operand: those of which a slice has one, which the result does not have
  Dims indexed;    // of the operand: that each of the numbers belongs to
  std::int64_t index_dimension = 0;
};

class ProgramWriter {
 public:
  explicit ProgramWriter(std::string name);

  // Instructions are named after this from here on.
  void begin(const std::string& prefix) { prefix_ = prefix; }

  Value parameter(const HloTensor& tensor);          // numbered in the order of the calls
  Value constant(HloElement element, double value);  // scalar; equal ones are one instruction
  Value constant(const std::vector<float>& values, const Shape& shape);  // f32
  Value constant(const std::vector<double>& values, HloElement element, const Shape& shape);

  Value unary(const char* opcode, const Value& x);
  Value binary(const char* opcode, const Value& a, const Value& b);  // of equal shapes
  Value binary(const char* opcode, const Value& a, double b);
  Value compared(const char* direction, const Value& a, const Value& b);  // "LT"; pred
  Value selected(const Value& condition, const Value& a, const Value& b);
  Value converted(const Value& x, HloElement element);  // x itself where it is of that already
  // Dimension i of x becomes dimension `to[i]` of the shape.
  Value broadcast(const Value& x, const Shape& shape, const Dims& to);
  Value filled(HloElement element, double value, const Shape& shape);

  // program_moves.cpp
  Value reshaped(const Value& x, const Shape& shape);  // x itself where it has that already
  Value transposed(const Value& x, const Dims& permutation);
  Value sliced(const Value& x, std::int64_t dimension, std::int64_t begin, std::int64_t end,
               std::int64_t stride = 1);
  Value concatenated(const std::vector<Value>& parts, std::int64_t dimension);
  Value reversed(const Value& x, const Dims& dimensions);
  Value padded(const Value& x, const Value& with, const Dims& low, const Dims& high);
  Value numbered(const Shape& shape, std::int64_t dimension);  // s32: the index along a dimension
  Value gathered(const Value& x, const Value& indices, const GatherDims& dims, const Shape& slice,
                 const Shape& shape);
  Value rows(const Value& table, const Value& indices);  // [indices.., columns of the table]
  // Slices of `updates`, whose dimensions those are from `first_window` on, go to where `indices`
  // [.., n] say, the numbers of the first n dimensions.
  Value scattered(Fold fold, const Value& x, const Value& indices, const Value& updates,
                  std::int64_t first_window);
  // Along a dimension, ties in their order; and where each element was (s32).
  std::pair<Value, Value> sorted(const Value& x, std::int64_t dimension, bool largest_first);

  // program_products.cpp
  Value dot(const Value& a, const Value& b, const DotDims& dims);  // batch, rows of a, columns of b
  Value convolution(const Value& x, const Value& filters, const std::vector<WindowAxis>& window,
                    const ConvDims& dims, std::int64_t groups);
  Value folded(Fold fold, const Value& x, const Dims& dimensions);
  Value folded_windows(Fold fold, const Value& x, const std::vector<WindowAxis>& window);

  // Ends the program; `results` and their names are those of the module.
  std::string finish(const std::vector<Value>& values, const std::vector<HloTensor>& results);

 private:
  using Instruction = xla::HloInstructionProto;
  struct Scalars {  // a computation of scalars under way
    xla::HloComputationProto& proto;
    std::string name;
  };
  Instruction& add(const std::string& opcode, const Value& result,
                   const std::vector<Value>& operands);
  Value next(HloElement element, Shape shape);
  Value identity(Fold fold, HloElement element);  // what changes nothing when it is folded in
  std::int64_t computation_of(Fold fold, HloElement element);
  std::int64_t order_of(HloElement element, bool largest_first);
  Scalars begin_scalars(const std::string& name);
  Instruction& add_scalar(Scalars& scalars, const char* opcode, HloElement element);
  std::int64_t finish_scalars(Scalars& scalars, std::int64_t root);

  xla::HloModuleProto module_;
  xla::HloComputationProto entry_;
  std::string prefix_ = "program";
  std::int64_t last_id_ = 0;  // of instructions; all of a module's differ
  std::int64_t last_computation_ = 0;
  std::int64_t parameters_ = 0;
  std::map<std::pair<HloElement, double>, Value> constants_;
  std::map<std::string, std::int64_t> computations_;  // by name
};

void set_shape(xla::ShapeProto& to, HloElement element, const Shape& shape);
void set_program_shape(xla::ProgramShapeProto& program,
                       const xla::HloComputationProto& computation);

// Without what XLA does not take in a name.
std::string clean_name(std::string name);

}  // namespace batchtune::hlo
