#include "tuner/backend/imported/order.h"

#include <algorithm>

#include "tuner/backend/imported/native.h"

namespace batchtune::imported {
namespace {

constexpr std::string_view kViews[] = {"Flatten", "Reshape", "Squeeze", "Unsqueeze"};

// Element by element, whatever the order: of one tensor, or of several that are spread over each
// other.
constexpr std::string_view kElementwise[] = {"Abs",
                                             "Acos",
                                             "Acosh",
                                             "Add",
                                             "And",
                                             "Asin",
                                             "Asinh",
                                             "Atan",
                                             "Atanh",
                                             "Cast",
                                             "Ceil",
                                             "Celu",
                                             "Clip",
                                             "Cos",
                                             "Cosh",
                                             "Div",
                                             "Elu",
                                             "Equal",
                                             "Erf",
                                             "Exp",
                                             "FastGelu",
                                             "Floor",
                                             "Gelu",
                                             "Greater",
                                             "GreaterOrEqual",
                                             "HardSigmoid",
                                             "HardSwish",
                                             "IsInf",
                                             "IsNaN",
                                             "LeakyRelu",
                                             "Less",
                                             "LessOrEqual",
                                             "Log",
                                             "Max",
                                             "Mean",
                                             "Min",
                                             "Mish",
                                             "Mod",
                                             "Mul",
                                             "Neg",
                                             "Not",
                                             "Or",
                                             "PRelu",
                                             "Pow",
                                             "QuickGelu",
                                             "Reciprocal",
                                             "Relu",
                                             "Round",
                                             "Selu",
                                             "Shrink",
                                             "Sigmoid",
                                             "Sign",
                                             "Sin",
                                             "Sinh",
                                             "Softplus",
                                             "Softsign",
                                             "Sqrt",
                                             "Sub",
                                             "Sum",
                                             "Swish",
                                             "Tan",
                                             "Tanh",
                                             "ThresholdedRelu",
                                             "Where",
                                             "Xor"};

template <typename Names>
bool is_one_of(const std::string& name, const Names& names) {
  return std::find(std::begin(names), std::end(names), name) != std::end(names);
}

constexpr std::int64_t kToLast[] = {0, 2, 3, 1};  // axes of an image, channels last

// A shape of at most four axes, which spreads over images, with its channels last.
BatchedShape channels_last(const BatchedShape& shape) {
  BatchedShape whole = shape;
  const std::size_t missing = 4 - shape.sizes.size();
  whole.sizes.insert(whole.sizes.begin(), missing, 1);
  BatchedShape out{{}, -1};
  for (const std::int64_t axis : kToLast)
    out.sizes.push_back(whole.sizes[static_cast<std::size_t>(axis)]);
  if (shape.batch_axis >= 0) out.batch_axis = 0;
  return out;
}

// A constant with its channels last, bytes moved where they must be.
RawTensor channels_last(const RawTensor& value) {
  const BatchedShape from{value.shape, -1};
  RawTensor out{value.type, channels_last(from).sizes, value.bytes};
  const std::int64_t channels = out.shape[3], pixels = out.shape[1] * out.shape[2];
  if (channels == 1 || pixels == 1) return out;
  const auto size = static_cast<std::size_t>(bytes_of(value.type));
  std::string bytes(value.bytes->size(), '\0');
  for (std::int64_t i = 0; i < elements(out.shape); ++i) {
    const std::int64_t image = i / (pixels * channels), pixel = i / channels % pixels;
    const std::int64_t source = (image * channels + i % channels) * pixels + pixel;
    std::copy_n(value.bytes->data() + static_cast<std::size_t>(source) * size, size,
                bytes.data() + static_cast<std::size_t>(i) * size);
  }
  out.bytes = std::make_shared<const std::string>(std::move(bytes));
  return out;
}

class Adding {
 public:
  Adding(Builder& builder, const LoweringOptions& options)
      : builder_(builder),
        graph_(builder.graph()),
        forms_(options.forms),
        of_calls_(graph_.graph()) {
    for (GraphTensor& tensor : of_calls_.tensors)
      if (tensor.type == ElementType::f32) tensor.type = options.floats;
  }

  std::vector<Refused> run() {
    for (const GraphNode& node : graph_.graph().nodes)
      if (!is_known_number(node) && !is_behind(node)) add(node);
    return std::move(refused_);
  }

 private:
  const GraphTensor& tensor(int index) const { return graph_.tensor(index); }

  // Folded, but for the batch: whoever reads it takes the numbers.
  bool is_known_number(const GraphNode& node) const {
    return std::all_of(node.outputs.begin(), node.outputs.end(), [this](int output) {
      return output == kLeftOut || tensor(output).numbers.has_value();
    });
  }

  bool is_behind(const GraphNode& node) const {
    return std::any_of(node.inputs.begin(), node.inputs.end(), [this](int input) {
      return input != kLeftOut && !builder_.is_placed(input) && !graph_.has_value(input) &&
             !tensor(input).numbers;
    });
  }

  void add(const GraphNode& node) {
    const bool native = forms_ == Forms::native;
    if (native && (add_view(node) || add_transpose(node) || add_native(builder_, node))) return;
    const MadeCall call = make_call(of_calls_, node);
    if (!call) {
      refused_.push_back({node.op_type, node.name, call.error()});
      return;
    }
    if (native && (add_elementwise(node, *call) || add_lrn(node, *call))) return;
    builder_.call_plain(node, *call);
  }

