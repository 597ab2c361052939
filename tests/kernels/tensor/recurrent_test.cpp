// Recurrent layers against the equations of ONNX's documentation, element by element in double.
#include "kernels/tensor/recurrent.h"

#include <algorithm>
#include <array>

#include "tests/kernels/tensor/support.h"

namespace batchtune::kernels::tensor {
namespace {

constexpr std::int64_t kSteps = 5, kBatch = 3, kFeatures = 7, kHidden = 6;

using Row = std::array<double, kHidden>;

struct Case {
  Recurrent how;
  bool bias = true, lengths = false, states = false, peepholes = false;
};

Recurrent layer(Cell cell) {
  Recurrent how{.cell = cell};
  const GateFunction sigmoid{Unary::sigmoid}, tanh{Unary::tanh};
  for (auto& functions : how.functions)
    functions = cell == Cell::rnn ? std::array{tanh, tanh, tanh} : std::array{sigmoid, tanh, tanh};
  return how;
}

struct Data {
  std::int64_t directions, gates;
  Values<float> x, w, r, bias, state, cell, peepholes;
  Values<std::int32_t> lengths;
};

Data data_of(const Case& c) {
  const std::int64_t d = c.how.forward && c.how.backward ? 2 : 1, gates = gates_of(c.how.cell);
  const bool first = c.how.batch_first;
  const Shape states = first ? Shape{kBatch, d, kHidden} : Shape{d, kBatch, kHidden};
  return {
      d,
      gates,
      numbers(first ? Shape{kBatch, kSteps, kFeatures} : Shape{kSteps, kBatch, kFeatures}, 1, 1),
      numbers({d, gates * kHidden, kFeatures}, 2, 0.5),
      numbers({d, gates * kHidden, kHidden}, 3, 0.5),
      numbers({d, 2 * gates * kHidden}, 4, 0.5),
      numbers(states, 5, 1),
      numbers(states, 6, 1),
      numbers({d, 3 * kHidden}, 7, 1),
      Values<std::int32_t>({kBatch}, {5, 2, 4})};
}

double sigmoid(double x) {
  return 1 / (1 + std::exp(-x));
}

// One sample in one direction.
class Walk {
 public:
  Walk(const Case& c, const Data& d, std::int64_t direction, std::int64_t sample)
      : c_(c), d_(d), direction_(direction), sample_(sample) {
    for (std::int64_t i = 0; i < kHidden; ++i) {
      const Shape at =
          c.how.batch_first ? Shape{sample, direction, i} : Shape{direction, sample, i};
      state[at_(i)] = c.states ? static_cast<double>(d.state.at(at)) : 0;
      cell[at_(i)] = c.states ? static_cast<double>(d.cell.at(at)) : 0;
    }
  }

  void step(std::int64_t time) {
    if (c_.how.cell == Cell::rnn) {
      state = of([&](std::int64_t i) { return std::tanh(limited(gate(0, i, time))); });
    } else if (c_.how.cell == Cell::gru) {
      gru(time);
    } else {
      lstm(time);
    }
  }
  Row state{}, cell{};

 private:
  static std::size_t at_(std::int64_t i) { return static_cast<std::size_t>(i); }
  template <typename F>
  static Row of(F f) {
    Row row;
    for (std::int64_t i = 0; i < kHidden; ++i) row[at_(i)] = f(i);
    return row;
  }
  double limited(double x) const {
    return c_.how.clip > 0 ? std::clamp(x, -c_.how.clip, c_.how.clip) : x;
  }
  double own_bias(std::int64_t g, std::int64_t i, bool of_state) const {
    const std::int64_t at = ((of_state ? d_.gates : 0) + g) * kHidden + i;
    return c_.bias ? static_cast<double>(d_.bias.at({direction_, at})) : 0;
  }
  double from_input(std::int64_t g, std::int64_t i, std::int64_t time) const {
    double sum = own_bias(g, i, false);
    for (std::int64_t k = 0; k < kFeatures; ++k) {
      const Shape at = c_.how.batch_first ? Shape{sample_, time, k} : Shape{time, sample_, k};
      sum += static_cast<double>(d_.x.at(at)) *
             static_cast<double>(d_.w.at({direction_, g * kHidden + i, k}));
    }
    return sum;
  }
  double from_state(std::int64_t g, std::int64_t i, const Row& with) const {
    double sum = own_bias(g, i, true);
    for (std::int64_t k = 0; k < kHidden; ++k)
      sum += with[at_(k)] * static_cast<double>(d_.r.at({direction_, g * kHidden + i, k}));
    return sum;
  }
  double gate(std::int64_t g, std::int64_t i, std::int64_t time) const {
    return from_input(g, i, time) + from_state(g, i, state);
  }
  double peep(std::int64_t g, std::int64_t i) const {
    return c_.peepholes ? static_cast<double>(d_.peepholes.at({direction_, g * kHidden + i})) : 0;
  }

  void gru(std::int64_t time) {
    const Row z = of([&](std::int64_t i) { return sigmoid(limited(gate(0, i, time))); });
    const Row r = of([&](std::int64_t i) { return sigmoid(limited(gate(1, i, time))); });
    const Row reset = of([&](std::int64_t i) { return r[at_(i)] * state[at_(i)]; });
    const Row h = of([&](std::int64_t i) {
      const double late = r[at_(i)] * from_state(2, i, state), early = from_state(2, i, reset);
      return std::tanh(
          limited(from_input(2, i, time) + (c_.how.linear_before_reset ? late : early)));
    });
    state =
        of([&](std::int64_t i) { return (1 - z[at_(i)]) * h[at_(i)] + z[at_(i)] * state[at_(i)]; });
  }

