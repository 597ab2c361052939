// Resampling: cases of ONNX's documentation, and whole images against products of one-axis weights.
#include "kernels/tensor/resize.h"

#include "tests/kernels/tensor/support.h"

namespace batchtune::kernels::tensor {
namespace {

Values<float> resized(const Values<float>& in, Resize how, const Shape& shape) {
  for (std::size_t i = 0; i < shape.size(); ++i) {
    if (how.scales[i] == 0) {
      how.scales[i] = static_cast<double>(shape[i]) / static_cast<double>(in.shape[i]);
    }
    if (how.roi_end[i] == 0) how.roi_end[i] = 1;
  }
  Values<float> out(shape);
  Team team;
  REQUIRE(resize(team, in.in(), how, out.out()));
  return out;
}

Values<float> four() {
  return {{1, 1, 2, 2}, {1, 2, 3, 4}};
}
Values<float> sixteen() {
  std::vector<float> x(16);
  for (std::size_t i = 0; i < 16; ++i) x[i] = static_cast<float>(i + 1);
  return {{1, 1, 4, 4}, x};
}

}  // namespace

TEST_CASE("nearest repeats in all modes of rounding", "[kernels][tensor]") {
  const Values<float> in({4}, {0, 1, 2, 3});
  const auto row = [&](Nearest nearest, Coordinates coordinates, std::int64_t size) {
    return resized(in, {.nearest = nearest, .coordinates = coordinates}, {size}).data;
  };
  using V = std::vector<float>;
  CHECK(row(Nearest::floor, Coordinates::asymmetric, 8) == V{0, 0, 1, 1, 2, 2, 3, 3});
  CHECK(row(Nearest::ceil, Coordinates::asymmetric, 8) == V{0, 1, 1, 2, 2, 3, 3, 3});
  CHECK(row(Nearest::round_prefer_floor, Coordinates::asymmetric, 8) == V{0, 0, 1, 1, 2, 2, 3, 3});
  CHECK(row(Nearest::round_prefer_ceil, Coordinates::asymmetric, 8) == V{0, 1, 1, 2, 2, 3, 3, 3});
  CHECK(row(Nearest::round_prefer_floor, Coordinates::half_pixel, 2) == V{0, 2});
  CHECK(row(Nearest::round_prefer_floor, Coordinates::align_corners, 7) == V{0, 0, 1, 1, 2, 2, 3});
  CHECK(row(Nearest::floor, Coordinates::tf_half_pixel_for_nn, 2) == V{1, 3});
}

TEST_CASE("linear and cubic cases of ONNX's documentation", "[kernels][tensor]") {
  const Values<float> half = resized(four(), {.mode = Interpolation::linear}, {1, 1, 4, 4});
  check_near(half, {half.shape,
                    {1, 1.25f, 1.75f, 2, 1.5f, 1.75f, 2.25f, 2.5f, 2.5f, 2.75f, 3.25f, 3.5f, 3,
                     3.25f, 3.75f, 4}});
  const Values<float> corners =
      resized(four(), {.mode = Interpolation::linear, .coordinates = Coordinates::align_corners},
              {1, 1, 4, 4});
  check_near(corners, {corners.shape,
                       {1, 1.3333333f, 1.6666667f, 2, 1.6666667f, 2, 2.3333333f, 2.6666667f,
                        2.3333333f, 2.6666667f, 3, 3.3333333f, 3, 3.3333333f, 3.6666667f, 4}});
  Resize cubic{.mode = Interpolation::cubic};
  cubic.scales = {1, 1, 0.8, 0.8};
  const Values<float> down = resized(sixteen(), cubic, {1, 1, 3, 3});
  check_near(down, {down.shape,
                    {1.47119141f, 2.78125f, 4.08251953f, 6.71142578f, 8.02148438f, 9.32275391f,
                     11.91650391f, 13.2265625f, 14.52783203f}});
  cubic.exclude_outside = true;
  cubic.cubic_a = -0.5;
  const Values<float> excluded = resized(sixteen(), cubic, {1, 1, 3, 3});
  check_near(excluded, {excluded.shape,
                        {1.36812675f, 2.6695014f, 4.0133367f, 6.57362535f, 7.875f, 9.2188353f,
                         11.94896657f, 13.25034122f, 14.59417652f}});
}

TEST_CASE("against aliasing every element of a larger input counts", "[kernels][tensor]") {
  Resize how{.mode = Interpolation::linear, .antialias = true};
  how.scales = {1, 1, 0.6, 0.6};
  const Values<float> linear = resized(sixteen(), how, {1, 1, 2, 2});
  check_near(linear, {linear.shape, {2.875f, 4.5f, 9.375f, 11}});  // ONNX's documentation
  how.mode = Interpolation::cubic;
  const Values<float> cubic = resized(sixteen(), how, {1, 1, 2, 2});
  check_near(cubic, {cubic.shape, {2.5180721f, 4.2858863f, 9.589329f, 11.357142f}});
  how.mode = Interpolation::linear;  // a larger output is as without
  how.scales = {1, 1, 2, 2};
  Resize without = how;
  without.antialias = false;
  CHECK(resized(four(), how, {1, 1, 4, 4}).data == resized(four(), without, {1, 1, 4, 4}).data);
  Team team;
  Values<float> one({1, 1, 1, 1});
  how.scales = {1, 1, 1e-9, 1e-9};
  CHECK_FALSE(resize(team, four().in(), how, one.out()));
}

TEST_CASE("what lies outside of a crop has the extrapolation value", "[kernels][tensor]") {
  Resize how{.mode = Interpolation::linear, .coordinates = Coordinates::tf_crop_and_resize};
  how.extrapolation_value = 10;
  how.roi_begin = {0, 0, 0.4, 0.6};
  how.roi_end = {1, 1, 1.2, 1.7};
  const Values<float> out = resized(sixteen(), how, {1, 1, 3, 3});
  check_near(out, {out.shape, {7.6f, 10, 10, 12.4f, 10, 10, 10, 10, 10}});
  how.mode = Interpolation::nearest;
  CHECK(resized(sixteen(), how, {1, 1, 3, 3}).data ==
        std::vector<float>{7, 10, 10, 11, 10, 10, 10, 10, 10});
}

TEST_CASE("three axes are resized one by one, over many chunks", "[kernels][tensor]") {
  const Values<float> in = numbers({2, 3, 4, 5, 40}, 1);
  const Shape shape{2, 3, 7, 3, 90};
  Resize how{.mode = Interpolation::linear};
  for (std::size_t i = 0; i < 5; ++i) {
    how.scales[i] = static_cast<double>(shape[i]) / static_cast<double>(in.shape[i]);
  }
  struct Tap {
    std::int64_t low, high;
    double t;
  };
  const auto tap = [&](std::size_t axis, std::int64_t i) {
    const double x = (static_cast<double>(i) + 0.5) / how.scales[axis] - 0.5;
    const auto clamp = [&](double place) {
      return static_cast<std::int64_t>(
          std::clamp(place, 0.0, static_cast<double>(in.shape[axis] - 1)));
    };
    return Tap{clamp(std::floor(x)), clamp(std::floor(x) + 1), x - std::floor(x)};
  };
  Values<float> right(shape);
  for_places(shape, [&](const Shape& p) {
    const Tap z = tap(2, p[2]), y = tap(3, p[3]), x = tap(4, p[4]);
    double sum = 0;
    for_places({2, 2, 2}, [&](const Shape& q) {
      const double weight =
          (q[0] ? z.t : 1 - z.t) * (q[1] ? y.t : 1 - y.t) * (q[2] ? x.t : 1 - x.t);
      sum += weight * static_cast<double>(in.at({p[0], p[1], q[0] ? z.high : z.low,
                                                 q[1] ? y.high : y.low, q[2] ? x.high : x.low}));
    });
    right.at(p) = static_cast<float>(sum);
  });
  on_all([&](const Context& context) {
    Values<float> out(shape);
    REQUIRE(resize(context, in.in(), how, out.out()));
    check_near(out, right);
  });
}

TEST_CASE("whole numbers are resized by rounding", "[kernels][tensor]") {
  Team team;
  const Values<std::uint8_t> in({2}, {0, 255});
  Values<std::uint8_t> out(Shape{4}), nearest(Shape{4});
  Resize how{.mode = Interpolation::linear};
  how.scales[0] = 2;
  REQUIRE(resize(team, in.in(), how, out.out()));
  CHECK(out.data == std::vector<std::uint8_t>{0, 64, 191, 255});
  how.mode = Interpolation::nearest;
  REQUIRE(resize(team, in.in(), how, nearest.out()));
  CHECK(nearest.data == std::vector<std::uint8_t>{0, 0, 255, 255});
  how.scales[0] = 0;
  CHECK_FALSE(resize(team, in.in(), how, out.out()));
}

TEST_CASE("grid samples: the identity, paddings and nearest", "[kernels][tensor]") {
  const Values<float> in({1, 1, 2, 2}, {1, 2, 3, 4});
  const Values<float> grid({1, 1, 4, 2}, {-1, -1, 1, 1, 0, 0, 2, -1});  // x, y
  Team team;
  const auto sampled = [&](GridSample how) {
    Values<float> out(Shape{1, 1, 1, 4});
    REQUIRE(grid_sample(team, in.in(), grid.in(), how, out.out()));
    return out;
  };
  const auto row = [&](GridSample how, std::vector<float> right) {
    check_near(sampled(how), {{1, 1, 1, 4}, std::move(right)});
  };
  row({.align_corners = true}, {1, 4, 2.5f, 1});  // half of the 2 at the right is left
  row({.padding = GridPadding::border, .align_corners = true}, {1, 4, 2.5f, 2});
  row({.padding = GridPadding::reflection, .align_corners = true}, {1, 4, 2.5f, 1.5f});
  row({.mode = Interpolation::nearest, .align_corners = true}, {1, 4, 1, 0});
  row({.align_corners = false}, {0.25f, 1, 2.5f, 0});
}

TEST_CASE("three-dimensional grids sample every channel", "[kernels][tensor]") {
  const Values<float> in = numbers({2, 3, 4, 5, 6}, 1);
  // The grid of the identity.
  Values<float> grid(Shape{2, 4, 5, 6, 3});
  for_places(grid.shape, [&](const Shape& p) {
    const auto axis = static_cast<std::size_t>(2 - p[4]);
    grid.at(p) =
        2 * static_cast<float>(p[1 + axis]) / static_cast<float>(in.shape[2 + axis] - 1) - 1;
  });
  on_all([&](const Context& context) {
    Values<float> out(in.shape);
    REQUIRE(grid_sample(context, in.in(), grid.in(), {.align_corners = true}, out.out()));
    check_near(out, in, 1e-5);
  });
}

}  // namespace batchtune::kernels::tensor
