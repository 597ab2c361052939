// Writes one operation of a model as XLA instructions. Internal to this folder.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tuner/workload/hlo/program_writer.h"

namespace batchtune::hlo {

struct ProgramState {
  const Model& model;
  std::int64_t batch;
  HloElement element;  // of weights and activations
  ProgramWriter writer;
  std::vector<Value> values = {};          // of the operations so far
  std::vector<HloTensor> parameters = {};  // in the order of their numbers
};

class OpWriter {
 public:
  OpWriter(ProgramState& state, OpIndex index);
  Value write();

 private:
  // Reads. `i` counts the operation's inputs.
  const Value& in(std::size_t i = 0) const {
    return state_.values[static_cast<std::size_t>(reads_[i])];
  }
  Shape with_batch(const Shape& sample) const;
  Shape shape() const { return with_batch(op_.output); }  // of the result
  std::int64_t last() const {
    return static_cast<std::int64_t>(op_.output.size());
  }  // its last dimension

  // Parameters.
  Value parameter(const std::string& suffix, HloElement element, Shape shape,
                  std::optional<WeightRole> role, int table = 0);
  Value weight(const std::string& suffix, Shape shape, WeightRole role, int table = 0);
  Value bias() {
    return along_rows(weight("bias", {op_.output.back()}, WeightRole::bias), shape());
  }

  // Shared steps.
  Value wide(const Value& x) { return w_.converted(x, HloElement::f32); }
  Value narrow(const Value& x) { return w_.converted(x, state_.element); }
  Value along_rows(const Value& row,
                   const Shape& shape);  // a value for each last index, everywhere
  Value along_columns(const Value& column, const Shape& shape);  // a value for each row, along it
  Value mean_of_rows(const Value& x);
  Value normalised(const Value& x);  // f32: each row over its root mean square
  Value activated(const Value& x, Activation activation);
  Value finished(Value product);  // behind the epilogue

  // products.cpp
  struct Heads {
    Value value;
    std::int64_t heads = 0, rows = 0, columns = 0;  // its dimensions
  };
  Heads heads(std::size_t i, HeadLayout layout);
  Value embedding();
  Value matmul();
  Value batched_matmul();
  // images.cpp
  Value conv2d();
  Value max_pool();
  Value average_pool();
  Value shares_of_windows();
  Value global_pool();
  // rows.cpp
  Value softmax();
  Value layer_norm();
  Value rms_norm();
  // moves.cpp
  Value input();
  Value concat();
  Value transpose();

  ProgramState& state_;
  ProgramWriter& w_;
  OpIndex index_;
  const Op& op_;
  std::vector<OpIndex> reads_;
};

}  // namespace batchtune::hlo
