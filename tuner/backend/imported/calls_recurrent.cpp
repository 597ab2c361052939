// RNN, GRU and LSTM as one call each.
#include "kernels/tensor/recurrent.h"
#include "tuner/backend/imported/calls.h"

namespace batchtune::imported {
namespace {

// A function of a gate by ONNX's name, with ONNX's parameters where the node gives none.
struct FunctionRow {
  std::string_view name;
  kt::Unary operation;
  std::optional<double> alpha = {}, beta = {};  // nullopt: it has none
};
constexpr FunctionRow kFunctions[] = {
    {"Elu", kt::Unary::elu, 1.0},
    {"HardSigmoid", kt::Unary::hard_sigmoid, 0.2, 0.5},
    {"LeakyRelu", kt::Unary::leaky_relu, 0.01},
    {"Relu", kt::Unary::relu},
    {"Sigmoid", kt::Unary::sigmoid},
    {"Softplus", kt::Unary::softplus},
    {"Softsign", kt::Unary::softsign},
    {"Tanh", kt::Unary::tanh},
    {"ThresholdedRelu", kt::Unary::thresholded_relu, 1.0},
};

const FunctionRow* find_function(std::string_view name) {
  for (const FunctionRow& row : kFunctions)
    if (row.name == name) return &row;
  return nullptr;
}

// Of all directions, one behind the other.
std::vector<std::string> function_names(const GraphNode& node, kt::Cell cell,
                                        std::size_t directions) {
  auto names = attribute<std::vector<std::string>>(node, "activations", {});
  if (!names.empty()) return names;
  for (std::size_t i = 0; i < directions; ++i) {
    if (cell != kt::Cell::rnn) names.emplace_back("Sigmoid");
    names.emplace_back("Tanh");
    if (cell == kt::Cell::lstm) names.emplace_back("Tanh");
  }
  return names;
}

// Alphas and betas are those of the functions that have one, in their order.
std::string set_functions(const GraphNode& node, std::size_t directions, kt::Recurrent& how) {
  const std::size_t each = how.cell == kt::Cell::rnn ? 1 : how.cell == kt::Cell::gru ? 2 : 3;
  const auto names = function_names(node, how.cell, directions);
  if (names.size() != each * directions)
    return std::to_string(names.size()) + " activations (" + std::to_string(each * directions) +
           " are)";
  const auto alphas = attribute<std::vector<double>>(node, "activation_alpha", {});
  const auto betas = attribute<std::vector<double>>(node, "activation_beta", {});
  std::size_t alpha = 0, beta = 0;
  for (std::size_t i = 0; i < names.size(); ++i) {
    const FunctionRow* row = find_function(names[i]);
    if (!row) return "the activation " + names[i];
    kt::GateFunction& function = how.functions[i / each][i % each];
    function.operation = row->operation;
    if (row->alpha) function.alpha = alpha < alphas.size() ? alphas[alpha++] : *row->alpha;
    if (row->beta) function.beta = beta < betas.size() ? betas[beta++] : *row->beta;
  }
  return "";
}

template <kt::Cell kCell>
MadeCall recurrent(const CallNode& node) {
  const GraphNode& proto = node.node();
  const std::string direction = text(proto, "direction", "forward");
  kt::Recurrent how{.cell = kCell,
                    .forward = direction != "reverse",
                    .backward = direction != "forward",
                    .batch_first = integer(proto, "layout", 0) != 0,
                    .clip = number(proto, "clip", 0),
                    .linear_before_reset = integer(proto, "linear_before_reset", 0) != 0,
                    .input_forget = integer(proto, "input_forget", 0) != 0};
  const std::size_t directions = how.forward && how.backward ? 2 : 1;
  if (std::string why = set_functions(proto, directions, how); !why.empty())
    return no_call(std::move(why));
  return Call{[how](const CallData& data) {
                return kt::recurrent(data.context, how,
                                     {.in = data.in[0],
                                      .weights = data.in[1],
                                      .recurrence = data.in[2],
                                      .bias = data.optional(3),
                                      .lengths = data.optional(4),
                                      .state = data.optional(5),
                                      .cell = data.optional(6),
                                      .peepholes = data.optional(7)},
                                     {data.asked(0), data.asked(1), data.asked(2)}, data.workspace);
              },
              [](const kt::Kernels& kernels, std::span<const kt::ConstTensor> in) {
                return kt::recurrent_workspace_bytes(kernels, in[1], in[2]);
              }};
}

constexpr CallRow kRows[] = {
    {"", "GRU", recurrent<kt::Cell::gru>},
    {"", "LSTM", recurrent<kt::Cell::lstm>},
    {"", "RNN", recurrent<kt::Cell::rnn>},
};

}  // namespace

std::span<const CallRow> recurrent_calls() {
  return kRows;
}

}  // namespace batchtune::imported
