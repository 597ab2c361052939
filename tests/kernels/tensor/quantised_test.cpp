// Quantised products against sums of whole numbers, rounded once.
#include "kernels/tensor/quantised.h"

#include "kernels/tensor/binary.h"
#include "kernels/tensor/products.h"
#include "tests/kernels/tensor/support.h"

namespace batchtune::kernels::tensor {
namespace {

template <typename T>
T rounded(double value, int zero) {
  using Limits = std::numeric_limits<T>;
  return static_cast<T>(std::clamp(std::nearbyint(value) + zero, static_cast<double>(Limits::min()),
                                   static_cast<double>(Limits::max())));
}

// The scales are powers of two: no quotient is rounded but the last.
constexpr float kInScaleValue = 0.25f, kOutScaleValue = 8;
constexpr std::uint8_t kInZeroValue = 113, kOutZeroValue = 101;
const ConstTensor kInScale{ElementType::f32, {}, &kInScaleValue};
const ConstTensor kOutScale{ElementType::f32, {}, &kOutScaleValue};
const ConstTensor kInZero{ElementType::u8, {}, &kInZeroValue};
const ConstTensor kOutZero{ElementType::u8, {}, &kOutZeroValue};

}  // namespace

TEST_CASE("a quantised product is rounded and held within its type, with scales of columns",
          "[kernels][tensor]") {
  constexpr std::int64_t kRows = 7, kInner = 33, kColumns = 40;
  const auto a = whole_numbers<std::uint8_t>({2, kRows, kInner}, 1, 0, 255);
  const auto b = whole_numbers<std::int8_t>({kInner, kColumns}, 2, -128, 127);
  Values<float> scale({kColumns}, std::vector<float>(kColumns));
  Values<std::int8_t> zero({kColumns}, std::vector<std::int8_t>(kColumns));
  for (std::int64_t j = 0; j < kColumns; ++j) {
    scale.at({j}) = std::ldexp(1.0f, static_cast<int>(j % 4) - 6);
    zero.at({j}) = static_cast<std::int8_t>(j % 5 - 2);
  }
  Values<std::uint8_t> right({2, kRows, kColumns});
  int inside = 0;
  for_places(right.shape, [&](const Shape& p) {
    std::int64_t sum = 0;
    for (std::int64_t k = 0; k < kInner; ++k)
      sum += (a.at({p[0], p[1], k}) - 113) * (b.at({k, p[2]}) - zero.at({p[2]}));
    const double value =
        static_cast<double>(sum) * 0.25 * static_cast<double>(scale.at({p[2]})) / 8;
    right.at(p) = rounded<std::uint8_t>(value, 101);
    inside += right.at(p) > 0 && right.at(p) < 255;
  });
  REQUIRE(inside > 100);
  on_all([&](const Context& context) {
    const ConstTensor as_f32{ElementType::f32, b.shape, nullptr};
    const Scratch scratch(
        context,
        matmul_workspace_bytes(context.kernels, {ElementType::f32, a.shape, nullptr}, as_f32));
    for (const Workspace& workspace : {scratch.workspace(), Workspace{}}) {
      Values<std::uint8_t> out(right.shape);
      REQUIRE(qlinear_matmul(context, {a.in(), kInScale, kInZero}, {b.in(), scale.in(), zero.in()},
                             kOutScale, kOutZero, out.out(), workspace));
      CHECK(out.data == right.data);
    }
  });
}

TEST_CASE("a quantised convolution pads with zero points and adds a bias in steps of the product",
          "[kernels][tensor]") {
  const std::int64_t groups = GENERATE(1, 2);
  constexpr std::int64_t kSize = 6, kIn = 4, kOut = 10;
  const auto image = whole_numbers<std::uint8_t>({2, kIn, kSize, kSize}, 1, 0, 255);
  const auto filters = whole_numbers<std::int8_t>({kOut, kIn / groups, 3, 3}, 2, -128, 127);
  const auto bias = whole_numbers<std::int32_t>({kOut}, 3, -900, 900);
  Values<float> scale({kOut}, std::vector<float>(kOut));
  for (std::int64_t j = 0; j < kOut; ++j)
    scale.at({j}) = std::ldexp(1.0f, static_cast<int>(j % 3) - 7);
  const Values<std::int8_t> zero({1}, {3});
  Values<std::uint8_t> right({2, kOut, 3, 3});
  for_places(right.shape, [&](const Shape& p) {
    std::int64_t sum = bias.at({p[1]});
    for_places({kIn / groups, 3, 3}, [&](const Shape& t) {
      const std::int64_t y = 2 * p[2] - 1 + t[1], x = 2 * p[3] - 1 + t[2];
      if (y < 0 || x < 0 || y >= kSize || x >= kSize) return;
      const std::int64_t c = p[1] / (kOut / groups) * (kIn / groups) + t[0];
      sum += (image.at({p[0], c, y, x}) - 113) * (filters.at({p[1], t[0], t[1], t[2]}) - 3);
    });
    const double value =
        static_cast<double>(sum) * 0.25 * static_cast<double>(scale.at({p[1]})) / 8;
    right.at(p) = rounded<std::uint8_t>(value, 101);
  });
  const Window window{
      .kernel = {3, 3, 1}, .stride = {2, 2, 1}, .pad_begin = {1, 1, 0}, .pad_end = {1, 1, 0}};
  const ConstTensor start = bias.in();
  on_all([&](const Context& context) {
    const Scratch scratch(context, conv_workspace_bytes(context.kernels, filters.in(), groups));
    for (const Workspace& workspace : {scratch.workspace(), Workspace{}}) {
      Values<std::uint8_t> out(right.shape);
      REQUIRE(qlinear_conv(context, {image.in(), kInScale, kInZero},
                           {filters.in(), scale.in(), zero.in()}, &start, window, groups, kOutScale,
                           kOutZero, out.out(), workspace));
      CHECK(out.data == right.data);
    }
  });
}

TEST_CASE("other operations run on the values that quantised tensors stand for",
          "[kernels][tensor]") {
  const auto a = whole_numbers<std::uint8_t>({3, 70}, 1, 0, 255),
             b = whole_numbers<std::uint8_t>({70}, 2, 0, 255);
  Values<std::uint8_t> right(a.shape);
  for_places(a.shape, [&](const Shape& p) {
    const double sum = 0.25 * (a.at(p) - 113) + 0.25 * (b.at({p[1]}) - 113);
    right.at(p) = rounded<std::uint8_t>(sum / 8, 101);
  });
  on_all([&](const Context& context) {
    const Quantised operands[] = {{a.in(), kInScale, kInZero}, {b.in(), kInScale, kInZero}};
    const OfValues add = [&](std::span<const ConstTensor> in, const Tensor& out) {
      return binary(context, Binary::add, in[0], in[1], out);
    };
    Values<std::uint8_t> out(a.shape);
    REQUIRE(qlinear(context, operands, add, kOutScale, kOutZero, out.out()));
    CHECK(out.data == right.data);
    CHECK_FALSE(qlinear(context, operands, add, kOutScale, kOutScale, out.out()));
  });
}

TEST_CASE("quantised products refuse floats, and zero points of another type",
          "[kernels][tensor]") {
  Team team;
  const auto a = whole_numbers<std::uint8_t>({2, 2}, 1, 0, 9);
  const Values<float> f({2, 2}, {1, 2, 3, 4});
  const Values<std::int8_t> other({}, {0});
  Values<std::uint8_t> out({2, 2});
  const Quantised good{a.in(), kInScale, kInZero};
  const auto run = [&](const Quantised& b) {
    return qlinear_matmul(team, good, b, kOutScale, kOutZero, out.out());
  };
  CHECK(run(good));
  CHECK_FALSE(run({f.in(), kInScale, kInZero}));
  CHECK_FALSE(run({a.in(), kInScale, other.in()}));
  CHECK_FALSE(run({a.in(), kInZero, kInZero}));
}

}  // namespace batchtune::kernels::tensor
