#include "tests/support/random_graph.h"

#include <algorithm>
#include <random>
#include <stdexcept>

#include "tuner/workload/zoo/builder.h"

namespace batchtune::test {
namespace {

class GraphMaker {
 public:
  explicit GraphMaker(unsigned seed) : random_(seed), builder_("random", "") {}

  Model make() {
    if (pick(1, 3) == 1) {
      shape_ = {pick(2, 9), pick(2, 9), 4 * pick(2, 6)};
      x_ = builder_.input("x", InputKind::values, shape_);
    } else if (pick(1, 2) == 1) {
      shape_ = {pick(2, 9), 4 * pick(2, 9)};
      x_ = builder_.input("x", InputKind::values, shape_);
    } else {
      shape_ = {pick(2, 9), 4 * pick(2, 9)};
      builder_.input("ids", InputKind::token_ids, {shape_[0]}, 17);
      x_ = add(OpKind::embedding, {"ids"});
      builder_.op().columns = shape_[1];
      builder_.op().tables = {2, 16};
    }
    for (int i = 0; i < 8; ++i) step();
    Model model = builder_.finish();
    if (const Status status = infer_shapes(model); !status)
      throw std::logic_error(to_string(status.error()));
    return model;
  }

 private:
  std::int64_t pick(std::int64_t low, std::int64_t high) {
    return std::uniform_int_distribution<std::int64_t>(low, high)(random_);
  }
  Name next() { return "t" + std::to_string(count_++); }
  Name add(OpKind kind, std::vector<Name> from) {
    return builder_.plain(kind, next(), std::move(from));
  }

  Epilogue epilogue(std::int64_t columns) {
    Epilogue e;
    e.bias = pick(0, 1) == 1;
    e.activation = static_cast<Activation>(pick(0, 5));
    if (columns == shape_.back() && pick(0, 1) == 1) {
      e.residual = x_;
      e.residual_after_activation = pick(0, 1) == 1;
    }
    return e;
  }

  void step() {
    const std::int64_t which = pick(1, 14);
    if (shape_.size() == 3 && which <= 5) return image_step(which);
    switch (which) {
      case 6:
        x_ = add(OpKind::layer_norm, {x_});
        break;
      case 7:
        x_ = add(OpKind::rms_norm, {x_});
        break;
      case 8:
        x_ = add(OpKind::softmax, {x_});
        builder_.op().scale = 0.5;
        break;
      case 9:
        x_ = add(OpKind::activation, {x_});
        builder_.op().activation = static_cast<Activation>(pick(1, 5));
        break;
      case 10:
        x_ = add(pick(0, 1) ? OpKind::add : OpKind::multiply, {x_, x_});
        break;
      case 11:
        slice_and_concat();
        break;
      case 12:
        transpose();
        break;
      case 13:
        if (shape_.size() == 2) attention();
        break;
      default:
        matmul();
        break;
    }
  }

  void matmul() {
    const std::int64_t columns = pick(0, 1) ? shape_.back() : 4 * pick(2, 20);
    x_ = builder_.matmul(next(), x_, columns, epilogue(columns));
    shape_.back() = columns;
  }

  void image_step(std::int64_t which) {
    if (which <= 3) return conv();
    const std::int64_t kernel = std::min(pick(1, 3), std::min(shape_[0], shape_[1]));
    const std::int64_t pad = pick(0, kernel - 1), stride = pick(1, 2);
    x_ = builder_.max_pool(next(), x_, kernel, stride, pad);
    if (which == 5) {
      builder_.op().kind = OpKind::average_pool;
      builder_.op().count_include_pad = pick(0, 1) == 1;
    }
    for (const int d : {0, 1}) shape_[d] = (shape_[d] + 2 * pad - kernel) / stride + 1;
  }

  void conv() {
    ModelBuilder::Conv conv;
    conv.batch_norm = false;
    conv.kernel = pick(1, 3);
    conv.pad = conv.kernel / 2;
    conv.stride = pick(1, 2);
    const std::int64_t kind = pick(1, 3);  // dense, grouped, depthwise
    conv.channels = kind == 1 ? 4 * pick(2, 8) : shape_[2];
    conv.groups = kind == 1 ? 1 : kind == 2 ? 4 : shape_[2];
    conv.epilogue = epilogue(conv.stride == 1 && conv.kernel % 2 == 1 ? conv.channels : -1);
    const std::int64_t dilation = conv.kernel == 3 && pick(0, 2) == 0 ? 2 : 1;
    if (dilation == 2) conv.pad = 2;
    x_ = builder_.conv(next(), x_, conv);
    builder_.op().window.dilation_h = builder_.op().window.dilation_w = dilation;
    const std::int64_t extent = (conv.kernel - 1) * dilation + 1;
    for (const int d : {0, 1}) shape_[d] = (shape_[d] + 2 * conv.pad - extent) / conv.stride + 1;
    shape_[2] = conv.channels;
  }

  void slice_and_concat() {
    const std::int64_t axis = pick(0, static_cast<std::int64_t>(shape_.size()) - 1);
    const std::int64_t length = shape_[static_cast<std::size_t>(axis)];
    const Name part = add(OpKind::slice, {x_});
    builder_.op().axis = axis;
    builder_.op().begin = pick(0, length - 1);
    builder_.op().end = pick(builder_.op().begin + 1, length);
    const std::int64_t taken = builder_.op().end - builder_.op().begin;
    x_ = add(OpKind::concat, {part, x_});
    builder_.op().axis = axis;
    // Back to a multiple of 4, which heads and groups need.
    x_ = add(OpKind::slice, {x_});
    builder_.op().axis = axis;
    builder_.op().begin = taken;
    builder_.op().end = taken + length;
  }

  void transpose() {
    const Shape view = shape_.size() == 3 ? Shape{shape_[0], shape_[1], 2, shape_[2] / 2}
                                          : Shape{shape_[0], 4, shape_[1] / 4};
    std::vector<std::int64_t> permutation(view.size());
    for (std::size_t i = 0; i < view.size(); ++i) permutation[i] = static_cast<std::int64_t>(i);
    std::shuffle(permutation.begin(), permutation.end(), random_);
    const Name turned = add(OpKind::transpose, {x_});
    builder_.op().split = view;
    builder_.op().permutation = permutation;
    x_ = add(OpKind::reshape, {turned});
    builder_.op().output = shape_;
  }

  void attention() {
    const std::int64_t groups = 4;
    const Name scores = add(OpKind::batched_matmul, {x_, x_});
    builder_.op().groups = groups;
    builder_.op().transpose_b = true;
    builder_.op().a_layout = builder_.op().b_layout = HeadLayout::heads_last;
    builder_.op().scale = 0.25;
    const Name weights = add(OpKind::softmax, {scores});
    x_ = add(OpKind::batched_matmul, {weights, x_});
    builder_.op().groups = groups;
    builder_.op().b_layout = HeadLayout::heads_last;
    if (pick(0, 1) == 1) {
      builder_.op().out_layout = HeadLayout::heads_last;
      return;
    }
    x_ = add(OpKind::reshape, {x_});
    builder_.op().output = shape_;
  }

  std::mt19937 random_;
  ModelBuilder builder_;
  Name x_;
  Shape shape_;
  int count_ = 0;
};

}  // namespace

Model random_graph(unsigned seed) {
  return GraphMaker(seed).make();
}

}  // namespace batchtune::test
