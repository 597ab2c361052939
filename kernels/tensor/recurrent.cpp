#include "kernels/tensor/recurrent.h"

#include <algorithm>
#include <vector>

#include "kernels/split.h"
#include "kernels/tensor/floats.h"
#include "kernels/tensor/products.h"
#include "kernels/tensor/unary.h"
#include "kernels/tensor/wide.h"

namespace batchtune::kernels::tensor {
namespace {

constexpr GemmCall kByRows{.transpose_b = true};  // weights lie as [out][in]

struct Sizes {
  std::int64_t steps = 0, batch = 0, features = 0, directions = 0, hidden = 0, gates = 0;
  Shape state(bool batch_first) const {
    return batch_first ? Shape{batch, directions, hidden} : Shape{directions, batch, hidden};
  }
  Shape all(bool batch_first) const {
    return batch_first ? Shape{batch, steps, directions, hidden}
                       : Shape{steps, directions, batch, hidden};
  }
};

Outcome check(const Recurrent& how, const RecurrentInputs& in, const RecurrentOutputs& out,
              Sizes& s) {
  const Shape& x = in.in.shape;
  if (x.size() != 3 || in.weights.shape.size() != 3 || in.recurrence.shape.size() != 3) {
    return {"input, weights or recurrence are not of 3 axes"};
  }
  s.gates = gates_of(how.cell);
  s.directions = (how.forward ? 1 : 0) + (how.backward ? 1 : 0);
  s.steps = x[how.batch_first ? 1 : 0];
  s.batch = x[how.batch_first ? 0 : 1];
  s.features = x[2];
  s.hidden = in.recurrence.shape[2];
  const std::int64_t rows = s.gates * s.hidden;
  if (in.weights.shape != Shape{s.directions, rows, s.features} ||
      in.recurrence.shape != Shape{s.directions, rows, s.hidden}) {
    return {"weights and recurrence do not fit the input and each other"};
  }
  const auto fits = [&](const ConstTensor* tensor, const Shape& shape) {
    return tensor == nullptr || (tensor->shape == shape && is_float(tensor->type));
  };
  if (!is_float(in.in.type) || !is_float(in.weights.type) || !is_float(in.recurrence.type) ||
      !fits(in.bias, {s.directions, 2 * rows}) ||
      !fits(in.peepholes, {s.directions, 3 * s.hidden}) ||
      !fits(in.state, s.state(how.batch_first)) || !fits(in.cell, s.state(how.batch_first))) {
    return {"bias, states or peepholes do not fit, or a tensor is no float"};
  }
  if (in.lengths != nullptr && in.lengths->elements() != s.batch) {
    return {"not one length for each sample"};
  }
  const auto takes = [](const Tensor* tensor, const Shape& shape) {
    return tensor == nullptr || (tensor->shape == shape && is_float(tensor->type));
  };
  if (!takes(out.all, s.all(how.batch_first)) || !takes(out.state, s.state(how.batch_first)) ||
      !takes(out.cell, s.state(how.batch_first))) {
    return {"an output has another shape"};
  }
  return kDone;
}

using Buffer = std::vector<float>;
Buffer zeros(std::int64_t count) {
  return Buffer(static_cast<std::size_t>(count), 0.0f);
}

// All tensors as f32; empty where they are left out.
struct Data {
  Data(const Context& context, const RecurrentInputs& in)
      : x(context, in.in),
        weights(context, in.weights),
        recurrence(context, in.recurrence),
        bias(context, or_none(in.bias)),
        state(context, or_none(in.state)),
        cell(context, or_none(in.cell)),
        peepholes(context, or_none(in.peepholes)) {}
  static ConstTensor or_none(const ConstTensor* tensor) {
    return tensor == nullptr ? ConstTensor{} : *tensor;
  }
  Floats x, weights, recurrence, bias, state, cell, peepholes;
};

class Direction {
 public:
  Direction(const Context& context, const Recurrent& how, const RecurrentInputs& in,
            const Data& data, const Sizes& sizes, std::int64_t index, const Workspace& workspace)
      : context_(context),
        how_(how),
        in_(in),
        s_(sizes),
        index_(index),
        backward_(how.backward && index + 1 == sizes.directions),
        workspace_(workspace),
        rows_(sizes.gates * sizes.hidden),
        recurrence_(data.recurrence.data() + index * rows_ * sizes.hidden),
        bias_(data.bias.data() == nullptr ? nullptr : data.bias.data() + index * 2 * rows_),
        peepholes_(data.peepholes.data() == nullptr
                       ? nullptr
                       : data.peepholes.data() + index * 3 * sizes.hidden),
        from_input_(zeros(sizes.steps * sizes.batch * rows_)),
        from_state_(zeros(sizes.batch * rows_)),
        reset_(zeros(sizes.batch * sizes.hidden)),
        state_(start(data.state.data())),
        cell_(start(data.cell.data())) {
    outcome_ =
        multiply(data.x.data(), s_.steps * s_.batch, s_.features,
                 data.weights.data() + index * rows_ * s_.features, rows_, from_input_.data());
  }

