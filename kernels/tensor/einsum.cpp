// Einsum: the equation read, then loops over all its letters; or, of two f32 operands, one matrix
// product between transpositions.
#include <array>
#include <cstring>
#include <optional>
#include <vector>

#include "kernels/tensor/floats.h"
#include "kernels/tensor/layout.h"
#include "kernels/tensor/products.h"
#include "kernels/tensor/walk.h"
#include "kernels/tensor/wide.h"

namespace batchtune::kernels::tensor {
namespace {

constexpr std::size_t kMaxInputs = 8;

// Axes have labels: letters, and one for each axis of the ellipsis, outermost first.
using Label = int;
constexpr Label kEllipsis = 256;  // and on
using Labels = std::vector<Label>;

struct Equation {
  std::vector<Labels> inputs;
  Labels output;
  std::vector<std::pair<Label, std::int64_t>> sizes;

  std::int64_t* size_of(Label label) {
    for (auto& [known, size] : sizes) {
      if (known == label) return &size;
    }
    return nullptr;
  }
  // Sizes that meet must be equal, or 1 (which broadcasts).
  bool meet(Label label, std::int64_t size) {
    std::int64_t* known = size_of(label);
    if (known == nullptr) {
      sizes.emplace_back(label, size);
      return true;
    }
    if (*known == 1) *known = size;
    return size == 1 || size == *known;
  }
  int count(Label label) const {
    int times = 0;
    for (const Labels& labels : inputs)
      times += static_cast<int>(std::count(labels.begin(), labels.end(), label));
    return times;
  }
};

// A term's letters; its ellipsis stands for `ellipsis` axes.
std::optional<Labels> read_term(std::string_view term, std::size_t ellipsis) {
  Labels labels;
  for (std::size_t i = 0; i < term.size(); ++i) {
    const char c = term[i];
    if (c == ' ') continue;
    if (c == '.') {
      if (term.substr(i, 3) != "...") return std::nullopt;
      i += 2;
      for (std::size_t axis = 0; axis < ellipsis; ++axis) {
        labels.push_back(kEllipsis + static_cast<Label>(axis));
      }
    } else if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) {
      labels.push_back(c);
    } else {
      return std::nullopt;
    }
  }
  return labels;
}

std::size_t letters_of(std::string_view term) {
  return static_cast<std::size_t>(
      std::count_if(term.begin(), term.end(), [](char c) { return c != ' ' && c != '.'; }));
}

bool read_inputs(std::string_view left, std::span<const Shape> shapes, std::size_t& ellipsis,
                 Equation& equation) {
  std::vector<std::string_view> terms;
  for (std::size_t begin = 0;;) {
    const std::size_t comma = left.find(',', begin);
    terms.push_back(left.substr(begin, comma - begin));
    if (comma == std::string_view::npos) break;
    begin = comma + 1;
  }
  if (terms.size() != shapes.size() || terms.size() > kMaxInputs) return false;
  for (std::size_t i = 0; i < terms.size(); ++i) {
    const std::size_t letters = letters_of(terms[i]);
    if (terms[i].find('.') == std::string_view::npos) continue;
    if (letters > shapes[i].size()) return false;
    ellipsis = std::max(ellipsis, shapes[i].size() - letters);
  }
  for (std::size_t i = 0; i < terms.size(); ++i) {
    std::optional<Labels> labels = read_term(terms[i], ellipsis);
    if (!labels) return false;
    // An ellipsis of fewer axes has the last ones.
    const auto first =
        std::find_if(labels->begin(), labels->end(), [](Label l) { return l >= kEllipsis; });
    if (first != labels->end() && labels->size() > shapes[i].size()) {
      const std::size_t missing = labels->size() - shapes[i].size();
      if (missing > ellipsis) return false;
      labels->erase(first, first + static_cast<std::ptrdiff_t>(missing));
    }
    if (labels->size() != shapes[i].size()) return false;
    for (std::size_t axis = 0; axis < labels->size(); ++axis) {
      if (!equation.meet((*labels)[axis], shapes[i][axis])) return false;
    }
    equation.inputs.push_back(std::move(*labels));
  }
  return true;
}

// Without "->": the ellipsis, then the letters that are there once, in the order of their codes.
Labels implied_output(const Equation& equation, std::size_t ellipsis) {
  Labels output;
  for (std::size_t i = 0; i < ellipsis; ++i) output.push_back(kEllipsis + static_cast<Label>(i));
  for (Label letter = 'A'; letter <= 'z'; ++letter) {
    if (equation.count(letter) == 1) output.push_back(letter);
  }
  return output;
}

std::optional<Equation> read_equation(std::string_view text, std::span<const Shape> shapes) {
  Equation equation;
  const std::size_t arrow = text.find("->");
  std::size_t ellipsis = 0;
  if (!read_inputs(text.substr(0, arrow), shapes, ellipsis, equation)) return std::nullopt;
  if (arrow == std::string_view::npos) {
    equation.output = implied_output(equation, ellipsis);
  } else {
    std::optional<Labels> output = read_term(text.substr(arrow + 2), ellipsis);
    if (!output) return std::nullopt;
    equation.output = std::move(*output);
  }
  for (const Label label : equation.output) {
    const bool twice = std::count(equation.output.begin(), equation.output.end(), label) != 1;
    if (equation.size_of(label) == nullptr || twice) return std::nullopt;
  }
  if (equation.output.size() > kMaxRank || equation.sizes.size() > kMaxRank) return std::nullopt;
  return equation;
}

Shape output_shape(Equation& equation) {
  Shape shape;
  for (const Label label : equation.output) shape.push_back(*equation.size_of(label));
  return shape;
}

// ---- loops ----

using Loops = Walk<kMaxInputs>;

// Steps of every input along a label: an axis of size 1 stands still, a repeated one is a diagonal.
Loops::Offsets steps_along(Label label, const Equation& equation,
                           std::span<const ConstTensor> inputs) {
  Loops::Offsets steps{};
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const Shape strides = dense_strides(inputs[i].shape);
    for (std::size_t axis = 0; axis < strides.size(); ++axis) {
      if (equation.inputs[i][axis] == label && inputs[i].shape[axis] != 1)
        steps[i] += strides[axis];
    }
  }
  return steps;
}

