#include <algorithm>
#include <cmath>

#include "tuner/backend/imported/native.h"
#include "tuner/backend/imported/passes.h"

namespace batchtune::imported {
namespace {

// x * scale + shift, one of each for every channel.
struct Affine {
  std::vector<float> scale, shift;
};

bool is_product(const GraphNode& node) {
  return is_native(node, "Conv") || is_native(node, "MatMul");
}

class Fusing {
 public:
  explicit Fusing(GraphEditor& edit) : edit_(edit) {}

  void run() {
    for (int i = 0; i < edit_.node_count(); ++i) {
      if (make_conv(i) || make_matmul(i) || absorb_affine(i) || absorb_activation(i) ||
          absorb_residual(i))
        continue;
      make_depthwise(i);
    }
    edit_.finish();
  }

 private:
  const GraphNode& node(int index) const { return edit_.node(index); }
  const GraphTensor& tensor(int index) const { return edit_.tensor(index); }

  bool is_f32(int index) const {
    return tensor(index).type == ElementType::f32 && tensor(index).shape.has_value();
  }
  bool is_image(int index) const {
    return is_f32(index) && tensor(index).shape->sizes.size() == 4 &&
           tensor(index).shape->batch_axis == 0 && tensor(index).shape->sizes[0] == 1;
  }
  bool is_constant_f32(int index) const {
    return edit_.has_value(index) && tensor(index).type == ElementType::f32;
  }

  // ---- products ----

  bool make_conv(int index) {
    const GraphNode& one = node(index);
    if (!is(one, "Conv") || !is_image(one.inputs[0]) || !is_image(one.outputs[0]) ||
        !is_constant_f32(one.inputs[1]) || (has_input(one, 2) && !is_constant_f32(one.inputs[2])))
      return false;
    const Shape& filters = tensor(one.inputs[1]).shape->sizes;
    if (filters.size() != 4 || elements(filters) == 0) return false;
    if (!native_window(edit_.graph(), one, {filters[2], filters[3]}, false)) return false;
    GraphNode made = one;
    made.domain = kNative;
    made.inputs.resize(3, kLeftOut);
    edit_.replace(index, std::move(made));
    return true;
  }

  bool make_matmul(int index) {
    const GraphNode& one = node(index);
    const bool gemm = is(one, "Gemm");
    if ((!gemm && !is(one, "MatMul")) || !is_constant_f32(one.inputs[1])) return false;
    const auto& in = tensor(one.inputs[0]).shape;
    const Shape& matrix = tensor(one.inputs[1]).shape->sizes;
    if (!is_f32(one.inputs[0]) || in->batch_axis < 0 || matrix.size() != 2 ||
        in->sizes.size() < 2 || in->batch_axis + 1 == std::ssize(in->sizes))
      return false;
    if (gemm && integer(one, "transA", 0) != 0) return false;
    const bool transposed = gemm && integer(one, "transB", 0) != 0;
    const std::int64_t columns = matrix[transposed ? 0 : 1];
    std::optional<int> bias = kLeftOut;
    if (gemm && has_input(one, 2)) bias = bias_of_gemm(one, columns);
    if (!bias) return false;
    GraphNode made{"MatMul", kNative, one.name, 1, {}, false, {}, one.outputs};
    const double alpha = gemm ? number(one, "alpha", 1) : 1;
    int weights = one.inputs[1];
    if (alpha != 1) weights = times(weights, static_cast<float>(alpha));
    if (transposed) made.attributes["transposed"] = std::int64_t{1};
    made.inputs = {one.inputs[0], weights, *bias};
    edit_.replace(index, std::move(made));
    return true;
  }

  int times(int constant, float factor) {
    std::vector<float> values = *floats(tensor(constant));
    for (float& value : values) value *= factor;
    return edit_.add_floats(tensor(constant).name, tensor(constant).shape->sizes, values);
  }

  // C as one value for each column; nullopt where it is something else.
  std::optional<int> bias_of_gemm(const GraphNode& one, std::int64_t columns) {
    const int c = one.inputs[2];
    if (!is_constant_f32(c)) return std::nullopt;
    auto values = per_channel(c, 2, 1, columns);
    if (values.empty()) return std::nullopt;
    const auto beta = static_cast<float>(number(one, "beta", 1));
    for (float& value : values) value *= beta;
    return edit_.add_floats(tensor(c).name, {columns}, values);
  }

  // ---- scale and shift ----