  Outcome run(float* all) {
    for (std::int64_t step = 0; step < s_.steps && outcome_; ++step) {
      const std::int64_t gates = resets_first() ? 2 : s_.gates;
      outcome_ = multiply(state_.data(), s_.batch, s_.hidden, recurrence_, gates * s_.hidden,
                          from_state_.data());
      if (outcome_ && resets_first()) outcome_ = multiply_reset(step);
      if (!outcome_) break;
      for_samples([&](std::int64_t sample) { advance(step, sample, all); });
    }
    return outcome_;
  }

  // Where a sample's state lies in a tensor of all directions.
  std::int64_t place(std::int64_t sample) const {
    return (how_.batch_first ? sample * s_.directions + index_ : index_ * s_.batch + sample) *
           s_.hidden;
  }
  const Buffer& state() const { return state_; }
  const Buffer& cell() const { return cell_; }

 private:
  bool resets_first() const { return how_.cell == Cell::gru && !how_.linear_before_reset; }

  // [batch][hidden] of this direction, of states as the file has them.
  Buffer start(const float* states) const {
    Buffer out = zeros(s_.batch * s_.hidden);
    for (std::int64_t b = 0; states != nullptr && b < s_.batch; ++b)
      std::copy_n(states + place(b), s_.hidden, out.data() + b * s_.hidden);
    return out;
  }

  // out [rows][n] = a [rows][k] times b [n][k] transposed.
  Outcome multiply(const float* a, std::int64_t rows, std::int64_t k, const float* b,
                   std::int64_t n, float* out) const {
    return gemm(context_, kByRows, {ElementType::f32, {rows, k}, a}, {ElementType::f32, {n, k}, b},
                nullptr, {ElementType::f32, {rows, n}, out}, workspace_);
  }

  template <typename F>
  void for_samples(F f) const {
    split_rows(context_.team, s_.batch, 4 * rows_ * static_cast<std::int64_t>(sizeof(float)),
               [&](std::int64_t begin, std::int64_t end) {
                 for (std::int64_t sample = begin; sample < end; ++sample) f(sample);
               });
  }

  // The step's place in the sequence of a sample; -1 behind its end.
  std::int64_t time(std::int64_t step, std::int64_t sample) const {
    std::int64_t length = s_.steps;
    if (in_.lengths != nullptr)
      length = std::min(length, load_one<std::int64_t>(*in_.lengths, sample));
    if (step >= length) return -1;
    return backward_ ? length - 1 - step : step;
  }

  // What input and biases give to a gate; `both`: with the state's bias.
  float given(const float* row, std::int64_t gate, std::int64_t i, bool both = true) const {
    const std::int64_t at = gate * s_.hidden + i;
    if (bias_ == nullptr) return row[at];
    return row[at] + bias_[at] + (both ? bias_[rows_ + at] : 0.0f);
  }
  const float* input_row(std::int64_t time, std::int64_t sample) const {
    const std::int64_t row = how_.batch_first ? sample * s_.steps + time : time * s_.batch + sample;
    return from_input_.data() + row * rows_;
  }
  float* state_row(std::int64_t sample) { return from_state_.data() + sample * rows_; }