template <typename W>
void sum_products(const Context& context, Equation& equation, std::span<const ConstTensor> inputs,
                  const Tensor& out) {
  Loops outer, summed;
  for (const Label label : equation.output) {
    outer.append(*equation.size_of(label), steps_along(label, equation, inputs));
  }
  for (const auto& [label, size] : equation.sizes) {
    const bool kept = std::count(equation.output.begin(), equation.output.end(), label) != 0;
    if (!kept) summed.append(size, steps_along(label, equation, inputs));
  }
  outer.close();
  summed.close();
  const auto step = summed.inner_stride(), outer_step = outer.inner_stride();
  const auto total = [&](const Loops::Offsets& start) {
    W sum{};
    for_runs(summed, 0, summed.elements, [&](std::int64_t, const auto& offset, std::int64_t n) {
      for (std::int64_t j = 0; j < n; ++j) {
        W term{1};
        for (std::size_t i = 0; i < inputs.size(); ++i) {
          term *= load_one<W>(inputs[i], start[i] + offset[i] + j * step[i]);
        }
        sum += term;
      }
    });
    return sum;
  };
  const std::int64_t bytes = std::max<std::int64_t>(1, summed.elements) * 8;
  split_rows(context.team, outer.elements, bytes, [&](std::int64_t begin, std::int64_t end) {
    for_runs(outer, begin, end, [&](std::int64_t first, auto offset, std::int64_t n) {
      for (std::int64_t i = 0; i < n; ++i) {
        const W sum = total(offset);
        store(out.type, &sum, 1, out.data, first + i);
        for (std::size_t j = 0; j < inputs.size(); ++j) offset[j] += outer_step[j];
      }
    });
  });
}

// ---- as one product ----

bool has(const Labels& labels, Label label) {
  return std::find(labels.begin(), labels.end(), label) != labels.end();
}

// Labels by what they are in a product: in both and the output, in one and the output, in both
// only.
struct Roles {
  Labels batch, rows, columns, inner;
};

