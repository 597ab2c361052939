// Layer norm and RMS norm, found from the square root in their middle.
#include <algorithm>

#include "tuner/backend/imported/patterns.h"

namespace batchtune::imported {
namespace {

// x / sqrt(mean(x^2) + epsilon), of x itself or of x less its mean.
struct Norm {
  int x = kLeftOut;
  bool centred = false;
  double epsilon = 0;
  int normalised = kLeftOut;  // before gain and bias
};

class Norms {
 public:
  explicit Norms(GraphEditor& edit) : edit_(edit) {}

  void run() {
    for (int i = 0; i < edit_.node_count(); ++i)
      if (const auto norm = find(i)) make(*norm);
    for (int i = 0; i < edit_.node_count(); ++i) make_native(i);
    edit_.finish();
  }

 private:
  const GraphNode& node(int index) const { return edit_.node(index); }
  const BatchedShape* shape(int tensor) const {
    const auto& known = edit_.tensor(tensor).shape;
    return known ? &*known : nullptr;
  }

  // Of what `tensor` is the mean over the last dimension, which is kept as 1; kLeftOut: of nothing.
  int mean_of(int tensor) const {
    const GraphNode* mean = written_by(edit_, tensor, "ReduceMean");
    if (!mean || integer(*mean, "keepdims", 1) == 0) return kLeftOut;
    const int in = mean->inputs[0];
    const BatchedShape* sizes = shape(in);
    std::vector<std::int64_t> axes = integers(*mean, "axes");
    if (has_input(*mean, 1)) axes = whole_numbers(edit_.tensor(mean->inputs[1])).value_or(axes);
    if (!sizes || axes.size() != 1) return kLeftOut;
    const auto rank = static_cast<std::int64_t>(sizes->sizes.size());
    return (axes[0] + rank) % rank == rank - 1 ? in : kLeftOut;
  }

  // x where the tensor is x less its mean; kLeftOut where it is not.
  int centred(int tensor) const {
    const GraphNode* less = written_by(edit_, tensor, "Sub");
    return less && mean_of(less->inputs[1]) == less->inputs[0] ? less->inputs[0] : kLeftOut;
  }

  int squared(int tensor) const {
    if (const GraphNode* power = written_by(edit_, tensor, "Pow"))
      return constant(edit_, power->inputs[1]) == 2.0 ? power->inputs[0] : kLeftOut;
    const GraphNode* product = written_by(edit_, tensor, "Mul");
    return product && product->inputs[0] == product->inputs[1] ? product->inputs[0] : kLeftOut;
  }

  // From the node that takes the root, and what its result divides.
  std::optional<Norm> find(int index) const {
    const GraphNode& root = node(index);
    bool inverse = false;
    if (is(root, "Pow")) {
      const auto exponent = constant(edit_, root.inputs[1]);
      inverse = exponent == -0.5;
      if (!inverse && exponent != 0.5) return std::nullopt;
    } else if (!is(root, "Sqrt")) {
      return std::nullopt;
    }
    const GraphNode* sum = written_by(edit_, root.inputs[0], "Add");
    const auto epsilon = sum ? with_constant(edit_, *sum) : std::nullopt;
    if (!epsilon) return std::nullopt;
    const int square = mean_of(epsilon->other);
    const int base = square == kLeftOut ? kLeftOut : squared(square);
    if (base == kLeftOut) return std::nullopt;
    Norm norm{base, false, epsilon->value, kLeftOut};
    if (const int x = centred(base); x != kLeftOut) norm = {x, true, epsilon->value, kLeftOut};
    norm.normalised = normalised(norm, root.outputs[0], inverse);
    return norm.normalised == kLeftOut ? std::nullopt : std::optional(norm);
  }

  bool is_numerator(const Norm& norm, int tensor) const {
    return norm.centred ? centred(tensor) == norm.x : tensor == norm.x;
  }

  // What is x (less its mean) over the root, or times its inverse.
  int normalised(const Norm& norm, int root, bool inverse) const {
    for (const int reader : edit_.readers(root)) {
      const GraphNode& one = node(reader);
      if (inverse && is(one, "Mul") &&
          is_numerator(norm, one.inputs[one.inputs[0] == root ? 1 : 0]))
        return one.outputs[0];
      if (inverse) continue;
      if (is(one, "Div") && one.inputs[1] == root) {
        if (is_numerator(norm, one.inputs[0])) return one.outputs[0];
        if (constant(edit_, one.inputs[0]) == 1.0) {
          if (const int found = normalised(norm, one.outputs[0], true); found != kLeftOut)
            return found;
        }
      }
      if (is(one, "Reciprocal")) {
        if (const int found = normalised(norm, one.outputs[0], true); found != kLeftOut)
          return found;
      }
    }
    return kLeftOut;
  }