  void clip(float* x) const {
    const auto limit = static_cast<float>(how_.clip);
    for (std::int64_t i = 0; limit > 0 && i < s_.hidden; ++i)
      x[i] = std::clamp(x[i], -limit, limit);
  }

  void apply(std::size_t function, float* x) const {
    const GateFunction& how = how_.functions[static_cast<std::size_t>(index_)][function];
    Team alone;
    const Tensor row{ElementType::f32, {s_.hidden}, x};
    static_cast<void>(
        unary(Context(alone, context_.kernels), how.operation, row, row, how.alpha, how.beta));
  }

  void gate(std::size_t function, float* x) const {
    clip(x);
    apply(function, x);
  }

  // GRU: the state under the reset gate, and its product, in place of the third gate's.
  Outcome multiply_reset(std::int64_t step) {
    Buffer product = zeros(s_.batch * s_.hidden);
    const std::int64_t h = s_.hidden;
    for (std::int64_t sample = s_.batch; sample-- > 0;) {  // rows of 2 gates become rows of 3
      const float* narrow = from_state_.data() + sample * 2 * h;
      std::copy_backward(narrow, narrow + 2 * h, state_row(sample) + 2 * h);
    }
    for_samples([&](std::int64_t sample) {
      const std::int64_t at = time(step, sample);
      float* reset = reset_.data() + sample * h;
      for (std::int64_t i = 0; at >= 0 && i < h; ++i)
        reset[i] = given(input_row(at, sample), 1, i) + state_row(sample)[h + i];
      if (at >= 0) gate(0, reset);
      for (std::int64_t i = 0; i < h; ++i)
        reset[i] *= state_[static_cast<std::size_t>(sample * h + i)];
    });
    const Outcome done =
        multiply(reset_.data(), s_.batch, h, recurrence_ + 2 * h * h, h, product.data());
    for (std::int64_t sample = 0; sample < s_.batch; ++sample)
      std::copy_n(product.data() + sample * h, h, state_row(sample) + 2 * h);
    return done;
  }

  void advance(std::int64_t step, std::int64_t sample, float* all) {
    const std::int64_t at = time(step, sample), h = s_.hidden;
    if (at < 0) return;
    const float* input = input_row(at, sample);
    float* gates = state_row(sample);
    float* state = state_.data() + sample * h;
    if (how_.cell == Cell::rnn) advance_rnn(input, gates, state);
    if (how_.cell == Cell::gru) advance_gru(input, gates, state);
    if (how_.cell == Cell::lstm) advance_lstm(input, gates, state, cell_.data() + sample * h);
    if (all == nullptr) return;
    const std::int64_t row = how_.batch_first ? (sample * s_.steps + at) * s_.directions + index_
                                              : (at * s_.directions + index_) * s_.batch + sample;
    std::copy_n(state, h, all + row * h);
  }

  void advance_rnn(const float* input, float* gates, float* state) const {
    for (std::int64_t i = 0; i < s_.hidden; ++i) gates[i] += given(input, 0, i);
    gate(0, gates);
    std::copy_n(gates, s_.hidden, state);
  }

  // Gates: update, reset, new.
  void advance_gru(const float* input, float* gates, float* state) const {
    const std::int64_t h = s_.hidden;
    float *update = gates, *reset = gates + h, *fresh = gates + 2 * h;
    for (std::int64_t i = 0; i < h; ++i) update[i] += given(input, 0, i);
    gate(0, update);
    if (resets_first()) {
      for (std::int64_t i = 0; i < h; ++i) fresh[i] += given(input, 2, i);
    } else {
      for (std::int64_t i = 0; i < h; ++i) reset[i] += given(input, 1, i);
      gate(0, reset);
      for (std::int64_t i = 0; i < h; ++i) {
        const float own = bias_ == nullptr ? 0 : bias_[rows_ + 2 * h + i];
        fresh[i] = reset[i] * (fresh[i] + own) + given(input, 2, i, false);
      }
    }
    gate(1, fresh);
    for (std::int64_t i = 0; i < h; ++i)
      state[i] = (1 - update[i]) * fresh[i] + update[i] * state[i];
  }

