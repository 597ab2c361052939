// Matrix products.
#include <algorithm>

#include "tuner/workload/hlo/imported/quantised.h"

namespace batchtune::hlo {
namespace {

// A product of matrices, the dimensions before them spread over each other.
Value product(NodeWriter& n, Value a, Value b) {
  ProgramWriter& w = n.w();
  if (a.shape.size() == 1) a = w.reshaped(a, {1, a.shape[0]});
  if (b.shape.size() == 1) b = w.reshaped(b, {b.shape[0], 1});
  const std::int64_t inner = std::ssize(a.shape) - 1;
  if (b.shape.size() == 2)
    return w.dot(a, b,
                 {.left_batch = {}, .right_batch = {}, .left_inner = inner, .right_inner = 0});
  const std::size_t rank = std::max(a.shape.size(), b.shape.size()), batches = rank - 2;
  const auto matrices = [&](const Value& x, const Value& other) {
    Shape whole(rank, 1);
    std::copy(x.shape.begin(), x.shape.end(), whole.end() - std::ssize(x.shape));
    for (std::size_t i = 0; i < batches; ++i) {
      const std::size_t missing = rank - other.shape.size();
      if (whole[i] == 1 && i >= missing) whole[i] = other.shape[i - missing];
    }
    return n.spread(x, whole);
  };
  const Numbers ahead = counted(0, static_cast<std::int64_t>(batches));
  const auto last = static_cast<std::int64_t>(rank) - 1;
  return w.dot(
      matrices(a, b), matrices(b, a),
      {.left_batch = ahead, .right_batch = ahead, .left_inner = last, .right_inner = last - 1});
}

Written matmul(NodeWriter& n) {
  return product(n, n.in(0), n.in(1));
}

// Rows of a and columns of b have zero points and scales of their own, or all have one.
Value whole_product(NodeWriter& n, std::size_t b, std::size_t a_zero, std::size_t b_zero) {
  const std::int64_t rows = std::max<std::int64_t>(n.rank(0) - 2, 0);
  return product(n, without_zero_point(n, 0, a_zero, rows),
                 without_zero_point(n, b, b_zero, n.rank(b) - 1));
}

Written matmul_integer(NodeWriter& n) {
  return whole_product(n, 1, 2, 3);
}

Written qlinear_matmul(NodeWriter& n) {
  const Value sum = whole_product(n, 3, 2, 5);
  const auto rank = std::ssize(sum.shape);
  return requantised(n, sum, {1, rank - 2}, {4, rank - 1}, 6, 7);
}

Written gemm(NodeWriter& n) {
  const bool turn_a = n.integer("transA", 0) != 0, turn_b = n.integer("transB", 0) != 0;
  const double alpha = n.number("alpha", 1), beta = n.number("beta", 1);
  Value result = n.w().dot(n.in(0), n.in(1),
                           {.left_batch = {},
                            .right_batch = {},
                            .left_inner = turn_a ? 0 : 1,
                            .right_inner = turn_b ? 1 : 0});
  if (alpha != 1) result = n.w().binary("multiply", result, alpha);
  if (!n.has(2) || beta == 0) return result;
  Value added = n.spread(n.in(2), result.shape);
  if (beta != 1) added = n.w().binary("multiply", added, beta);
  return n.w().binary("add", result, added);
}

// ---- einsum ----

struct Labelled {
  Value value;
  std::string labels;  // of its dimensions
};

// Without labels that nobody else has: they are summed over.
Labelled summed(NodeWriter& n, const Labelled& x, const std::string& wanted) {
  Numbers gone;
  std::string kept;
  for (std::size_t i = 0; i < x.labels.size(); ++i) {
    if (wanted.find(x.labels[i]) == std::string::npos)
      gone.push_back(static_cast<std::int64_t>(i));
    else
      kept += x.labels[i];
  }
  return {n.w().folded(Fold::sum, x.value, gone), kept};
}

// Dimensions as `order` has them; labels that x has not are of size 1.
Value ordered(NodeWriter& n, const Labelled& x, const std::string& order) {
  Dims permutation;
  Shape shape;
  for (const char label : order) {
    const std::size_t at = x.labels.find(label);
    if (at != std::string::npos) permutation.push_back(static_cast<std::int64_t>(at));
    shape.push_back(at == std::string::npos ? 1 : x.value.shape[at]);
  }
  return n.w().reshaped(n.w().transposed(x.value, permutation), shape);
}

std::string without(const std::string& labels, const std::string& others) {
  std::string kept;
  for (const char label : labels)
    if (others.find(label) == std::string::npos) kept += label;
  return kept;
}

std::string common(const std::string& a, const std::string& b) {
  return without(a, without(a, b));
}

Value flattened(NodeWriter& n, const Value& x, std::size_t batches, std::size_t rows) {
  Shape shape(x.shape.begin(), x.shape.begin() + static_cast<std::ptrdiff_t>(batches));
  shape.push_back(1);
  for (std::size_t i = batches; i < batches + rows; ++i) shape.back() *= x.shape[i];
  shape.push_back(1);
  for (std::size_t i = batches + rows; i < x.shape.size(); ++i) shape.back() *= x.shape[i];
  return n.w().reshaped(x, shape);
}

// Labels that both have and that are wanted afterwards are batches of the product, the others that
// both have are summed over.
Labelled multiplied(NodeWriter& n, Labelled a, Labelled b, const std::string& wanted) {
  a = summed(n, a, b.labels + wanted);
  b = summed(n, b, a.labels + wanted);
  const std::string shared = common(a.labels, b.labels);
  const std::string batch = common(shared, wanted), inner = without(shared, wanted);
  const std::string rows = without(a.labels, shared), columns = without(b.labels, shared);
  const Value left = ordered(n, a, batch + rows + inner);
  const Value right = ordered(n, b, batch + columns + inner);
  const Numbers ahead = counted(0, std::ssize(batch));
  const auto last = std::ssize(batch) + 1;
  Shape shape(left.shape.begin(), left.shape.begin() + std::ssize(batch) + std::ssize(rows));
  shape.insert(shape.end(), right.shape.begin() + std::ssize(batch),
               right.shape.begin() + std::ssize(batch) + std::ssize(columns));
  const Value product = n.w().dot(
      flattened(n, left, batch.size(), rows.size()),
      flattened(n, right, batch.size(), columns.size()),
      {.left_batch = ahead, .right_batch = ahead, .left_inner = last, .right_inner = last});
  return {n.w().reshaped(product, shape), batch + rows + columns};
}

struct Equation {
  std::vector<std::string> inputs;
  std::string output;
};

// "ij,jk->ik", with the result's labels worked out where it has none; nullopt where a label comes
// twice in one operand or dots stand for some.
std::optional<Equation> parse(std::string text, std::size_t operands) {
  text.erase(std::remove(text.begin(), text.end(), ' '), text.end());
  const std::size_t arrow = text.find("->");
  Equation equation;
  std::string all;
  for (const char c : text.substr(0, arrow) + ",") {
    if (c == '.') return std::nullopt;
    if (c == ',') {
      equation.inputs.push_back(all);
      all.clear();
    } else {
      if (all.find(c) != std::string::npos) return std::nullopt;
      all += c;
    }
  }
  if (equation.inputs.size() != operands || text.find('.') != std::string::npos)
    return std::nullopt;
  if (arrow != std::string::npos) {
    equation.output = text.substr(arrow + 2);
    return equation;
  }
  for (const std::string& one : equation.inputs) all += one;
  std::sort(all.begin(), all.end());
  for (const char label : all)
    if (std::count(all.begin(), all.end(), label) == 1) equation.output += label;
  return equation;
}

Written einsum(NodeWriter& n) {
  const auto equation = parse(n.text("equation", ""), n.input_count());
  if (!equation) return not_written("an equation with dots or with a label twice in one operand");
  std::vector<std::string> wanted(n.input_count());  // behind each operand
  wanted.back() = equation->output;
  for (std::size_t i = n.input_count() - 1; i-- > 0;)
    wanted[i] = wanted[i + 1] + equation->inputs[i + 1];
  Labelled result{n.in(0), equation->inputs[0]};
  for (std::size_t i = 1; i < n.input_count(); ++i)
    result = multiplied(n, result, {n.in(i), equation->inputs[i]}, wanted[i]);
  return ordered(n, summed(n, result, equation->output), equation->output);
}

constexpr NodeRow kRows[] = {
    {"", "Einsum", einsum},
    {"", "Gemm", gemm},
    {"", "MatMul", matmul},
    {"", "MatMulInteger", matmul_integer},
    {"", "QLinearMatMul", qlinear_matmul},
};

}  // namespace

std::span<const NodeRow> product_rows() {
  return kRows;
}

}  // namespace batchtune::hlo
