// Checks a model and infers its shapes. A model that passed has only bounded sizes (kMaxElements),
// so that counting and planning cannot overflow per sample. Errors name places as in a model file
// ($.ops[3].kernel).
#include <cmath>
#include <limits>
#include <unordered_map>

#include "tuner/workload/model.h"

namespace batchtune {
namespace {

constexpr std::size_t kMaxOps = 10'000;      // find_op is linear; real graphs have some hundreds
constexpr std::size_t kMaxRank = 4;          // of a per-sample shape
constexpr std::size_t kMaxNameLength = 200;  // names are printed in tables and errors
constexpr std::size_t kMaxTables = 7;        // positions and types are two
constexpr std::int64_t kMaxDimension = std::numeric_limits<std::int32_t>::max();
constexpr std::int64_t kMaxElements = std::int64_t{1} << 40;  // 4 TiB in f32: beyond any one tensor
constexpr std::int64_t kMaxWindow = 4096;                     // kernel, stride, padding, dilation

std::string text_of(const Shape& shape) {
  std::string text = "[";
  for (std::size_t i = 0; i < shape.size(); ++i) text += (i ? ", " : "") + std::to_string(shape[i]);
  return text + "]";
}

// The shapes of one operation, with the errors' place at hand.
class OpShapes {
 public:
  OpShapes(const Model& model, const std::unordered_map<std::string_view, OpIndex>& earlier, Op& op,
           std::string where)
      : model_(model), earlier_(earlier), op_(op), where_(std::move(where)) {}

  Status infer() {
    BT_TRY_VOID(resolve_inputs());
    BT_TRY(inferred, output_shape());
    BT_TRY_VOID(check_size(inferred, "", "output"));
    if (!op_.output.empty() && op_.output != inferred)
      return fail("shape", text_of(inferred) + ", the inferred output", text_of(op_.output));
    op_.output = std::move(inferred);
    return check_epilogue();
  }

 private:
  tl::unexpected<Error> fail(const std::string& key, std::string wanted, std::string found) const {
    return bad_input(std::move(wanted), std::move(found),
                     key.empty() ? where_ : where_ + "." + key);
  }

  Result<const Op*> earlier(const std::string& name, const std::string& key) const {
    const auto found = earlier_.find(name);
    if (found == earlier_.end())
      return fail(key, "the name of an earlier operation", "\"" + name + "\"");
    return &model_.ops[static_cast<std::size_t>(found->second)];
  }

  Status resolve_inputs() {
    for (std::size_t i = 0; i < op_.inputs.size(); ++i) {
      const std::string key = "inputs[" + std::to_string(i) + "]";
      BT_TRY(input, earlier(op_.inputs[i], key));
      const bool ids = input->kind == OpKind::input && input->input_kind == InputKind::token_ids;
      if (ids != (op_.kind == OpKind::embedding))
        return fail(key, ids ? "values (token ids go into an embedding)" : "an input of token ids",
                    "\"" + op_.inputs[i] + "\"");
      in_.push_back(input->output);
    }
    return {};
  }

  Status want_inputs(std::size_t least, std::size_t most) const {
    if (in_.size() >= least && in_.size() <= most) return {};
    const std::string wanted =
        least == most ? std::to_string(least) : "at least " + std::to_string(least);
    return fail("inputs", wanted + " input(s) for " + std::string(name_of(op_.kind)),
                std::to_string(in_.size()));
  }

  Status want_range(const std::string& key, std::int64_t value, std::int64_t low,
                    std::int64_t high) const {
    if (value >= low && value <= high) return {};
    return fail(key, "an integer from " + std::to_string(low) + " to " + std::to_string(high),
                std::to_string(value));
  }

  Status check_size(const Shape& shape, const std::string& key, const std::string& what) const {
    if (shape.empty() || shape.size() > kMaxRank)
      return fail(key, what + " with 1 to " + std::to_string(kMaxRank) + " dimensions",
                  text_of(shape));
    for (const std::int64_t dimension : shape)
      if (dimension < 1 || dimension > kMaxDimension)
        return fail(key, what + " dimensions from 1 to " + std::to_string(kMaxDimension),
                    text_of(shape));
    if (elements(shape) > kMaxElements)
      return fail(key, what + " of at most " + std::to_string(kMaxElements) + " elements",
                  text_of(shape));
    return {};
  }

  // Fills in a field that was left at 0, or checks it.
  Status settle(const std::string& key, std::int64_t& field, std::int64_t inferred) {
    if (field == 0) field = inferred;
    if (field == inferred) return {};
    return fail(key, std::to_string(inferred) + ", from the input", std::to_string(field));
  }

