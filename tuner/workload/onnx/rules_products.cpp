// Matrix work: convolutions, products, recurrent layers.
#include <algorithm>
#include <map>

#include "tuner/workload/onnx/rules.h"

namespace batchtune::onnx_file {
namespace {

double count(const Shape& shape) {
  return static_cast<double>(elements(shape));
}

// Quantised operations give another type than they take.
int product_type(const NodeView& node) {
  constexpr std::size_t kZeroOfOutput = 7, kZeroOfGemm = 8;
  const std::string& op = node.op();
  if (op.ends_with("Integer")) return ::onnx::TensorProto::INT32;
  if (op.starts_with("QLinear") && node.has(kZeroOfOutput)) return node.in(kZeroOfOutput).type;
  if (op == "QGemm")
    return node.has(kZeroOfGemm) ? node.in(kZeroOfGemm).type : int{::onnx::TensorProto::FLOAT};
  return node.in(0).type;
}

// Image and filters of the same number of dimensions, and a group that divides the channels.
Status check_filters(const NodeView& node, const Shape& image, const Shape& filters) {
  if (image.size() < 3 || filters.size() != image.size())
    return node.fail("filters of as many dimensions as the image, 3 at least",
                     shape_text(filters) + " for " + shape_text(image));
  const std::int64_t group = node.integer("group", 1);
  if (group < 1 || image[1] % group != 0)
    return node.fail("a group that divides the " + std::to_string(image[1]) + " channels",
                     std::to_string(group));
  return {};
}

}  // namespace

std::size_t weight_input(const NodeView& node) {
  return node.op().starts_with("QLinear") || node.op() == "QGemm" ? 3 : 1;
}

Result<Outputs> conv(const NodeView& node) {
  const std::size_t at = weight_input(node);
  BT_TRY_VOID(node.want_inputs(at + 1));
  const Shape &image = node.shape(0), &filters = node.shape(at);
  BT_TRY_VOID(check_filters(node, image, filters));
  const std::int64_t group = node.integer("group", 1);
  if (filters[1] != image[1] / group || filters[0] % group != 0)
    return node.fail("filters over " + std::to_string(image[1] / group) + " channels in " +
                         std::to_string(group) + " group(s)",
                     shape_text(filters) + " for " + shape_text(image));
  BT_TRY(sizes, slide(node, spatial(image), spatial(filters)));
  Shape out{image[0], filters[0]};
  out.insert(out.end(), sizes.begin(), sizes.end());
  return Outputs{{product_type(node), std::move(out), {}}};
}

double conv_work(const NodeView& node, const Outputs& outputs) {
  const Shape& filters = node.shape(weight_input(node));
  return 2 * output_work(node, outputs) * count(Shape(filters.begin() + 1, filters.end()));
}

Result<Outputs> conv_transpose(const NodeView& node) {
  BT_TRY_VOID(node.want_inputs(2));
  const Shape &image = node.shape(0), &filters = node.shape(1);
  BT_TRY_VOID(check_filters(node, image, filters));
  if (filters[0] != image[1])
    return node.fail("filters over " + std::to_string(image[1]) + " channels", shape_text(filters));
  Shape out{image[0], filters[1] * node.integer("group", 1)};
  const Shape given = node.integer_list("output_shape"), pads = node.integer_list("pads"),
              strides = node.integer_list("strides"), dilations = node.integer_list("dilations"),
              more = node.integer_list("output_padding");
  const bool same = node.text("auto_pad", "NOTSET").starts_with("SAME");
  const std::size_t rank = image.size() - 2;
  const auto of = [](const Shape& list, std::size_t i, std::int64_t otherwise) {
    return i < list.size() ? std::clamp<std::int64_t>(list[i], 0, 1 << 20) : otherwise;
  };
  for (std::size_t i = 0; i < rank; ++i) {
    const std::int64_t stride = of(strides, i, 1);
    const std::int64_t extent =
        (std::min<std::int64_t>(filters[i + 2], 1 << 20) - 1) * of(dilations, i, 1) + 1;
    std::int64_t size = stride * (image[i + 2] - 1) + of(more, i, 0) + extent - of(pads, i, 0) -
                        of(pads, rank + i, 0);
    if (same) size = image[i + 2] * stride;
    if (given.size() >= rank) size = of(given, given.size() - rank + i, 0);
    if (size < 1) return node.fail("an output of at least 1", std::to_string(size));
    out.push_back(size);
  }
  return Outputs{{node.in(0).type, std::move(out), {}}};
}

double conv_transpose_work(const NodeView& node, const Outputs&) {
  const Shape& filters = node.shape(1);
  return 2 * count(node.shape(0)) * count(Shape(filters.begin() + 1, filters.end()));
}

Result<Outputs> gemm(const NodeView& node) {
  const std::size_t at = weight_input(node);
  BT_TRY_VOID(node.want_inputs(at + 1));
  Shape a = node.shape(0), b = node.shape(at);
  if (a.size() != 2 || b.size() != 2)
    return node.fail("two matrices", shape_text(a) + " and " + shape_text(b));
  if (node.integer("transA", 0) != 0) std::swap(a[0], a[1]);
  if (node.integer("transB", 0) != 0) std::swap(b[0], b[1]);
  if (a[1] != b[0])
    return node.fail("matrices that can be multiplied", shape_text(a) + " and " + shape_text(b));
  return Outputs{{product_type(node), Shape{a[0], b[1]}, {}}};
}

double gemm_work(const NodeView& node, const Outputs& outputs) {
  const Shape& a = node.shape(0);
  const std::int64_t inner = node.integer("transA", 0) != 0 ? a[0] : a[1];
  return 2 * output_work(node, outputs) * static_cast<double>(inner);
}

Result<Outputs> matmul(const NodeView& node) {
  const std::size_t at = weight_input(node);
  BT_TRY_VOID(node.want_inputs(at + 1));
  Shape a = node.shape(0), b = node.shape(at);
  if (a.empty() || b.empty())
    return node.fail("operands of at least one dimension", shape_text(a) + " and " + shape_text(b));
  const bool row = a.size() == 1, column = b.size() == 1;
  if (row) a.insert(a.begin(), 1);
  if (column) b.push_back(1);
  const std::int64_t inner = a.back(), rows = a[a.size() - 2], columns = b.back();
  if (inner != b[b.size() - 2])
    return node.fail("operands that can be multiplied",
                     shape_text(node.shape(0)) + " and " + shape_text(node.shape(at)));
  BT_TRY(out, broadcast(node, Shape(a.begin(), a.end() - 2), Shape(b.begin(), b.end() - 2)));
  if (!row) out.push_back(rows);
  if (!column) out.push_back(columns);
  return Outputs{{product_type(node), std::move(out), {}}};
}

double matmul_work(const NodeView& node, const Outputs& outputs) {
  return 2 * output_work(node, outputs) * static_cast<double>(node.shape(0).back());
}

namespace {

struct Equation {
  std::vector<std::string> operands;
  std::string result;
};

// "bij,bjk->bik"; nullopt for one with an ellipsis or without an arrow.
std::optional<Equation> equation_of(const NodeView& node) {
  std::string text = node.text("equation", "");
  text.erase(std::remove(text.begin(), text.end(), ' '), text.end());
  const std::size_t arrow = text.find("->");
  if (arrow == std::string::npos || text.find('.') != std::string::npos) return std::nullopt;
  Equation equation{{}, text.substr(arrow + 2)};
  for (std::size_t at = 0; at <= arrow;) {
    const std::size_t comma = std::min(text.find(',', at), arrow);
    equation.operands.push_back(text.substr(at, comma - at));
    at = comma + 1;
  }
  return equation;
}

// Size of each letter; an error where operands differ.
Result<std::map<char, std::int64_t>> letters_of(const NodeView& node, const Equation& equation) {
  std::map<char, std::int64_t> sizes;
  BT_TRY_VOID(node.want_inputs(equation.operands.size()));
  for (std::size_t i = 0; i < equation.operands.size(); ++i) {
    const std::string& letters = equation.operands[i];
    if (letters.size() != node.shape(i).size())
      return node.fail("an operand for " + letters, shape_text(node.shape(i)));
    for (std::size_t k = 0; k < letters.size(); ++k) {
      auto& size = sizes.emplace(letters[k], 1).first->second;
      if (size == 1) size = node.shape(i)[k];
      if (node.shape(i)[k] != size && node.shape(i)[k] != 1)
        return node.fail("operands of equal " + std::string(1, letters[k]),
                         shape_text(node.shape(i)));
    }
  }
  return sizes;
}

}  // namespace

Result<Outputs> einsum(const NodeView& node) {
  BT_TRY_VOID(node.want_inputs(1));
  Facts out{node.in(0).type, std::nullopt, {}};
  const auto equation = equation_of(node);
  if (!equation) return Outputs{std::move(out)};
  BT_TRY(sizes, letters_of(node, *equation));
  out.shape.emplace();
  for (const char letter : equation->result) {
    if (sizes.count(letter) == 0)
      return node.fail("letters of the operands", std::string(1, letter));
    out.shape->push_back(sizes[letter]);
  }
  return Outputs{std::move(out)};
}

double einsum_work(const NodeView& node, const Outputs&) {
  const auto equation = equation_of(node);
  if (!equation) return 0;
  const auto sizes = letters_of(node, *equation);
  double all = sizes ? 2 : 0;
  for (const auto& [letter, size] : sizes.value_or(std::map<char, std::int64_t>()))
    all *= static_cast<double>(size);
  return equation->operands.size() > 1 ? all : all / 2;
}

Result<Outputs> recurrent(const NodeView& node) {
  BT_TRY_VOID(node.want_inputs(3));
  const Shape &x = node.shape(0), &recurrence = node.shape(2);
  if (x.size() != 3 || recurrence.size() != 3)
    return node.fail("a sequence and weights of 3 dimensions",
                     shape_text(x) + " and " + shape_text(recurrence));
  const bool batch_first = node.integer("layout", 0) != 0;
  const std::int64_t length = x[batch_first ? 1 : 0], batch = x[batch_first ? 0 : 1];
  const std::int64_t directions = recurrence[0], hidden = recurrence[2];
  const Shape state =
      batch_first ? Shape{batch, directions, hidden} : Shape{directions, batch, hidden};
  for (const std::size_t initial : {std::size_t{5}, std::size_t{6}})
    if (node.has(initial) && node.shape(initial) != state)
      return node.fail("an initial state " + shape_text(state), shape_text(node.shape(initial)));
  const int type = node.in(0).type;
  return Outputs{{type,
                  batch_first ? Shape{batch, length, directions, hidden}
                              : Shape{length, directions, batch, hidden},
                  {}},
                 {type, state, {}},
                 {type, state, {}}};
}

double recurrent_work(const NodeView& node, const Outputs&) {
  const Shape& x = node.shape(0);
  return 2 * static_cast<double>(x[0] * x[1]) * (count(node.shape(1)) + count(node.shape(2)));
}

}  // namespace batchtune::onnx_file
