#include "tuner/backend/imported/patterns.h"

#include <algorithm>
#include <cmath>

namespace batchtune::imported {
namespace {

constexpr int kMaxDepth = 8;  // nodes above one another; the longest of known formulas has 6

class Reading {
 public:
  Reading(const GraphEditor& edit, int x, int y) : edit_(edit), x_(x), y_(y) {}

  std::optional<Polynomial> of(int tensor, int depth = kMaxDepth) const {
    if (tensor == kLeftOut) return std::nullopt;
    if (tensor == x_) return polynomial({0, 1});
    if (tensor == y_) return polynomial({}, {1});
    if (const auto value = constant(edit_, tensor)) return polynomial({*value});
    const int writer = edit_.writer(tensor);
    if (writer < 0 || depth == 0) return std::nullopt;
    return of_node(edit_.node(writer), depth - 1);
  }

 private:
  std::optional<Polynomial> of_node(const GraphNode& node, int depth) const {
    if (!node.domain.empty()) return std::nullopt;
    const std::string& op = node.op_type;
    if (op == "Neg") return combine(of(node.inputs[0], depth), polynomial({0}), 0, -1);
    if (op != "Add" && op != "Sub" && op != "Mul" && op != "Div" && op != "Pow")
      return std::nullopt;
    if (node.inputs.size() != 2) return std::nullopt;
    if (op == "Pow") return power(of(node.inputs[0], depth), constant(edit_, node.inputs[1]));
    if (op == "Div") {
      const auto divisor = constant(edit_, node.inputs[1]);
      if (!divisor || *divisor == 0) return std::nullopt;
      return combine(of(node.inputs[0], depth), polynomial({0}), 0, 1 / *divisor);
    }
    const auto a = of(node.inputs[0], depth);
    if (!a) return std::nullopt;  // the other side is not looked at in vain
    const auto b = of(node.inputs[1], depth);
    if (op == "Mul") return product(a, b);
    return combine(a, b, op == "Add" ? 1 : -1, 1);
  }

  // a x scale + b x sign
  static std::optional<Polynomial> combine(std::optional<Polynomial> a,
                                           const std::optional<Polynomial>& b, double sign,
                                           double scale) {
    if (!a || !b) return std::nullopt;
    for (std::size_t i = 0; i < Polynomial::kPowersOfX; ++i)
      for (std::size_t j = 0; j < Polynomial::kPowersOfY; ++j)
        a->of[i][j] = a->of[i][j] * scale + b->of[i][j] * sign;
    return a;
  }

  static std::optional<Polynomial> product(const std::optional<Polynomial>& a,
                                           const std::optional<Polynomial>& b) {
    if (!a || !b) return std::nullopt;
    Polynomial out;
    for (std::size_t i = 0; i < Polynomial::kPowersOfX; ++i)
      for (std::size_t j = 0; j < Polynomial::kPowersOfY; ++j)
        for (std::size_t k = 0; k < Polynomial::kPowersOfX; ++k)
          for (std::size_t l = 0; l < Polynomial::kPowersOfY; ++l) {
            const double term = a->of[i][j] * b->of[k][l];
            if (term == 0) continue;
            if (i + k >= Polynomial::kPowersOfX || j + l >= Polynomial::kPowersOfY)
              return std::nullopt;
            out.of[i + k][j + l] += term;
          }
    return out;
  }

  static std::optional<Polynomial> power(const std::optional<Polynomial>& base,
                                         const std::optional<double>& exponent) {
    if (exponent == 2.0) return product(base, base);
    if (exponent == 3.0) return product(product(base, base), base);
    return std::nullopt;
  }

  const GraphEditor& edit_;
  int x_, y_;
};

}  // namespace

bool is_native_tensor(const GraphTensor& tensor) {
  if (tensor.type != ElementType::f32 || !tensor.shape || tensor.is_constant) return false;
  const BatchedShape& shape = *tensor.shape;
  return shape.batch_axis >= 0 && std::all_of(shape.sizes.begin(), shape.sizes.end(),
                                              [](std::int64_t size) { return size > 0; });
}

const GraphNode* written_by(const GraphEditor& edit, int tensor, std::string_view op_type) {
  if (tensor == kLeftOut || edit.writer(tensor) < 0) return nullptr;
  const GraphNode& node = edit.node(edit.writer(tensor));
  return is(node, op_type) ? &node : nullptr;
}

std::optional<double> constant(const GraphEditor& edit, int tensor) {
  return tensor == kLeftOut ? std::nullopt : single(edit.tensor(tensor));
}

std::optional<WithConstant> with_constant(const GraphEditor& edit, const GraphNode& node) {
  if (node.inputs.size() != 2) return std::nullopt;
  if (const auto value = constant(edit, node.inputs[1]))
    return WithConstant{*value, node.inputs[0], false};
  if (const auto value = constant(edit, node.inputs[0]))
    return WithConstant{*value, node.inputs[1], true};
  return std::nullopt;
}

int only_reader(const GraphEditor& edit, int tensor) {
  int only = -1;
  for (const int reader : edit.readers(tensor)) {
    const auto& outputs = edit.node(reader).outputs;
    const bool is_known = std::all_of(outputs.begin(), outputs.end(), [&](int output) {
      return output == kLeftOut || edit.tensor(output).numbers;
    });
    if (is_known) continue;
    if (only >= 0) return -1;
    only = reader;
  }
  return edit.is_output(tensor) ? -1 : only;
}

GraphNode make_node(std::string domain, std::string op_type, std::int64_t opset,
                    std::vector<int> inputs, const GraphNode& instead_of) {
  GraphNode node;
  node.op_type = std::move(op_type);
  node.domain = std::move(domain);
  node.name = instead_of.name;
  node.opset = opset;
  node.inputs = std::move(inputs);
  node.outputs = instead_of.outputs;
  return node;
}

Polynomial polynomial(std::initializer_list<double> of_x, std::initializer_list<double> of_xy) {
  Polynomial out;
  std::size_t i = 0;
  for (const double value : of_x) out.of[i++][0] = value;
  i = 0;
  for (const double value : of_xy) out.of[i++][1] = value;
  return out;
}

bool is_close(const Polynomial& a, const Polynomial& b) {
  constexpr double kOfLarger = 5e-4;  // half a step of f16
  constexpr double kCancelled = 1e-9;
  for (std::size_t i = 0; i < Polynomial::kPowersOfX; ++i)
    for (std::size_t j = 0; j < Polynomial::kPowersOfY; ++j) {
      const double larger = std::max(std::abs(a.of[i][j]), std::abs(b.of[i][j]));
      if (!(std::abs(a.of[i][j] - b.of[i][j]) <= kOfLarger * larger + kCancelled)) return false;
    }
  return true;
}

std::optional<Polynomial> as_polynomial(const GraphEditor& edit, int tensor, int x, int y) {
  return Reading(edit, x, y).of(tensor);
}

}  // namespace batchtune::imported