  bool add_view(const GraphNode& node) {
    if (!node.domain.empty() || !is_one_of(node.op_type, kViews)) return false;
    const int from = node.inputs[0], to = node.outputs[0];
    if (!builder_.is_placed(from) || !tensor(to).shape) return false;
    builder_.place_view(to, from);
    return true;
  }

  // Between the orders, or of nothing but sizes of 1.
  bool add_transpose(const GraphNode& node) {
    if (!is(node, "Transpose")) return false;
    const int from = node.inputs[0], to = node.outputs[0];
    if (!builder_.is_placed(from) || !tensor(to).shape) return false;
    const Shape& sizes = tensor(from).shape->sizes;
    std::vector<std::int64_t> perm = integers(node, "perm");
    for (std::size_t i = 0; perm.size() < sizes.size(); ++i)
      perm.push_back(static_cast<std::int64_t>(sizes.size() - 1 - i));
    if (perm == std::vector<std::int64_t>{0, 2, 3, 1} && builder_.is_image(from) &&
        builder_.lies_as_image(from)) {
      builder_.place_plain(to, builder_.image(from));
      return true;
    }
    if (perm == std::vector<std::int64_t>{0, 3, 1, 2} && builder_.is_image(to)) {
      builder_.place_image(to, builder_.shaped(builder_.plain(from), builder_.image_shape(to)));
      return true;
    }
    if (perm == std::vector<std::int64_t>{0, 2, 1} && place_turned_image(from, to)) return true;
    std::int64_t last = -1;
    for (const std::int64_t axis : perm) {
      const bool moves =
          sizes[static_cast<std::size_t>(axis)] != 1 || axis == tensor(from).shape->batch_axis;
      if (!moves) continue;
      if (axis < last) return false;
      last = axis;
    }
    builder_.place_view(to, from);
    return true;
  }

  // An image as {batch, channels, pixels} whose last two are exchanged (patches as rows): as it
  // lies.
  bool place_turned_image(int from, int to) {
    const int source = builder_.view_of(from);
    if (source < 0 || !builder_.is_image(source) || !builder_.lies_as_image(source)) return false;
    const Shape image = builder_.image_shape(source);
    const Shape rows{image[0] * image[1], image[2]};
    if (tensor(from).shape != BatchedShape{{1, rows[1], rows[0]}, 0}) return false;
    builder_.place_plain(to, builder_.shaped(builder_.image(source), rows));
    return true;
  }

  // In the order of images, where one of the inputs lies so.
  bool add_elementwise(const GraphNode& node, const Call& call) {
    if (!is_one_of(node.op_type, kElementwise) || integer(node, "broadcast", 0) != 0) return false;
    const int out = node.outputs[0];
    if (node.outputs.size() != 1 || !builder_.is_image(out)) return false;
    bool lies = false;
    for (const int input : node.inputs) {
      if (input == kLeftOut) continue;
      const auto& shape = tensor(input).shape;
      if (builder_.is_placed(input)) {
        if (!builder_.is_image(input)) return false;
        lies = lies || builder_.lies_as_image(input);
      } else if (!graph_.has_value(input) || shape->sizes.size() > 4) {
        return false;
      }
    }
    if (!lies) return false;
    std::vector<Operand> inputs;
    for (const int input : node.inputs) {
      if (input == kLeftOut)
        inputs.emplace_back();
      else if (builder_.is_placed(input))
        inputs.push_back(builder_.operand_of_op(builder_.image(input), tensor(input),
                                                channels_last(*tensor(input).shape)));
      else
        inputs.push_back(builder_.operand_of_constant(tensor(input).shape->sizes.empty()
                                                          ? *tensor(input).value
                                                          : channels_last(*tensor(input).value)));
    }
    place_image(node, call, std::move(inputs), channels_last(*tensor(out).shape));
    return true;
  }

  void place_image(const GraphNode& node, const Call& call, std::vector<Operand> inputs,
                   const BatchedShape& shape) {
    const int op = builder_.add_call(node, call, std::move(inputs), {shape})[0];
    builder_.place_image(node.outputs[0],
                         builder_.shaped(op, builder_.image_shape(node.outputs[0])));
  }

  // Over the channels of each pixel: every pixel is a sample.
  bool add_lrn(const GraphNode& node, const Call& call) {
    const int in = node.inputs.empty() ? kLeftOut : node.inputs[0];
    if (!is(node, "LRN") || !builder_.is_image(in) || !builder_.lies_as_image(in) ||
        !builder_.is_image(node.outputs[0]))
      return false;
    const Shape image = builder_.image_shape(in);
    const BatchedShape pixels{{image[0] * image[1], image[2], 1}, 0};
    place_image(node, call, {builder_.operand_of_op(builder_.image(in), tensor(in), pixels)},
                pixels);
    return true;
  }

  Builder& builder_;
  const GraphEditor& graph_;
  Forms forms_;
  FileGraph of_calls_;  // the graph with the types that calls compute in
  std::vector<Refused> refused_;
};

}  // namespace

std::vector<Refused> add_nodes(Builder& builder, const LoweringOptions& options) {
  return Adding(builder, options).run();
}

}  // namespace batchtune::imported
