// Recurrent layers: RNN, GRU, LSTM. The products of all steps with the input are one; those with
// the state follow each other step by step. Floats: f32 is fast, the others are converted.
#pragma once

#include <array>

#include "kernels/tensor/operations.h"
#include "kernels/tensor/tensor.h"
#include "kernels/workspace.h"

namespace batchtune::kernels::tensor {

enum class Cell : std::uint8_t { rnn, gru, lstm };
inline constexpr std::int64_t gates_of(Cell cell) {
  return cell == Cell::rnn ? 1 : cell == Cell::gru ? 3 : 4;
}

struct GateFunction {
  Unary operation = Unary::tanh;
  double alpha = 0, beta = 0;
};

struct Recurrent {
  Cell cell = Cell::rnn;
  bool forward = true, backward = false;  // one of them, or both
  bool batch_first = false;               // [batch][steps][..], states [batch][directions][hidden]
  double clip = 0;                        // what functions are given lies within; 0: anything
  bool linear_before_reset = false;       // GRU: the reset gate acts behind the state's product
  bool input_forget = false;              // LSTM: forget is 1 - input
  // ONNX's f, g and h of each direction; those that a cell has not are not looked at.
  std::array<std::array<GateFunction, 3>, 2> functions{};
};

// In ONNX's shapes, order of gates included; null: zeros, or for `lengths` all steps.
struct RecurrentInputs {
  ConstTensor in;                          // [steps][batch][features]
  ConstTensor weights;                     // [directions][gates * hidden][features]
  ConstTensor recurrence;                  // [directions][gates * hidden][hidden]
  const ConstTensor* bias = nullptr;       // [directions][2 * gates * hidden]
  const ConstTensor* lengths = nullptr;    // [batch], i32: what lies behind gives zeros
  const ConstTensor* state = nullptr;      // [directions][batch][hidden]
  const ConstTensor* cell = nullptr;       // the same, LSTM
  const ConstTensor* peepholes = nullptr;  // [directions][3 * hidden], LSTM
};
// Null where they are not asked for.
struct RecurrentOutputs {
  const Tensor* all = nullptr;  // [steps][directions][batch][hidden]
  const Tensor* state = nullptr;
  const Tensor* cell = nullptr;
};
Outcome recurrent(const Context& context, const Recurrent& how, const RecurrentInputs& in,
                  const RecurrentOutputs& out, const Workspace& workspace = {});
// Bytes for each lane of the team; 0 where none are used.
std::size_t recurrent_workspace_bytes(const Kernels& kernels, const ConstTensor& weights,
                                      const ConstTensor& recurrence);

}  // namespace batchtune::kernels::tensor