  Result<Shape> output_shape() {
    switch (op_.kind) {
      case OpKind::input:
        return input();
      case OpKind::embedding:
        return embedding();
      case OpKind::matmul:
        return matmul();
      case OpKind::batched_matmul:
        return batched_matmul();
      case OpKind::conv2d:
        return conv2d();
      case OpKind::max_pool:
      case OpKind::average_pool:
        return pool();
      case OpKind::global_average_pool:
        return global_pool();
      case OpKind::softmax:
      case OpKind::layer_norm:
      case OpKind::rms_norm:
      case OpKind::activation:
        return same_shape();
      case OpKind::add:
      case OpKind::multiply:
        return elementwise();
      case OpKind::concat:
        return concat();
      case OpKind::slice:
        return slice();
      case OpKind::transpose:
        return transpose();
      case OpKind::reshape:
        return reshape();
    }
    return fail("op", "a known operation", "none");
  }

  Result<Shape> input() {
    BT_TRY_VOID(want_inputs(0, 0));
    BT_TRY_VOID(check_size(op_.output, "shape", "an input shape"));
    if (op_.input_kind == InputKind::token_ids)
      BT_TRY_VOID(want_range("vocabulary", op_.vocabulary, 1, kMaxDimension));
    return op_.output;
  }

  Result<Shape> embedding() {
    BT_TRY_VOID(want_inputs(1, 1));
    if (in_[0].size() != 1) return fail("inputs[0]", "token ids of one dimension", text_of(in_[0]));
    BT_TRY(ids, earlier(op_.inputs[0], "inputs[0]"));
    BT_TRY_VOID(settle("vocabulary", op_.vocabulary, ids->vocabulary));
    BT_TRY_VOID(want_range("columns", op_.columns, 1, kMaxDimension));
    BT_TRY_VOID(check_size({op_.vocabulary, op_.columns}, "vocabulary", "a table"));
    if (op_.tables.size() > kMaxTables)
      return fail("tables", "at most " + std::to_string(kMaxTables) + " further tables",
                  text_of(op_.tables));
    for (std::size_t i = 0; i < op_.tables.size(); ++i)
      BT_TRY_VOID(
          check_size({op_.tables[i], op_.columns}, "tables[" + std::to_string(i) + "]", "a table"));
    return Shape{in_[0][0], op_.columns};
  }

  Result<Shape> matmul() {
    BT_TRY_VOID(want_inputs(1, 1));
    BT_TRY_VOID(settle("inner", op_.inner, in_[0].back()));
    BT_TRY_VOID(check_size({op_.inner, op_.columns}, "columns", "a weight matrix"));
    Shape shape = in_[0];
    shape.back() = op_.columns;
    return shape;
  }

  // Rows and columns of each head of an operand.
  Result<std::array<std::int64_t, 2>> head_of(const Shape& shape, HeadLayout layout,
                                              const std::string& key) const {
    const std::string groups = std::to_string(op_.groups);
    if (layout == HeadLayout::heads_first) {
      if (shape.size() != 3 || shape[0] != op_.groups)
        return fail(key, "heads_first: [" + groups + ", rows, columns]", text_of(shape));
      return std::array{shape[1], shape[2]};
    }
    if (shape.size() != 2 || shape[1] % op_.groups != 0)
      return fail(key, "heads_last: [rows, a multiple of " + groups + "]", text_of(shape));
    return std::array{shape[0], shape[1] / op_.groups};
  }

  Result<Shape> batched_matmul() {
    BT_TRY_VOID(want_inputs(2, 2));
    BT_TRY_VOID(want_range("groups", op_.groups, 1, kMaxDimension));
    if (!std::isfinite(op_.scale) || op_.scale == 0)
      return fail("scale", "a finite number other than 0", std::to_string(op_.scale));
    BT_TRY(a, head_of(in_[0], op_.a_layout, "inputs[0]"));
    BT_TRY(b, head_of(in_[1], op_.b_layout, "inputs[1]"));
    const std::int64_t b_inner = op_.transpose_b ? b[1] : b[0];
    if (b_inner != a[1])
      return fail("inputs[1]", "an inner dimension of " + std::to_string(a[1]) + " as in inputs[0]",
                  std::to_string(b_inner));
    BT_TRY_VOID(settle("inner", op_.inner, a[1]));
    BT_TRY_VOID(settle("columns", op_.columns, op_.transpose_b ? b[0] : b[1]));
    if (op_.out_layout == HeadLayout::heads_first) return Shape{op_.groups, a[0], op_.columns};
    return Shape{a[0], op_.groups * op_.columns};
  }

  Status want_image() const {
    BT_TRY_VOID(want_inputs(1, 1));
    if (in_[0].size() == 3) return {};
    return fail("inputs[0]", "an image [height, width, channels]", text_of(in_[0]));
  }

  static std::int64_t extent(std::int64_t kernel, std::int64_t dilation) {
    return (kernel - 1) * dilation + 1;
  }

