// Writes an XLA program down instruction by instruction. It knows XLA's operations and nothing of
// models. Internal to this folder.
#pragma once

#include <cstdint>
#include <map>
#include <string>
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

// Sums and maxima, over dimensions or windows.
enum class Fold { sum, maximum };

// Dimensions of the operands of a product that lie side by side in the result, and those that are
// summed over.
struct DotDims {
  Dims left_batch, right_batch;
  std::int64_t left_inner = 0, right_inner = 0;
};

class ProgramWriter {
 public:
  explicit ProgramWriter(std::string name);

  // Instructions are named after this from here on.
  void begin(const std::string& prefix) { prefix_ = prefix; }

  Value parameter(const HloTensor& tensor);          // numbered in the order of the calls
  Value constant(HloElement element, double value);  // scalar; equal ones are one instruction
  Value constant(const std::vector<float>& values, const Shape& shape);  // f32

  Value unary(const char* opcode, const Value& x);
  Value binary(const char* opcode, const Value& a, const Value& b);  // of equal shapes
  Value binary(const char* opcode, const Value& a, double b);
  Value converted(const Value& x, HloElement element);  // x itself where it is of that already
  // Dimension i of x becomes dimension `to[i]` of the shape.
  Value broadcast(const Value& x, const Shape& shape, const Dims& to);

  Value reshaped(const Value& x, const Shape& shape);  // x itself where it has that already
  Value transposed(const Value& x, const Dims& permutation);
  Value sliced(const Value& x, std::int64_t dimension, std::int64_t begin, std::int64_t end);
  Value concatenated(const std::vector<Value>& parts, std::int64_t dimension);

  Value dot(const Value& a, const Value& b, const DotDims& dims);  // batch, rows of a, columns of b
  // x [batch, height, width, channels], filters [height, width, channels / groups, outputs].
  Value convolution(const Value& x, const Value& filters, const Window& window, std::int64_t groups,
                    const Shape& shape);
  Value folded(Fold fold, const Value& x, const Dims& dimensions);
  Value folded_windows(Fold fold, const Value& x, const Window& window, const Shape& shape);
  Value rows(const Value& table, const Value& indices);  // [indices.., columns of the table]

  // Ends the program; `results` and their names are those of the module.
  std::string finish(const std::vector<Value>& values, const std::vector<HloTensor>& results);

 private:
  using Instruction = xla::HloInstructionProto;
  Instruction& add(const std::string& opcode, const Value& result,
                   const std::vector<Value>& operands);
  Value next(HloElement element, Shape shape);
  Value identity(Fold fold, HloElement element);  // what changes nothing when it is folded in
  std::int64_t computation_of(Fold fold, HloElement element);

  xla::HloModuleProto module_;
  xla::HloComputationProto entry_;
  std::string prefix_ = "program";
  std::int64_t last_id_ = 0;  // of instructions; all of a module's differ
  std::int64_t last_computation_ = 0;
  std::int64_t parameters_ = 0;
  std::map<std::pair<HloElement, double>, Value> constants_;
  std::map<std::pair<Fold, HloElement>, std::int64_t> folds_;
};

// Without what XLA does not take in a name.
std::string clean_name(std::string name);

}  // namespace batchtune::hlo