  // A constant's values for each index of `axis` of a tensor of `rank` dimensions over which it is
  // spread; {}: they differ in other axes as well.
  std::vector<float> per_channel(int constant, std::size_t rank, std::size_t axis,
                                 std::int64_t channels) const {
    if (!is_constant_f32(constant)) return {};
    const Shape& shape = tensor(constant).shape->sizes;
    if (elements(shape) != 1 && elements(shape) != channels) return {};
    const std::vector<float> values = *floats(tensor(constant));
    if (values.size() == 1 && shape.size() <= rank)
      return std::vector<float>(static_cast<std::size_t>(channels), values[0]);
    if (shape.size() > rank || static_cast<std::int64_t>(values.size()) != channels) return {};
    const std::size_t skipped = rank - shape.size();
    if (axis < skipped || shape[axis - skipped] != channels) return {};
    return values;
  }

  std::optional<Affine> batch_norm(const GraphNode& one, std::int64_t channels) const {
    const bool trains = integer(one, "training_mode", 0) != 0 || one.inputs.size() < 5 ||
                        (one.outputs.size() > 1 && one.outputs[1] != kLeftOut);
    if (trains) return std::nullopt;
    std::vector<float> values[4];
    for (std::size_t i = 0; i < 4; ++i) {
      if (!is_constant_f32(one.inputs[i + 1])) return std::nullopt;
      values[i] = *floats(tensor(one.inputs[i + 1]));
      if (static_cast<std::int64_t>(values[i].size()) != channels) return std::nullopt;
    }
    const double epsilon = number(one, "epsilon", 1e-5);
    Affine affine;
    for (std::size_t c = 0; c < values[0].size(); ++c) {
      const double scale = values[0][c] / std::sqrt(values[3][c] + epsilon);
      affine.scale.push_back(static_cast<float>(scale));
      affine.shift.push_back(static_cast<float>(values[1][c] - values[2][c] * scale));
    }
    return affine;
  }

  // Arithmetic of a tensor with a constant; `moving` is the input that is not constant.
  std::optional<Affine> arithmetic(const GraphNode& one, std::size_t moving, std::size_t axis,
                                   std::int64_t channels) const {
    const std::size_t rank = tensor(one.inputs[moving]).shape->sizes.size();
    const std::vector<float> values = per_channel(one.inputs[1 - moving], rank, axis, channels);
    if (values.empty()) return std::nullopt;
    const auto count = values.size();
    Affine affine{std::vector<float>(count, 1), std::vector<float>(count, 0)};
    for (std::size_t c = 0; c < count; ++c) {
      if (is(one, "Mul")) affine.scale[c] = values[c];
      if (is(one, "Div")) affine.scale[c] = 1 / values[c];
      if (is(one, "Add")) affine.shift[c] = values[c];
      if (is(one, "Sub")) affine.shift[c] = -values[c];
    }
    return affine;
  }

  // The node as scale and shift of the channels in `axis`, and which input they are of.
  std::optional<Affine> affine_of(const GraphNode& one, std::size_t& moving, bool image) const {
    const bool norm = is(one, "BatchNormalization");
    const bool arithmetics = is(one, "Mul") || is(one, "Div") || is(one, "Add") || is(one, "Sub");
    if ((!norm && !arithmetics) || one.outputs[0] == kLeftOut || !is_f32(one.outputs[0]))
      return std::nullopt;
    if (!norm && (one.inputs.size() != 2 || integer(one, "broadcast", 0) != 0)) return std::nullopt;
    moving = !norm && edit_.has_value(one.inputs[0]) ? 1 : 0;
    if (moving == 1 && !is(one, "Mul") && !is(one, "Add")) return std::nullopt;
    const int source = one.inputs[moving];
    if (!is_f32(source) || tensor(source).shape != tensor(one.outputs[0]).shape)
      return std::nullopt;
    const Shape& sizes = tensor(source).shape->sizes;
    if (sizes.size() < 2 || (norm && !image)) return std::nullopt;
    const std::size_t axis = image ? 1 : sizes.size() - 1;
    return norm ? batch_norm(one, sizes[1]) : arithmetic(one, moving, axis, sizes[axis]);
  }

  // The product that writes the tensor, if nothing else reads it; -1: none.
  int product_behind(int index) const {
    if (index == kLeftOut || !edit_.is_read_once(index)) return -1;
    const int writer = edit_.writer(index);
    return writer >= 0 && is_product(node(writer)) ? writer : -1;
  }

  bool absorb_affine(int index) {
    const GraphNode& one = node(index);
    for (const std::size_t input : {0U, 1U}) {
      const int product = product_behind(input_of(one, input));
      if (product < 0) continue;
      const GraphNode& before = node(product);
      if (before.attributes.count("activation") != 0 || has_input(before, 3)) continue;
      std::size_t moving = 0;
      const auto affine = affine_of(one, moving, is_native(before, "Conv"));
      if (!affine || moving != input) continue;
      absorb(index, product, scaled(before, *affine));
      return true;
    }
    return false;
  }