  Status check_window() const {
    const Window& w = op_.window;
    for (const auto& [key, value] : {std::pair{"kernel", w.kernel_h},
                                     {"kernel", w.kernel_w},
                                     {"stride", w.stride_h},
                                     {"stride", w.stride_w},
                                     {"dilation", w.dilation_h},
                                     {"dilation", w.dilation_w}})
      BT_TRY_VOID(want_range(key, value, 1, kMaxWindow));
    const std::int64_t high = extent(w.kernel_h, w.dilation_h),
                       wide = extent(w.kernel_w, w.dilation_w);
    // Padding below the kernel's extent: every window then covers some of the image.
    BT_TRY_VOID(want_range("padding", w.pad_top, 0, high - 1));
    BT_TRY_VOID(want_range("padding", w.pad_bottom, 0, high - 1));
    BT_TRY_VOID(want_range("padding", w.pad_left, 0, wide - 1));
    BT_TRY_VOID(want_range("padding", w.pad_right, 0, wide - 1));
    const Shape padded = {in_[0][0] + w.pad_top + w.pad_bottom,
                          in_[0][1] + w.pad_left + w.pad_right};
    if (padded[0] < high || padded[1] < wide)
      return fail("kernel", "a window within the padded image " + text_of(padded),
                  text_of({high, wide}));
    return {};
  }

  Shape windowed(std::int64_t channels) const {
    const Window& w = op_.window;
    return {
        (in_[0][0] + w.pad_top + w.pad_bottom - extent(w.kernel_h, w.dilation_h)) / w.stride_h + 1,
        (in_[0][1] + w.pad_left + w.pad_right - extent(w.kernel_w, w.dilation_w)) / w.stride_w + 1,
        channels};
  }

  Result<Shape> conv2d() {
    BT_TRY_VOID(want_image());
    BT_TRY_VOID(check_window());
    const std::int64_t channels = in_[0][2];
    BT_TRY_VOID(want_range("groups", op_.groups, 1, channels));
    BT_TRY_VOID(want_range("columns", op_.columns, 1, kMaxDimension));
    if (channels % op_.groups != 0 || op_.columns % op_.groups != 0)
      return fail("groups",
                  "a divisor of both channel counts (" + std::to_string(channels) + " and " +
                      std::to_string(op_.columns) + ")",
                  std::to_string(op_.groups));
    BT_TRY_VOID(
        check_size({op_.window.kernel_h, op_.window.kernel_w, channels / op_.groups, op_.columns},
                   "columns", "a filter"));
    return windowed(op_.columns);
  }

  Result<Shape> pool() {
    BT_TRY_VOID(want_image());
    BT_TRY_VOID(check_window());
    if (op_.window.dilation_h != 1 || op_.window.dilation_w != 1)
      return fail("dilation", "no dilation in pooling",
                  text_of({op_.window.dilation_h, op_.window.dilation_w}));
    return windowed(in_[0][2]);
  }

  Result<Shape> global_pool() {
    BT_TRY_VOID(want_image());
    return Shape{in_[0][2]};
  }

  Result<Shape> same_shape() {
    BT_TRY_VOID(want_inputs(1, 1));
    const bool norm = op_.kind == OpKind::layer_norm || op_.kind == OpKind::rms_norm;
    if (norm && !(op_.epsilon > 0 && op_.epsilon <= 1))
      return fail("epsilon", "a number above 0, at most 1", std::to_string(op_.epsilon));
    if (op_.kind == OpKind::softmax && (!std::isfinite(op_.scale) || op_.scale == 0))
      return fail("scale", "a finite number other than 0", std::to_string(op_.scale));
    if (op_.kind == OpKind::activation && op_.activation == Activation::none)
      return fail("activation", "relu, relu6, gelu or silu", "none");
    return in_[0];
  }

  Result<Shape> elementwise() {
    BT_TRY_VOID(want_inputs(2, 2));
    if (in_[1] != in_[0])
      return fail("inputs[1]", "the shape of inputs[0], " + text_of(in_[0]), text_of(in_[1]));
    return in_[0];
  }

  Status want_axis() const {
    return want_range("axis", op_.axis, 0, static_cast<std::int64_t>(in_[0].size()) - 1);
  }

  Result<Shape> concat() {
    BT_TRY_VOID(want_inputs(1, kMaxOps));
    BT_TRY_VOID(want_axis());
    const auto axis = static_cast<std::size_t>(op_.axis);
    Shape shape = in_[0];
    for (std::size_t i = 1; i < in_.size(); ++i) {
      Shape expected = in_[0];
      if (axis < in_[i].size()) expected[axis] = in_[i][axis];
      if (in_[i] != expected)
        return fail("inputs[" + std::to_string(i) + "]",
                    text_of(in_[0]) + " but for axis " + std::to_string(axis), text_of(in_[i]));
      shape[axis] += in_[i][axis];
    }
    return shape;
  }

