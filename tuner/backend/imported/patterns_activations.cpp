// An activation is a product of x with a function of x. From the function (Erf, Tanh, Sigmoid ...)
// this goes down to x, and up to the product, and compares both ways as polynomials.
#include <algorithm>
#include <cmath>
#include <set>

#include "tuner/backend/imported/patterns.h"

namespace batchtune::imported {
namespace {

// What the function computes with, and what becomes of its result y.
struct Form {
  Polynomial inner, outer;
  const char* op_type;  // ONNX's
  std::int64_t opset;
};

const double kRootHalf = std::sqrt(0.5), kGeluScale = std::sqrt(2 / std::acos(-1.0));
constexpr double kGeluCubic = 0.044715;

const Form& gelu_erf() {
  static const Form form{polynomial({0, kRootHalf}), polynomial({0, 0.5}, {0, 0.5}), "Gelu", 20};
  return form;
}
const Form& gelu_tanh() {
  static const Form form{polynomial({0, kGeluScale, 0, kGeluScale * kGeluCubic}),
                         polynomial({0, 0.5}, {0, 0.5}), "Gelu", 20};
  return form;
}
Form hard_swish(Polynomial inner, double outer) {
  return {inner, polynomial({}, {0, outer}), "HardSwish", 14};
}

class Activations {
 public:
  explicit Activations(GraphEditor& edit) : edit_(edit) {}

  void run() {
    for (int i = 0; i < edit_.node_count(); ++i) {
      const GraphNode node = edit_.node(i);
      if (is(node, "Erf")) find(node, {gelu_erf()});
      if (is(node, "Tanh") && !find_mish(node)) find(node, {gelu_tanh()});
      if (is(node, "Sigmoid")) find_swish(node);
      if (is(node, "HardSigmoid")) find_hard_sigmoid(node);
      if (is(node, "Clip")) find_clip(node);
    }
    for (int i = 0; i < edit_.node_count(); ++i) make_native(i);
    edit_.finish();
  }

 private:
  // Tensors that may be the x of what `tensor` computes.
  void collect(int tensor, int depth, std::set<int>& found) const {
    if (constant(edit_, tensor) || !found.insert(tensor).second || depth == 0) return;
    const int writer = edit_.writer(tensor);
    if (writer < 0) return;
    const GraphNode& node = edit_.node(writer);
    for (const char* op : {"Add", "Sub", "Mul", "Div", "Pow"})
      if (is(node, op))
        for (const int input : node.inputs) collect(input, depth - 1, found);
  }

  // The product of x and y, some nodes above y.
  std::optional<int> find_outer(int x, int y, const Polynomial& outer) const {
    constexpr int kMostAbove = 5;
    std::vector<int> level{y};
    for (int above = 0; above < kMostAbove && !level.empty(); ++above) {
      std::vector<int> next;
      for (const int tensor : level)
        for (const int reader : edit_.readers(tensor)) {
          const int out = edit_.node(reader).outputs[0];
          const auto found = as_polynomial(edit_, out, x, y);
          if (!found) continue;
          if (is_close(*found, outer) && edit_.tensor(out).shape == edit_.tensor(x).shape)
            return out;
          next.push_back(out);
        }
      level = std::move(next);
    }
    return std::nullopt;
  }

  bool make(int x, int out, const Form& form, std::map<std::string, GraphAttribute> attributes) {
    const int place = edit_.writer(out);
    GraphNode made = make_node("", form.op_type, form.opset, {x}, edit_.node(place));
    made.attributes = std::move(attributes);
    edit_.replace(place, std::move(made));
    return true;
  }

  bool find(const GraphNode& function, const std::vector<Form>& forms) {
    constexpr int kMostBelow = 6;
    std::set<int> candidates;
    collect(function.inputs[0], kMostBelow, candidates);
    for (const int x : candidates)
      for (const Form& form : forms) {
        const auto inner = as_polynomial(edit_, function.inputs[0], x, kLeftOut);
        if (!inner || !is_close(*inner, form.inner)) continue;
        const auto out = find_outer(x, function.outputs[0], form.outer);
        if (!out) continue;
        const bool tanh = is(function, "Tanh") && std::string_view(form.op_type) == "Gelu";
        std::map<std::string, GraphAttribute> attributes;
        if (tanh) attributes["approximate"] = std::string("tanh");
        return make(x, *out, form, std::move(attributes));
      }
    return false;
  }