  void lstm(std::int64_t time) {
    const Row before = cell,
              in = of([&](std::int64_t i) {
                return sigmoid(limited(gate(0, i, time) + peep(0, i) * before[at_(i)]));
              });
    const Row forget = of([&](std::int64_t i) {
      return c_.how.input_forget ? 1 - in[at_(i)]
                                 : sigmoid(limited(gate(2, i, time) + peep(2, i) * before[at_(i)]));
    });
    const Row fresh = of([&](std::int64_t i) { return std::tanh(limited(gate(3, i, time))); });
    cell = of([&](std::int64_t i) {
      return forget[at_(i)] * before[at_(i)] + in[at_(i)] * fresh[at_(i)];
    });
    state = of([&](std::int64_t i) {
      return sigmoid(limited(gate(1, i, time) + peep(1, i) * cell[at_(i)])) *
             std::tanh(cell[at_(i)]);
    });
  }

  const Case& c_;
  const Data& d_;
  std::int64_t direction_, sample_;
};

void check(const Case& c) {
  const Data d = data_of(c);
  const bool first = c.how.batch_first;
  Values<float> all(first ? Shape{kBatch, kSteps, d.directions, kHidden}
                          : Shape{kSteps, d.directions, kBatch, kHidden});
  std::fill(all.data.begin(), all.data.end(), 0.0f);
  Values<float> state(d.state.shape), cell(d.state.shape);
  for (std::int64_t direction = 0; direction < d.directions; ++direction)
    for (std::int64_t b = 0; b < kBatch; ++b) {
      Walk walk(c, d, direction, b);
      const std::int64_t length = c.lengths ? d.lengths.at({b}) : kSteps;
      const bool backward = c.how.backward && direction + 1 == d.directions;
      for (std::int64_t s = 0; s < length; ++s) {
        const std::int64_t time = backward ? length - 1 - s : s;
        walk.step(time);
        for (std::int64_t i = 0; i < kHidden; ++i)
          all.at(first ? Shape{b, time, direction, i} : Shape{time, direction, b, i}) =
              static_cast<float>(walk.state[static_cast<std::size_t>(i)]);
      }
      for (std::int64_t i = 0; i < kHidden; ++i) {
        const Shape at = first ? Shape{b, direction, i} : Shape{direction, b, i};
        state.at(at) = static_cast<float>(walk.state[static_cast<std::size_t>(i)]);
        cell.at(at) = static_cast<float>(walk.cell[static_cast<std::size_t>(i)]);
      }
    }
  const ConstTensor bias = d.bias.in(), lengths = d.lengths.in(), states = d.state.in(),
                    cells = d.cell.in(), peepholes = d.peepholes.in();
  const bool lstm = c.how.cell == Cell::lstm;
  const RecurrentInputs in{.in = d.x.in(),
                           .weights = d.w.in(),
                           .recurrence = d.r.in(),
                           .bias = c.bias ? &bias : nullptr,
                           .lengths = c.lengths ? &lengths : nullptr,
                           .state = c.states ? &states : nullptr,
                           .cell = c.states && lstm ? &cells : nullptr,
                           .peepholes = c.peepholes ? &peepholes : nullptr};
  on_all([&](const Context& context) {
    const Scratch scratch(context,
                          recurrent_workspace_bytes(context.kernels, in.weights, in.recurrence));
    for (const Workspace& workspace : {scratch.workspace(), Workspace{}}) {
      Values<float> all_seen(all.shape), state_seen(state.shape), cell_seen(cell.shape);
      const Tensor to_all = all_seen.out(), to_state = state_seen.out(), to_cell = cell_seen.out();
      REQUIRE(recurrent(context, c.how, in, {&to_all, &to_state, lstm ? &to_cell : nullptr},
                        workspace));
      check_near(all_seen, all);
      check_near(state_seen, state);
      if (lstm) check_near(cell_seen, cell);
      REQUIRE(recurrent(context, c.how, in, {nullptr, &to_state, nullptr}, workspace));
      check_near(state_seen, state);
    }
  });
}

}  // namespace

TEST_CASE("recurrent layers are their equations, both ways, with lengths and states",
          "[kernels][tensor]") {
  for (const Cell cell : {Cell::rnn, Cell::gru, Cell::lstm}) {
    CAPTURE(static_cast<int>(cell));
    Recurrent how = layer(cell);
    check({how, false});
    how.backward = true;
    check({.how = how, .lengths = true, .states = true});
    how.batch_first = true;
    check({.how = how, .lengths = true, .states = true});
    how.forward = false;
    how.clip = 0.3;
    check({.how = how, .lengths = true});
  }
}

TEST_CASE("GRU resets behind the product, LSTM has peepholes and one gate for two",
          "[kernels][tensor]") {
  Recurrent gru = layer(Cell::gru);
  gru.linear_before_reset = true;
  check({.how = gru, .states = true});
  check({.how = gru, .bias = false, .states = true});
  Recurrent lstm = layer(Cell::lstm);
  check({.how = lstm, .states = true, .peepholes = true});
  lstm.input_forget = true;
  check({.how = lstm, .peepholes = true});
}

TEST_CASE("recurrent layers refuse weights of other sizes", "[kernels][tensor]") {
  Team team;
  const Case c{layer(Cell::lstm)};
  const Data d = data_of(c);
  CHECK(recurrent(team, c.how, {d.x.in(), d.w.in(), d.r.in()}, {}));
  CHECK_FALSE(recurrent(team, c.how, {d.x.in(), d.r.in(), d.r.in()}, {}));
  CHECK_FALSE(recurrent(team, layer(Cell::gru), {d.x.in(), d.w.in(), d.r.in()}, {}));
}

}  // namespace batchtune::kernels::tensor