  Result<Shape> slice() {
    BT_TRY_VOID(want_inputs(1, 1));
    BT_TRY_VOID(want_axis());
    const auto axis = static_cast<std::size_t>(op_.axis);
    BT_TRY_VOID(want_range("begin", op_.begin, 0, in_[0][axis] - 1));
    BT_TRY_VOID(want_range("end", op_.end, op_.begin + 1, in_[0][axis]));
    Shape shape = in_[0];
    shape[axis] = op_.end - op_.begin;
    return shape;
  }

  Result<Shape> transpose() {
    BT_TRY_VOID(want_inputs(1, 1));
    if (!op_.split.empty()) {
      BT_TRY_VOID(check_size(op_.split, "split", "a view"));
      if (elements(op_.split) != elements(in_[0]))
        return fail("split", "a view of the input " + text_of(in_[0]), text_of(op_.split));
    }
    const Shape& view = op_.split.empty() ? in_[0] : op_.split;
    std::vector<bool> used(view.size(), false);
    Shape shape;
    for (const std::int64_t from : op_.permutation) {
      const auto dimension = static_cast<std::size_t>(from);
      if (from < 0 || dimension >= view.size() || used[dimension]) break;
      used[dimension] = true;
      shape.push_back(view[dimension]);
    }
    if (shape.size() != view.size() || op_.permutation.size() != view.size())
      return fail("permutation", "each of 0 to " + std::to_string(view.size() - 1) + " once",
                  text_of(op_.permutation));
    return shape;
  }

  Result<Shape> reshape() {
    BT_TRY_VOID(want_inputs(1, 1));
    BT_TRY_VOID(check_size(op_.output, "shape", "a shape"));
    if (elements(op_.output) != elements(in_[0]))
      return fail("shape", "as many elements as the input " + text_of(in_[0]), text_of(op_.output));
    return op_.output;
  }

  Status check_epilogue() {
    const Epilogue& e = op_.epilogue;
    const bool allowed = op_.kind == OpKind::matmul || op_.kind == OpKind::conv2d;
    if (!allowed && e != Epilogue{})
      return fail("", "no epilogue on " + std::string(name_of(op_.kind)),
                  "a bias, activation or residual");
    if (op_.folded_batch_norm && !(op_.kind == OpKind::conv2d && e.bias))
      return fail("batch_norm", "a conv2d with bias (a folded batch norm leaves one)", "none");
    if (e.residual.empty()) {
      if (e.residual_after_activation)
        return fail("residual_after_activation", "a residual", "none");
      return {};
    }
    BT_TRY(residual, earlier(e.residual, "residual"));
    if (residual->output != op_.output)
      return fail("residual", "a tensor of the output's shape " + text_of(op_.output),
                  "\"" + e.residual + "\" " + text_of(residual->output));
    return {};
  }

  const Model& model_;
  const std::unordered_map<std::string_view, OpIndex>& earlier_;
  Op& op_;
  std::string where_;
  std::vector<Shape> in_;
};

Status check_name(const std::string& name, const std::string& where) {
  bool printable = !name.empty() && name.size() <= kMaxNameLength;
  for (const char c : name) printable = printable && static_cast<unsigned char>(c) >= 0x20;
  if (printable) return {};
  return bad_input("a printable name of 1 to " + std::to_string(kMaxNameLength) + " bytes",
                   std::to_string(name.size()) + " bytes", where);
}

}  // namespace

Status infer_shapes(Model& model, std::string_view where_prefix) {
  const std::string prefix(where_prefix);
  BT_TRY_VOID(check_name(model.name, prefix + "$.name"));
  if (model.ops.empty() || model.ops.size() > kMaxOps)
    return bad_input("1 to " + std::to_string(kMaxOps) + " operations",
                     std::to_string(model.ops.size()), prefix + "$.ops");
  std::unordered_map<std::string_view, OpIndex> earlier;
  for (std::size_t i = 0; i < model.ops.size(); ++i) {
    Op& op = model.ops[i];
    const std::string where = prefix + "$.ops[" + std::to_string(i) + "]";
    BT_TRY_VOID(check_name(op.name, where + ".name"));
    if (earlier.count(op.name) != 0)
      return bad_input("a name used once", "\"" + op.name + "\" again", where + ".name");
    BT_TRY_VOID(OpShapes(model, earlier, op, where).infer());
    earlier.emplace(op.name, static_cast<OpIndex>(i));
  }
  if (earlier.count(model.output) == 0)
    return bad_input("the name of an operation", "\"" + model.output + "\"", prefix + "$.output");
  return {};
}

}  // namespace batchtune
