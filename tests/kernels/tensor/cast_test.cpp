// Casts and quantisation.
#include "kernels/tensor/cast.h"

#include "kernels/bfloat16.h"
#include "kernels/tensor/half.h"
#include "tests/kernels/tensor/support.h"

namespace batchtune::kernels::tensor {
namespace {

template <typename To, typename From>
std::vector<To> casted(std::vector<From> x, ElementType to = kTypeOf<To>,
                       ElementType from = kTypeOf<From>) {
  const Shape shape{static_cast<std::int64_t>(x.size())};
  const Values<From> in(shape, std::move(x), from);
  Values<To> out(shape, to);
  Team team;
  REQUIRE(cast(team, in.in(), out.out()));
  return out.data;
}

}  // namespace

TEST_CASE("every f16 survives the way through f32 and back", "[kernels][tensor]") {
  for (std::uint32_t bits = 0; bits < 0x10000; ++bits) {
    const Half half{static_cast<std::uint16_t>(bits)};
    const float value = to_float(half);
    const Half back = to_half(value);
    const bool nan = (bits & 0x7fffu) > 0x7c00u;
    if (nan != std::isnan(value) || (!nan && back.bits != half.bits) ||
        (nan && (back.bits & 0x7fffu) <= 0x7c00u)) {
      CAPTURE(bits, value, back.bits);
      CHECK(false);
    }
  }
}

TEST_CASE("f16 rounds to nearest, halves to even, into infinity and denormals",
          "[kernels][tensor]") {
  CHECK(to_half(1.0f).bits == 0x3c00);
  CHECK(to_half(1 + 0x1p-11f).bits == 0x3c00);             // half way, to even
  CHECK(to_half(1 + 3 * 0x1p-11f).bits == 0x3c02);         // half way, to even
  CHECK(to_half(1 + 0x1p-11f + 0x1p-20f).bits == 0x3c01);  // beyond half way
  CHECK(to_half(65504).bits == 0x7bff);
  CHECK(to_half(65519).bits == 0x7bff);
  CHECK(to_half(-65520).bits == 0xfc00);
  CHECK(to_half(0x1p-24f).bits == 1);
  CHECK(to_half(0x1p-25f).bits == 0);  // half of the least, to even
  CHECK(to_half(0x1.8p-24f).bits == 2);
  CHECK(to_half(-0.0f).bits == 0x8000);
  // f64 is rounded once: by way of f32 this would be half way.
  CHECK(casted<std::uint16_t, double>({1 + 0x1p-11 + 0x1p-40}, ElementType::f16)[0] == 0x3c01);
  CHECK(casted<std::uint16_t, double>({1 + 0x1p-8 + 0x1p-40}, ElementType::bf16)[0] == 0x3f81);
}

TEST_CASE("floats become whole numbers by cutting; what does not fit is clamped",
          "[kernels][tensor]") {
  constexpr float kInf = std::numeric_limits<float>::infinity();
  CHECK(casted<std::int8_t, float>({1.9f, -1.9f, 300, -300, std::nanf("")}) ==
        std::vector<std::int8_t>{1, -1, 127, -128, 0});
  CHECK(casted<std::uint8_t, float>({-0.5f, -5, 255.5f, 256}) ==
        std::vector<std::uint8_t>{0, 0, 255, 255});
  CHECK(casted<std::int64_t, float>({kInf, -kInf, 9.3e18f, -9.3e18f}) ==
        std::vector<std::int64_t>{
            std::numeric_limits<std::int64_t>::max(), std::numeric_limits<std::int64_t>::min(),
            std::numeric_limits<std::int64_t>::max(), std::numeric_limits<std::int64_t>::min()});
  CHECK(casted<std::uint64_t, double>({1.8e19, -1}) ==
        std::vector<std::uint64_t>{18000000000000000000u, 0});
}

TEST_CASE("whole numbers keep their low bits; boolean is whether they are not 0",
          "[kernels][tensor]") {
  CHECK(casted<std::int8_t, std::int16_t>({200, -200, 5}) == std::vector<std::int8_t>{-56, 56, 5});
  CHECK(casted<std::uint64_t, std::int32_t>({-1}) == std::vector<std::uint64_t>{~std::uint64_t{0}});
  CHECK(casted<float, std::int64_t>({(std::int64_t{1} << 53) + 1}) == std::vector<float>{0x1p53f});
  CHECK(casted<std::uint8_t, float>({0, -0.0f, 0.1f, std::nanf("")}, ElementType::boolean) ==
        std::vector<std::uint8_t>{0, 0, 1, 1});
  CHECK(casted<float, std::uint8_t>({0, 1}, ElementType::f32, ElementType::boolean) ==
        std::vector<float>{0, 1});
  CHECK(casted<std::uint8_t, std::int64_t>({256}, ElementType::boolean) ==
        std::vector<std::uint8_t>{1});
}

TEST_CASE("every pair of types casts small numbers exactly, over many chunks",
          "[kernels][tensor]") {
  const Values<std::int64_t> start = whole_numbers<std::int64_t>({9001}, 3, 0, 1);
  on_all([&](const Context& context) {
    for (int a = 0; a <= static_cast<int>(ElementType::boolean); ++a) {
      for (int b = 0; b <= static_cast<int>(ElementType::boolean); ++b) {
        const auto first = static_cast<ElementType>(a), second = static_cast<ElementType>(b);
        std::vector<std::uint64_t> x(9001), y(9001);
        const Tensor middle{first, start.shape, x.data()}, last{second, start.shape, y.data()};
        Values<std::int64_t> back(start.shape);
        REQUIRE(cast(context, start.in(), middle));
        REQUIRE(cast(context, middle, last));
        REQUIRE(cast(context, last, back.out()));
        CAPTURE(name_of(first), name_of(second));
        CHECK(back.data == start.data);
      }
    }
  });
}

TEST_CASE("quantisation rounds halves to even and saturates", "[kernels][tensor]") {
  Team team;
  const Values<float> x({6}, {1, 3, -1, 1000, -1000, 5}), scale({}, {2});
  const Values<std::uint8_t> zero({}, {128});
  const ConstTensor zero_point = zero.in();
  Values<std::uint8_t> y(Shape{6});
  REQUIRE(quantize_linear(team, x.in(), scale.in(), &zero_point, {}, y.out()));
  CHECK(y.data == std::vector<std::uint8_t>{128, 130, 128, 255, 0, 130});
  Values<float> back(Shape{6});
  REQUIRE(dequantize_linear(team, y.in(), scale.in(), &zero_point, {}, back.out()));
  CHECK(back.data == std::vector<float>{0, 4, 0, 254, -256, 4});
}

TEST_CASE("scales lie along an axis or in blocks", "[kernels][tensor]") {
  const Values<std::int8_t> x = whole_numbers<std::int8_t>({3, 7, 5}, 1);
  const Values<float> scale = whole_numbers<float>({7}, 2, 1, 9);
  const Values<std::int8_t> zero = whole_numbers<std::int8_t>({7}, 3);
  const ConstTensor zero_point = zero.in();
  const Values<float> blocks = whole_numbers<float>({3, 4, 5}, 4, 1, 9);       // of 2 along axis 1
  const Values<float> last_blocks = whole_numbers<float>({3, 7, 2}, 5, 1, 9);  // of 3 along axis 2
  on_all([&](const Context& context) {
    Values<float> out(x.shape), in_blocks(x.shape), in_last(x.shape);
    REQUIRE(dequantize_linear(context, x.in(), scale.in(), &zero_point, {1, 0}, out.out()));
    REQUIRE(dequantize_linear(context, x.in(), blocks.in(), nullptr, {1, 2}, in_blocks.out()));
    REQUIRE(dequantize_linear(context, x.in(), last_blocks.in(), nullptr, {2, 3}, in_last.out()));
    bool same = true;
    for_places(x.shape, [&](const Shape& p) {
      const auto c = static_cast<std::size_t>(p[1]);
      same = same && out.at(p) == static_cast<float>(x.at(p) - zero.data[c]) * scale.data[c];
      same = same &&
             in_blocks.at(p) == static_cast<float>(x.at(p)) * blocks.at({p[0], p[1] / 2, p[2]});
      same = same &&
             in_last.at(p) == static_cast<float>(x.at(p)) * last_blocks.at({p[0], p[1], p[2] / 3});
    });
    CHECK(same);
    CHECK_FALSE(dequantize_linear(context, x.in(), scale.in(), nullptr, {2, 0}, out.out()));
  });
}

}  // namespace batchtune::kernels::tensor