  // x sigmoid(alpha x), of which SiLU is alpha = 1.
  bool find_swish(const GraphNode& function) {
    const int in = function.inputs[0];
    std::set<int> candidates{in};
    if (const GraphNode* scaled = written_by(edit_, in, "Mul"))
      candidates.insert(scaled->inputs.begin(), scaled->inputs.end());
    for (const int x : candidates) {
      const auto inner = as_polynomial(edit_, in, x, kLeftOut);
      if (!inner) continue;
      const double alpha = inner->of[1][0];
      if (alpha == 0 || !is_close(*inner, polynomial({0, alpha}))) continue;
      const auto out = find_outer(x, function.outputs[0], polynomial({}, {0, 1}));
      if (!out) continue;
      return make(x, *out, {{}, {}, "Swish", 24}, {{"alpha", alpha}});
    }
    return false;
  }

  bool find_mish(const GraphNode& function) {
    const GraphNode* inner = written_by(edit_, function.inputs[0], "Softplus");
    if (!inner) return false;
    const int x = inner->inputs[0];
    const auto out = find_outer(x, function.outputs[0], polynomial({}, {0, 1}));
    return out && make(x, *out, {{}, {}, "Mish", 18}, {});
  }

  bool find_hard_sigmoid(const GraphNode& function) {
    const auto line = polynomial({number(function, "beta", 0.5), number(function, "alpha", 0.2)});
    if (!is_close(line, polynomial({0.5, 1.0 / 6}))) return false;
    return find(function, {hard_swish(polynomial({0, 1}), 1)});
  }

  // x clip(x + 3, 0, 6) / 6, or x clip(x / 6 + 1/2, 0, 1)
  bool find_clip(const GraphNode& function) {
    const auto bound = [&](std::size_t input, const char* name) -> std::optional<double> {
      if (function.opset >= 11) return constant(edit_, input_of(function, input));
      return function.attributes.count(name) ? std::optional(number(function, name, 0))
                                             : std::nullopt;
    };
    const auto low = bound(1, "min"), high = bound(2, "max");
    if (low != 0.0) return false;
    if (high == 6.0) return find(function, {hard_swish(polynomial({3, 1}), 1.0 / 6)});
    if (high == 1.0) return find(function, {hard_swish(polynomial({0.5, 1.0 / 6}), 1)});
    return false;
  }

  // The name of the native activation that the node is; "": none.
  static std::string native_name(const GraphNode& node) {
    const bool microsoft = node.domain == "com.microsoft";
    if (is(node, "Gelu")) return text(node, "approximate", "none") == "tanh" ? "gelu" : "gelu-erf";
    if (microsoft && node.op_type == "Gelu") return "gelu-erf";
    if (microsoft && node.op_type == "FastGelu" && !has_input(node, 1)) return "gelu";
    if (is(node, "Swish") && std::abs(number(node, "alpha", 1) - 1) < 1e-6) return "silu";
    return "";
  }

  void make_native(int index) {
    const GraphNode& node = edit_.node(index);
    const std::string name = native_name(node);
    if (name.empty()) return;
    if (!is_native_tensor(edit_.tensor(node.inputs[0])) ||
        !is_native_tensor(edit_.tensor(node.outputs[0])))
      return;
    GraphNode made = make_node(kNative, "Activation", 1, {node.inputs[0]}, node);
    made.attributes["activation"] = name;
    edit_.replace(index, std::move(made));
  }

  GraphEditor& edit_;
};

}  // namespace

void recognise_activations(GraphEditor& edit) {
  Activations(edit).run();
}

}  // namespace batchtune::imported