bool find_roles(const Equation& equation, std::span<const ConstTensor> inputs, Roles& roles) {
  if (inputs.size() != 2 || inputs[0].type != ElementType::f32) return false;
  const Labels &a = equation.inputs[0], &b = equation.inputs[1];
  for (const auto& [label, size] : equation.sizes) {
    const bool in_a = has(a, label), in_b = has(b, label), kept = has(equation.output, label);
    if (equation.count(label) != (in_a ? 1 : 0) + (in_b ? 1 : 0)) return false;  // a diagonal
    for (std::size_t i = 0; i < 2; ++i) {
      for (std::size_t axis = 0; axis < equation.inputs[i].size(); ++axis) {
        if (equation.inputs[i][axis] == label && inputs[i].shape[axis] != size) return false;
      }
    }
    if (!kept && !(in_a && in_b)) return false;  // a sum of one operand
    (in_a && in_b ? (kept ? roles.batch : roles.inner)
     : in_a       ? roles.rows
                  : roles.columns)
        .push_back(label);
  }
  return true;
}

std::int64_t elements_along(Equation& equation, const Labels& labels) {
  std::int64_t elements = 1;
  for (const Label label : labels) elements *= *equation.size_of(label);
  return elements;
}

// Axes `from` in the order `to`.
Outcome reorder(const Context& context, Equation& equation, const Labels& from, const Labels& to,
                const void* in, void* out) {
  Shape in_shape, out_shape;
  std::vector<std::int64_t> permutation;
  for (const Label label : from) in_shape.push_back(*equation.size_of(label));
  for (const Label label : to) {
    out_shape.push_back(*equation.size_of(label));
    permutation.push_back(std::find(from.begin(), from.end(), label) - from.begin());
  }
  return transpose(context, {ElementType::f32, in_shape, in}, permutation,
                   {ElementType::f32, out_shape, out});
}

Labels joined(const Labels& a, const Labels& b, const Labels& c) {
  Labels all = a;
  all.insert(all.end(), b.begin(), b.end());
  all.insert(all.end(), c.begin(), c.end());
  return all;
}

Outcome multiply(const Context& context, Equation& equation, const Roles& roles,
                 std::span<const ConstTensor> inputs, const Tensor& out) {
  const std::int64_t batch = elements_along(equation, roles.batch);
  const std::int64_t m = elements_along(equation, roles.rows),
                     n = elements_along(equation, roles.columns);
  const std::int64_t k = elements_along(equation, roles.inner);
  std::vector<float> a(static_cast<std::size_t>(batch * m * k));
  std::vector<float> b(static_cast<std::size_t>(batch * k * n));
  std::vector<float> c(static_cast<std::size_t>(batch * m * n));
  const Labels a_order = joined(roles.batch, roles.rows, roles.inner);
  const Labels b_order = joined(roles.batch, roles.inner, roles.columns);
  Outcome done = reorder(context, equation, equation.inputs[0], a_order, inputs[0].data, a.data());
  if (done)
    done = reorder(context, equation, equation.inputs[1], b_order, inputs[1].data, b.data());
  if (done) {
    done = matmul(context, {ElementType::f32, {batch, m, k}, a.data()},
                  {ElementType::f32, {batch, k, n}, b.data()},
                  {ElementType::f32, {batch, m, n}, c.data()});
  }
  if (!done) return done;
  const Labels c_order = joined(roles.batch, roles.rows, roles.columns);
  return reorder(context, equation, c_order, equation.output, c.data(), out.data);
}

}  // namespace

bool einsum_shape(std::string_view equation, std::span<const Shape> inputs, Shape& out) {
  std::optional<Equation> read = read_equation(equation, inputs);
  if (read) out = output_shape(*read);
  return read.has_value();
}

Outcome einsum(const Context& context, std::string_view equation,
               std::span<const ConstTensor> inputs, const Tensor& out) {
  std::vector<Shape> shapes;
  for (const ConstTensor& input : inputs) {
    if (input.type != out.type) return {"inputs and output differ in type"};
    shapes.push_back(input.shape);
  }
  std::optional<Equation> read = read_equation(equation, shapes);
  if (!read) return {"the equation does not fit the inputs"};
  if (output_shape(*read) != out.shape) return {"the output has not the equation's shape"};
  if (out.elements() == 0) return kDone;
  Roles roles;
  if (find_roles(*read, inputs, roles)) return multiply(context, *read, roles, inputs, out);
  with_wide(out.type, [&](auto tag) {
    using W = decltype(tag);
    // Floats are summed in double: it costs nothing here.
    using Sum = std::conditional_t<std::is_floating_point_v<W>, double, W>;
    sum_products<Sum>(context, *read, inputs, out);
  });
  return kDone;
}

}  // namespace batchtune::kernels::tensor
