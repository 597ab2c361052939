// Convolution, pooling and normalisation of images by their definitions, place by place.
#include "kernels/tensor/images.h"

#include "tests/kernels/tensor/support.h"

namespace batchtune::kernels::tensor {
namespace {

struct Case {
  std::int64_t batch, in_channels, out_channels, groups;
  Shape image, kernel;
  Window window;  // its kernel is filled in
};

std::vector<Case> cases() {
  std::vector<Case> all{
      {2, 3, 4, 1, {17}, {3}, {.stride = {1}, .pad_begin = {1}, .pad_end = {1}}},
      {1, 4, 6, 2, {20}, {4}, {.stride = {3}, .dilation = {2}, .pad_begin = {2}, .pad_end = {5}}},
      {2,
       2,
       2,
       2,
       {9, 8},
       {3, 2},
       {.stride = {2, 1}, .dilation = {1, 2}, .pad_begin = {2, 0}, .pad_end = {1, 3}}},
      {1,
       3,
       5,
       1,
       {5, 6, 7},
       {2, 3, 1},
       {.stride = {1, 2, 2}, .pad_begin = {1, 1, 0}, .pad_end = {0, 1, 0}}},
      {2,
       4,
       4,
       4,
       {4, 5, 6},
       {3, 3, 3},
       {.dilation = {2, 1, 1}, .pad_begin = {2, 1, 1}, .pad_end = {2, 1, 1}}},
      {1, 1, 1, 1, {3}, {5}, {.pad_begin = {4}, .pad_end = {4}}},  // most taps are outside
      // Enough channels to run as products; the second in several blocks of pixels and rows.
      {2,
       8,
       10,
       2,
       {9, 11},
       {3, 2},
       {.stride = {2, 3}, .dilation = {1, 2}, .pad_begin = {1, 1}, .pad_end = {0, 2}}},
      {1, 4, 5, 1, {70, 20}, {3, 3}, {.pad_begin = {1, 1}, .pad_end = {1, 1}}},
      {1,
       6,
       4,
       1,
       {5, 6, 4},
       {2, 2, 3},
       {.stride = {1, 2, 1}, .pad_begin = {1, 0, 2}, .pad_end = {1, 0, 0}}},
  };
  for (Case& test : all) {
    for (std::size_t i = 0; i < test.kernel.size(); ++i) test.window.kernel[i] = test.kernel[i];
  }
  return all;
}

Shape image_shape(std::int64_t batch, std::int64_t channels, const Shape& image) {
  Shape shape{batch, channels};
  for (const std::int64_t size : image) shape.push_back(size);
  return shape;
}

Shape convolved(const Case& c) {
  Shape image;
  for (std::size_t i = 0; i < c.image.size(); ++i) {
    const std::int64_t extent = (c.kernel[i] - 1) * c.window.dilation[i] + 1;
    const std::int64_t padded = c.image[i] + c.window.pad_begin[i] + c.window.pad_end[i];
    image.push_back((padded - extent) / c.window.stride[i] + 1);
  }
  return image;
}

// f(tap, place in the image) for the taps of an output place that lie inside.
template <typename F>
void for_taps(const Case& c, const Shape& out_place, F f) {
  for_places(c.kernel, [&](const Shape& tap) {
    Shape place;
    for (std::size_t i = 0; i < tap.size(); ++i) {
      place.push_back(out_place[2 + i] * c.window.stride[i] - c.window.pad_begin[i] +
                      tap[i] * c.window.dilation[i]);
      if (place[i] < 0 || place[i] >= c.image[i]) return;
    }
    f(tap, place);
  });
}

Shape joined(std::int64_t a, std::int64_t b, const Shape& rest) {
  return image_shape(a, b, rest);
}

}  // namespace

TEST_CASE("convolution of 1 to 3 axes with groups, strides, dilations and pads",
          "[kernels][tensor]") {
  for (const Case& c : cases()) {
    const std::int64_t each_in = c.in_channels / c.groups, each_out = c.out_channels / c.groups;
    const auto in = whole_numbers<float>(image_shape(c.batch, c.in_channels, c.image), 1);
    const auto weights = whole_numbers<float>(joined(c.out_channels, each_in, c.kernel), 2);
    const auto bias = whole_numbers<float>({c.out_channels}, 3);
    Values<float> right(image_shape(c.batch, c.out_channels, convolved(c)));
    for_places(right.shape, [&](const Shape& p) {
      float sum = bias.at({p[1]});
      for_taps(c, p, [&](const Shape& tap, const Shape& place) {
        for (std::int64_t i = 0; i < each_in; ++i) {
          sum += in.at(joined(p[0], p[1] / each_out * each_in + i, place)) *
                 weights.at(joined(p[1], i, tap));
        }
      });
      right.at(p) = sum;
    });
    CAPTURE(c.image.span(), c.kernel.span(), c.groups);
    const ConstTensor shift = bias.in();
    on_all([&](const Context& context) {
      Values<float> out(right.shape);
      REQUIRE(conv(context, in.in(), weights.in(), &shift, c.window, c.groups, out.out()));
      CHECK(out.data == right.data);
      const Scratch scratch(context, conv_workspace_bytes(context.kernels, weights.in(), c.groups));
      Values<float> packed(right.shape);
      REQUIRE(conv(context, in.in(), weights.in(), &shift, c.window, c.groups, packed.out(),
                   scratch.workspace()));
      CHECK(packed.data == right.data);
    });
  }
}

TEST_CASE("transposed convolution is the other way round", "[kernels][tensor]") {
  for (const Case& c : cases()) {
    // The case's convolution goes from `out` to `in` here.
    const std::int64_t each = c.out_channels / c.groups, each_in = c.in_channels / c.groups;
    const auto in = whole_numbers<float>(image_shape(c.batch, c.in_channels, convolved(c)), 1);
    const auto weights = whole_numbers<float>(joined(c.in_channels, each, c.kernel), 2);
    const auto bias = whole_numbers<float>({c.out_channels}, 3);
    Values<float> right(image_shape(c.batch, c.out_channels, c.image));
    for_places(right.shape, [&](const Shape& p) { right.at(p) = bias.at({p[1]}); });
    for_places(in.shape, [&](const Shape& p) {
      for_taps(c, p, [&](const Shape& tap, const Shape& place) {
        for (std::int64_t i = 0; i < each; ++i) {
          right.at(joined(p[0], p[1] / each_in * each + i, place)) +=
              in.at(p) * weights.at(joined(p[1], i, tap));
        }
      });
    });
    CAPTURE(c.image.span(), c.kernel.span(), c.groups);
    const ConstTensor shift = bias.in();
    on_all([&](const Context& context) {
      Values<float> out(right.shape);
      REQUIRE(
          conv_transpose(context, in.in(), weights.in(), &shift, c.window, c.groups, out.out()));
      CHECK(out.data == right.data);
      const Scratch scratch(context, conv_transpose_workspace_bytes(context.kernels, in.in(),
                                                                    weights.in(), c.groups));
      Values<float> packed(right.shape);
      REQUIRE(conv_transpose(context, in.in(), weights.in(), &shift, c.window, c.groups,
                             packed.out(), scratch.workspace()));
      CHECK(packed.data == right.data);
    });
  }
}

TEST_CASE("pooling by the definition, with indices in both orders", "[kernels][tensor]") {
  for (const Case& c : cases()) {
    const auto in = numbers(image_shape(c.batch, c.in_channels, c.image), 1);
    const Shape shape = image_shape(c.batch, c.in_channels, convolved(c));
    Values<float> most(shape), average(shape), whole(shape), norm(shape);
    Values<std::int64_t> places(shape);
    for_places(shape, [&](const Shape& p) {
      float best = 0, sum = 0, squares = 0;
      std::int64_t count = 0, all = 1, at = -1;
      for_taps(c, p, [&](const Shape&, const Shape& place) {
        const float x = in.at(joined(p[0], p[1], place));
        if (count++ == 0 || x > best) {
          best = x;
          at = in.index(joined(p[0], p[1], place));
        }
        sum += x;
        squares += x * x;
      });
      for (const std::int64_t size : c.kernel) all *= size;
      most.at(p) = best;
      places.at(p) = at;
      average.at(p) = count == 0 ? 0 : sum / static_cast<float>(count);
      whole.at(p) = sum / static_cast<float>(all);
      norm.at(p) = std::sqrt(squares);
    });
    CAPTURE(c.image.span(), c.kernel.span());
    on_all([&](const Context& context) {
      Values<float> out(shape);
      Values<std::int64_t> indices(shape);
      const Tensor index_tensor = indices.out();
      REQUIRE(max_pool(context, in.in(), c.window, out.out()));
      CHECK(out.data == most.data);
      REQUIRE(max_pool(context, in.in(), c.window, out.out(), &index_tensor));
      CHECK(out.data == most.data);
      CHECK(indices.data == places.data);
      REQUIRE(average_pool(context, in.in(), c.window, false, out.out()));
      check_near(out, average);
      REQUIRE(average_pool(context, in.in(), c.window, true, out.out()));
      check_near(out, whole);
      REQUIRE(lp_pool(context, in.in(), c.window, 2, out.out()));
      check_near(out, norm);
    });
  }
}

TEST_CASE("a NaN is the largest of its windows and of no others", "[kernels][tensor]") {
  Team team;
  const Values<float> in({1, 1, 5}, {1, std::nanf(""), 3, 2, 4});
  Values<float> out(Shape{1, 1, 4});
  REQUIRE(max_pool(team, in.in(), {.kernel = {2}}, out.out()));
  CHECK(std::isnan(out.data[0]));
  CHECK(std::isnan(out.data[1]));
  CHECK(out.data[2] == 3);
  CHECK(out.data[3] == 4);
}

TEST_CASE("windows that reach beyond the padding count what is inside alone", "[kernels][tensor]") {
  Team team;
  const Values<float> in({1, 1, 4}, {1, 2, 3, 4});
  Window window{.kernel = {3}, .stride = {2}, .pad_begin = {1}};
  Values<float> out(Shape{1, 1, 3});  // ceil_mode: the last window has one element and nothing else
  REQUIRE(average_pool(team, in.in(), window, true, out.out()));
  CHECK(out.data == std::vector<float>{1, 3, 4});
  REQUIRE(average_pool(team, in.in(), window, false, out.out()));
  CHECK(out.data == std::vector<float>{1.5f, 3, 4});
}

TEST_CASE("column-major indices, and unpooling into a larger image", "[kernels][tensor]") {
  Team team;
  const Values<float> in({1, 2, 2, 3}, {1, 2, 9, 4, 5, 6, 7, 8, 3, 0, 1, 2});
  const Window window{.kernel = {2, 3}};
  Values<float> out(Shape{1, 2, 1, 1});
  Values<std::int64_t> indices(Shape{1, 2, 1, 1});
  const Tensor places = indices.out();
  REQUIRE(max_pool(team, in.in(), window, out.out(), &places, true));
  CHECK(indices.data == std::vector<std::int64_t>{4, 6 + 2});
  const Values<std::int64_t> at({1, 1, 1, 2}, {1, 3});
  const Values<float> values({1, 1, 1, 2}, {5, 6});
  Values<float> large(Shape{1, 1, 3, 3});
  const Shape counted{1, 1, 2, 2};
  REQUIRE(max_unpool(team, values.in(), at.in(), large.out(), &counted));
  CHECK(large.data == std::vector<float>{0, 5, 0, 0, 6, 0, 0, 0, 0});
}

TEST_CASE("global pools, of other floats as well", "[kernels][tensor]") {
  const Values<double> in = whole_numbers<double>({2, 3, 10, 13}, 1);
  on_all([&](const Context& context) {
    Values<double> mean(Shape{2, 3, 1, 1}), most = mean, norm = mean;
    REQUIRE(global_pool(context, GlobalPool::average, in.in(), 0, mean.out()));
    REQUIRE(global_pool(context, GlobalPool::max, in.in(), 0, most.out()));
    REQUIRE(global_pool(context, GlobalPool::lp, in.in(), 1, norm.out()));
    for (std::int64_t plane = 0; plane < 6; ++plane) {
      double sum = 0, absolute = 0, best = -99;
      for (std::int64_t i = 0; i < 130; ++i) {
        const double x = in.data[static_cast<std::size_t>(plane * 130 + i)];
        sum += x;
        absolute += std::abs(x);
        best = std::max(best, x);
      }
      const auto at = static_cast<std::size_t>(plane);
      CHECK(near(mean.data[at], sum / 130));
      CHECK(most.data[at] == best);
      CHECK(norm.data[at] == absolute);
    }
  });
}

TEST_CASE("batch, instance and group normalisation", "[kernels][tensor]") {
  const Values<float> in = numbers({2, 6, 9, 13}, 1), scale = numbers({6}, 2),
                      bias = numbers({6}, 3);
  const Values<float> of_groups = numbers({2}, 4), mean = numbers({6}, 5);
  const Values<float> variance({6}, {1, 2, 0.5f, 4, 1, 0.25f});
  const double epsilon = 0.01;
  on_all([&](const Context& context) {
    Values<float> out(in.shape), right(in.shape);
    REQUIRE(batch_normalization(context, in.in(), scale.in(), bias.in(), mean.in(), variance.in(),
                                epsilon, out.out()));
    for_places(in.shape, [&](const Shape& p) {
      const auto c = static_cast<std::size_t>(p[1]);
      right.at(p) =
          (in.at(p) - mean.data[c]) / std::sqrt(variance.data[c] + 0.01f) * scale.data[c] +
          bias.data[c];
    });
    check_near(out, right);
    // Groups of 1 (instances) and of 3 channels.
    for (const std::int64_t each : {1, 3}) {
      for (const bool per_group : {false, true}) {
        if (per_group && each == 1) continue;
        const Values<float>& gain = per_group ? of_groups : scale;
        for_places(in.shape, [&](const Shape& p) {
          double sum = 0, squares = 0;
          for_places({each, 9, 13}, [&](const Shape& q) {
            const auto x =
                static_cast<double>(in.at({p[0], p[1] / each * each + q[0], q[1], q[2]}));
            sum += x;
            squares += x * x;
          });
          const double n = static_cast<double>(each * 9 * 13), center = sum / n;
          const double spread = std::sqrt(squares / n - center * center + epsilon);
          const auto c = static_cast<std::size_t>(per_group ? p[1] / each : p[1]);
          right.at(p) =
              static_cast<float>((static_cast<double>(in.at(p)) - center) / spread) * gain.data[c] +
              (per_group ? of_groups : bias).data[c];
        });
        const Outcome done = each == 1 ? instance_normalization(context, in.in(), scale.in(),
                                                                bias.in(), epsilon, out.out())
                                       : group_normalization(context, in.in(), gain.in(),
                                                             (per_group ? of_groups : bias).in(), 2,
                                                             epsilon, out.out());
        REQUIRE(done);
        check_near(out, right);
      }
    }
  });
}

TEST_CASE("LRN over windows of odd and even size", "[kernels][tensor]") {
  const Values<float> in = numbers({2, 7, 5, 60}, 1);
  for (const std::int64_t size : {1, 4, 5, 20}) {
    Values<float> right(in.shape);
    for_places(in.shape, [&](const Shape& p) {
      double sum = 0;
      for (std::int64_t c = p[1] - (size - 1) / 2; c <= p[1] + size / 2; ++c) {
        if (c < 0 || c >= 7) continue;
        const auto x = static_cast<double>(in.at({p[0], c, p[2], p[3]}));
        sum += x * x;
      }
      const double base = 1.5 + 0.3 / static_cast<double>(size) * sum;
      right.at(p) = in.at(p) * static_cast<float>(std::pow(base, -0.6));
    });
    on_all([&](const Context& context) {
      Values<float> out(in.shape);
      REQUIRE(lrn(context, in.in(), {size, 0.3, 0.6, 1.5}, out.out()));
      check_near(out, right);
    });
  }
}

TEST_CASE("convolution of quantised numbers takes zero points off", "[kernels][tensor]") {
  Team team;
  const Values<std::uint8_t> in({1, 1, 3, 3}, {2, 3, 4, 5, 6, 7, 8, 9, 10}),
      weights({1, 1, 2, 2}, {1, 1, 1, 1});
  const Values<std::uint8_t> one({}, {1});
  const ConstTensor zero = one.in();
  Values<std::int32_t> out(Shape{1, 1, 2, 2}), padded(Shape{1, 1, 4, 4});
  Window window{.kernel = {2, 2}};
  REQUIRE(conv_integer(team, in.in(), weights.in(), &zero, nullptr, window, 1, out.out()));
  CHECK(out.data == std::vector<std::int32_t>{12, 16, 24, 28});
  window.pad_begin = window.pad_end = {1, 1};
  REQUIRE(conv_integer(team, in.in(), weights.in(), &zero, nullptr, window, 1, padded.out()));
  CHECK(padded.data[0] == 1);  // padding is what the zero point stands for
}

TEST_CASE("images that do not fit are refused", "[kernels][tensor]") {
  Team team;
  const Values<float> in = numbers({1, 4, 5, 5}, 1), weights = numbers({4, 3, 3, 3}, 2);
  Values<float> out(Shape{1, 4, 3, 3});
  Window window{.kernel = {3, 3}};
  CHECK_FALSE(conv(team, in.in(), weights.in(), nullptr, window, 1, out.out()));
  CHECK_FALSE(conv(team, in.in(), weights.in(), nullptr, window, 3, out.out()));
  window.stride = {0, 1};
  CHECK_FALSE(max_pool(team, in.in(), window, out.out()));
}

}  // namespace batchtune::kernels::tensor