  // Gates: input, output, forget, new; peepholes: input, output, forget.
  void advance_lstm(const float* input, float* gates, float* state, float* cell) const {
    const std::int64_t h = s_.hidden;
    float *in = gates, *out = gates + h, *forget = gates + 2 * h, *fresh = gates + 3 * h;
    const auto peep = [&](std::int64_t gate, std::int64_t i) {
      return peepholes_ == nullptr ? 0.0f : peepholes_[gate * h + i] * cell[i];
    };
    for (std::int64_t i = 0; i < h; ++i) {
      in[i] += given(input, 0, i) + peep(0, i);
      out[i] += given(input, 1, i);
      forget[i] += given(input, 2, i) + peep(2, i);
      fresh[i] += given(input, 3, i);
    }
    gate(0, in);
    gate(0, forget);
    gate(1, fresh);
    for (std::int64_t i = 0; i < h; ++i) {
      const float kept = how_.input_forget ? 1 - in[i] : forget[i];
      cell[i] = kept * cell[i] + in[i] * fresh[i];
      out[i] += peep(1, i);
    }
    gate(0, out);
    std::copy_n(cell, h, state);
    apply(2, state);  // the clip is that of gates
    for (std::int64_t i = 0; i < h; ++i) state[i] *= out[i];
  }

  const Context& context_;
  const Recurrent& how_;
  const RecurrentInputs& in_;
  const Sizes& s_;
  std::int64_t index_;
  bool backward_;
  const Workspace& workspace_;
  std::int64_t rows_;  // of weights: gates x hidden
  const float *recurrence_, *bias_, *peepholes_;
  Buffer from_input_, from_state_, reset_, state_, cell_;
  Outcome outcome_;
};

}  // namespace

std::size_t recurrent_workspace_bytes(const Kernels& kernels, const ConstTensor& weights,
                                      const ConstTensor& recurrence) {
  if (weights.shape.size() != 3 || recurrence.shape.size() != 3) return 0;
  const auto bytes = [&](const Shape& shape) {
    const ConstTensor matrix{ElementType::f32, {shape[1], shape[2]}, nullptr};
    return gemm_workspace_bytes(kernels, kByRows, {ElementType::f32, {1, shape[2]}, nullptr},
                                matrix);
  };
  return std::max(bytes(weights.shape), bytes(recurrence.shape));
}

Outcome recurrent(const Context& context, const Recurrent& how, const RecurrentInputs& in,
                  const RecurrentOutputs& out, const Workspace& workspace) {
  Sizes sizes;
  if (const Outcome ok = check(how, in, out, sizes); !ok) return ok;
  const Data data(context, in);
  const auto room = [](const Tensor* tensor) { return tensor == nullptr ? Tensor{} : *tensor; };
  const FloatsOut all(room(out.all)), state(room(out.state)), cell(room(out.cell));
  if (out.all != nullptr) std::fill_n(all.data(), out.all->elements(), 0.0f);
  for (std::int64_t i = 0; i < sizes.directions; ++i) {
    Direction direction(context, how, in, data, sizes, i, workspace);
    if (const Outcome ok = direction.run(out.all == nullptr ? nullptr : all.data()); !ok) return ok;
    for (std::int64_t b = 0; b < sizes.batch; ++b) {
      const std::int64_t from = b * sizes.hidden, to = direction.place(b);
      if (out.state != nullptr)
        std::copy_n(direction.state().data() + from, sizes.hidden, state.data() + to);
      if (out.cell != nullptr)
        std::copy_n(direction.cell().data() + from, sizes.hidden, cell.data() + to);
    }
  }
  const FloatsOut* made[] = {&all, &state, &cell};
  const Tensor* asked[] = {out.all, out.state, out.cell};
  for (std::size_t i = 0; i < 3; ++i) {
    if (asked[i] == nullptr) continue;
    if (const Outcome ok = made[i]->finish(context); !ok) return ok;
  }
  return kDone;
}

}  // namespace batchtune::kernels::tensor