  GraphNode scaled(GraphNode product, const Affine& affine) {
    const bool conv = is_native(product, "Conv");
    const int old = product.inputs[1];
    std::vector<float> weights;
    const std::size_t channels = affine.scale.size();
    const bool unit = std::all_of(affine.scale.begin(), affine.scale.end(),
                                  [](float scale) { return scale == 1; });
    if (!unit) weights = *floats(tensor(old));
    const std::size_t taps = weights.size() / channels;
    const bool outermost = conv || integer(product, "transposed", 0) != 0;
    for (std::size_t i = 0; !unit && i < weights.size(); ++i)
      weights[i] *= affine.scale[outermost ? i / taps : i % channels];
    if (!unit)
      product.inputs[1] = edit_.add_floats(tensor(old).name, tensor(old).shape->sizes, weights);
    std::vector<float> bias(channels, 0);
    if (has_input(product, 2)) bias = *floats(tensor(product.inputs[2]));
    for (std::size_t c = 0; c < channels; ++c)
      bias[c] = bias[c] * affine.scale[c] + affine.shift[c];
    product.inputs.resize(std::max<std::size_t>(product.inputs.size(), 3), kLeftOut);
    product.inputs[2] = edit_.add_floats(tensor(product.outputs[0]).name + " bias",
                                         {static_cast<std::int64_t>(channels)}, bias);
    return product;
  }

  // `made`, a change of `product`, takes the place of the node behind it.
  void absorb(int index, int product, GraphNode made) {
    made.outputs = {node(index).outputs[0]};
    edit_.remove(product);
    edit_.replace(index, std::move(made));
  }

  // ---- activations and residual sums ----

  std::string activation_name(const GraphNode& one) const {
    if (is_native(one, "Activation")) return text(one, "activation", "");
    if (is(one, "Relu")) return "relu";
    if (is(one, "Gelu")) return text(one, "approximate", "none") == "tanh" ? "gelu" : "gelu-erf";
    if (is(one, "Clip") && clips_to_six(edit_, one)) return "relu6";
    return "";
  }

  bool absorb_activation(int index) {
    const GraphNode& one = node(index);
    const std::string name = activation_name(one);
    const int product = name.empty() ? -1 : product_behind(one.inputs[0]);
    if (product < 0 || node(product).attributes.count("activation") != 0) return false;
    GraphNode made = node(product);
    made.attributes["activation"] = name;
    absorb(index, product, std::move(made));
    return true;
  }

  bool absorb_residual(int index) {
    const GraphNode& one = node(index);
    if ((!is(one, "Add") && !is(one, "Sum")) || one.inputs.size() != 2 ||
        one.inputs[0] == one.inputs[1])
      return false;
    for (const std::size_t input : {1U, 0U}) {
      const int product = product_behind(one.inputs[input]), other = one.inputs[1 - input];
      if (product < 0 || has_input(node(product), 3)) continue;
      if (edit_.has_value(other) || tensor(other).is_constant || !is_f32(other)) continue;
      if (tensor(other).shape != tensor(one.outputs[0]).shape ||
          tensor(one.inputs[input]).shape != tensor(other).shape)
        continue;
      GraphNode made = node(product);
      made.inputs.resize(3, kLeftOut);
      made.inputs.push_back(other);
      if (made.attributes.count("activation") != 0)
        made.attributes["residual_after"] = std::int64_t{1};
      absorb(index, product, std::move(made));
      return true;
    }
    return false;
  }

  // ---- what is left ----

  void make_depthwise(int index) {
    const GraphNode& one = node(index);
    std::size_t moving = 0;
    const auto affine = affine_of(one, moving, true);
    if (!affine || !is_image(one.inputs[moving])) return;
    // Scales and sums of other tensors of four dimensions (masks, scores) are no images'.
    const int before = edit_.writer(one.inputs[moving]);
    if (!is(one, "BatchNormalization") && (before < 0 || !is_native(node(before), "Conv"))) return;
    const auto channels = static_cast<std::int64_t>(affine->scale.size());
    GraphNode made{"Conv", kNative, one.name, 1, {}, false, {}, {one.outputs[0]}};
    made.attributes["group"] = channels;
    made.inputs = {one.inputs[moving],
                   edit_.add_floats(one.name + " scale", {channels, 1, 1, 1}, affine->scale),
                   edit_.add_floats(one.name + " shift", {channels}, affine->shift)};
    edit_.replace(index, std::move(made));
  }

  GraphEditor& edit_;
};

}  // namespace

void fuse_products(GraphEditor& edit) {
  Fusing(edit).run();
}

}  // namespace batchtune::imported