  // `length` numbers that are spread over the last dimension, as a 1-D tensor; kLeftOut: not that.
  int vector_of(int tensor, std::int64_t length) {
    if (!edit_.has_value(tensor) || edit_.tensor(tensor).type != ElementType::f32) return kLeftOut;
    const Shape sizes = edit_.tensor(tensor).shape->sizes;
    if (sizes.empty() || sizes.back() != length || elements(sizes) != length) return kLeftOut;
    if (sizes.size() == 1) return tensor;
    return edit_.add_floats(edit_.tensor(tensor).name + ".flat", {length},
                            *floats(edit_.tensor(tensor)));
  }

  // The one node behind `out` that is `op_type` with such a vector: its result, and the vector.
  std::optional<std::pair<int, int>> behind(int out, const char* op_type, std::int64_t length) {
    const int reader = only_reader(edit_, out);
    if (reader < 0) return std::nullopt;
    const GraphNode& next = node(reader);
    if (!is(next, op_type)) return std::nullopt;
    const int other = next.inputs[next.inputs[0] == out ? 1 : 0];
    const int vector = vector_of(other, length);
    if (vector == kLeftOut) return std::nullopt;
    return std::pair(next.outputs[0], vector);
  }

  void make(const Norm& norm) {
    const BatchedShape* sizes = shape(norm.x);
    if (!sizes || sizes->sizes.empty() || edit_.tensor(norm.x).type != ElementType::f32) return;
    const std::int64_t length = sizes->sizes.back();
    int out = norm.normalised, gain = kLeftOut, bias = kLeftOut;
    if (const auto found = behind(out, "Mul", length)) std::tie(out, gain) = *found;
    if (norm.centred)
      if (const auto found = behind(out, "Add", length)) std::tie(out, bias) = *found;
    if (gain == kLeftOut)
      gain = edit_.add_floats(edit_.tensor(out).name + ".gain", {length},
                              std::vector<float>(static_cast<std::size_t>(length), 1.0F));
    const int place = edit_.writer(out);
    GraphNode made =
        norm.centred ? make_node("", "LayerNormalization", 17, {norm.x, gain, bias}, node(place))
                     : make_node("", "RMSNormalization", 23, {norm.x, gain}, node(place));
    made.attributes["axis"] = std::int64_t{-1};
    made.attributes["epsilon"] = norm.epsilon;
    edit_.replace(place, std::move(made));
  }

  void make_native(int index) {
    const GraphNode one = node(index);
    const bool layer = one.op_type == "LayerNormalization" &&
                       (one.domain.empty() || one.domain == "com.microsoft");
    if (!layer && !is(one, "RMSNormalization")) return;
    const int in = one.inputs[0], out = one.outputs[0];
    for (std::size_t i = 1; i < one.outputs.size(); ++i)
      if (one.outputs[i] != kLeftOut) {
        if (edit_.is_output(one.outputs[i]) || !edit_.readers(one.outputs[i]).empty()) return;
      }
    if (!is_native_tensor(edit_.tensor(in)) || !is_native_tensor(edit_.tensor(out))) return;
    const BatchedShape& sizes = *shape(in);
    const auto rank = static_cast<std::int64_t>(sizes.sizes.size());
    if (integer(one, "axis", -1) != -1 && integer(one, "axis", -1) != rank - 1) return;
    if (sizes.batch_axis == rank - 1) return;
    const std::int64_t length = sizes.sizes.back();
    const int gain = vector_of(one.inputs[1], length);
    int bias = has_input(one, 2) ? vector_of(one.inputs[2], length) : kLeftOut;
    if (gain == kLeftOut || (has_input(one, 2) && bias == kLeftOut)) return;
    if (layer && bias == kLeftOut)
      bias = edit_.add_floats(edit_.tensor(out).name + ".bias", {length},
                              std::vector<float>(static_cast<std::size_t>(length), 0.0F));
    GraphNode made = make_node(kNative, layer ? "LayerNorm" : "RmsNorm", 1, {in, gain}, one);
    if (layer) made.inputs.push_back(bias);
    made.outputs = {out};
    made.attributes["epsilon"] = number(one, "epsilon", 1e-5);
    edit_.replace(index, std::move(made));
  }

  GraphEditor& edit_;
};

}  // namespace

void recognise_norms(GraphEditor& edit) {
  Norms(edit).run();
}

}  // namespace batchtune::imported
