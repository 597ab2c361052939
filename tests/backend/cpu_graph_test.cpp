// Random small graphs against the naive interpreter: every operation, fused epilogue and layout.
#include <random>

#include "tests/backend/cpu_reference.h"
#include "tests/backend/cpu_support.h"
#include "tuner/workload/zoo/builder.h"

using namespace batchtune;
using namespace batchtune::test;

namespace {

// Relative to a tensor's largest value. f32: rounding of sums, amplified by norms. bf16: each
// tensor is rounded to 8 bits on both sides, and a difference of one unit goes through up to ten
// operations.
constexpr double kTolerance[] = {2e-4, 8e-2};

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
    const Status status = infer_shapes(model);
    INFO((status ? "" : to_string(status.error())));
    REQUIRE(status);
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
    e.activation = static_cast<Activation>(pick(0, 4));
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
        builder_.op().activation = static_cast<Activation>(pick(1, 4));
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

double largest(const std::vector<double>& values) {
  double most = 1e-3;
  for (const double value : values) most = std::max(most, std::abs(value));
  return most;
}

void check_against_interpreter(const Model& model, DType dtype, std::int64_t batch) {
  const auto loaded = load_ok(model, options_of(dtype));
  const auto program = prepare_ok(*loaded, batch);
  std::vector<std::vector<std::vector<double>>> expected;  // [sample][operation]
  for (std::int64_t sample = 0; sample < batch; ++sample)
    expected.push_back(interpret(model, 1, sample, dtype == DType::bf16));
  look_at_every_tensor(
      *loaded, *program, batch, [&](const Op& op, OpIndex index, const auto& values) {
        for (std::size_t sample = 0; sample < expected.size(); ++sample) {
          const auto& right = expected[sample][static_cast<std::size_t>(index)];
          double worst = 0;
          for (std::size_t i = 0; i < right.size(); ++i)
            worst = std::max(worst, std::abs(values[sample * right.size() + i] - right[i]));
          INFO(name_of(op.kind) << " " << op.name << ", sample " << sample);
          CHECK(worst <= kTolerance[dtype == DType::bf16] * largest(right));
        }
      });
}

}  // namespace

TEST_CASE("random graphs agree with the naive interpreter in f32", "[cpu]") {
  for (unsigned seed = 1; seed <= 120; ++seed) {
    INFO("seed " << seed);
    check_against_interpreter(GraphMaker(seed).make(), DType::f32, 1 + seed % 3);
  }
}

TEST_CASE("random graphs agree with the naive interpreter in bf16", "[cpu]") {
  for (unsigned seed = 1; seed <= 120; ++seed) {
    INFO("seed " << seed);
    check_against_interpreter(GraphMaker(seed).make(), DType::bf16, 1 + seed % 3);
  }
}

TEST_CASE("a sample's output does not depend on the batch that it is in", "[cpu]") {
  for (const DType dtype : {DType::f32, DType::bf16})
    for (unsigned seed = 200; seed < 240; ++seed) {
      INFO("seed " << seed << " " << name_of(dtype));
      const auto loaded = load_ok(GraphMaker(seed).make(), options_of(dtype));
      const auto one = prepare_ok(*loaded, 1), three = prepare_ok(*loaded, 3);
      REQUIRE(one->run(1));
      REQUIRE(three->run(1));
      const std::vector<float> alone = one->read_output(1).value();
      const std::vector<float> together = three->read_output(3).value();
      double worst = 0;
      for (std::size_t i = 0; i < alone.size(); ++i)
        worst = std::max(worst, std::abs(static_cast<double>(alone[i]) - together[i]));
      const double scale = largest({alone.begin(), alone.end()});
      CHECK(together.size() == 3 * alone.size());
      CHECK(worst <= loaded->output_tolerance() * scale);
    }
}

TEST_CASE("running again gives the same output, another seed another", "[cpu]") {
  const auto loaded = load_ok(GraphMaker(7).make(), options_of(DType::f32));
  const auto program = prepare_ok(*loaded, 2);
  REQUIRE(program->run(1));
  const std::vector<float> first = program->read_output(2).value();
  const RunTimes times = program->run(3).value();
  CHECK(times.seconds.size() == 3);
  CHECK(times.instance == std::vector<int>{0, 0, 0});
  CHECK(*std::min_element(times.seconds.begin(), times.seconds.end()) > 0);
  CHECK(program->read_output(2).value() == first);
  CHECK(program->read_output(100).value() == first);
  CHECK(program->read_output(1)->size() == first.size() / 2);
  program->set_input(99);
  REQUIRE(program->run(1));
  CHECK(program->read_output(2).value() != first);
}
