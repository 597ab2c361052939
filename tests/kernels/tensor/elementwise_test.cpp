// Operations on elements, with broadcasting, against loops over places.
#include "kernels/tensor/binary.h"
#include "kernels/tensor/unary.h"
#include "tests/kernels/tensor/support.h"

namespace batchtune::kernels::tensor {
namespace {

struct Pair {
  Shape a, b;
};
const Pair kPairs[] = {
    {{}, {}},
    {{7}, {7}},
    {{2, 3, 300}, {2, 3, 300}},  // equal
    {{5, 1000}, {}},             // scalar
    {{}, {3, 257}},
    {{40, 33}, {33}},                 // trailing
    {{2, 5, 6, 7}, {5, 1, 1}},        // per channel
    {{5, 1}, {2, 5, 9}},              // the first one
    {{3, 1, 4}, {1, 5, 1}},           // outer product
    {{2, 1, 3, 1, 5}, {4, 1, 6, 1}},  // alternating
    {{0, 3}, {1, 3}},                 // empty
    {{1, 1, 1}, {1}},
};

template <typename T, typename U, typename F>
void check_pairs(Binary operation, F f) {
  for (const Pair& pair : kPairs) {
    CAPTURE(pair.a.span(), pair.b.span());
    Shape shape;
    REQUIRE(broadcast(pair.a, pair.b, shape));
    const Values<T> a = whole_numbers<T>(pair.a, 1), b = whole_numbers<T>(pair.b, 2, 1, 9);
    on_all([&](const Context& context) {
      Values<U> out(shape, std::is_same_v<T, U> ? kTypeOf<U> : ElementType::boolean);
      REQUIRE(binary(context, operation, a.in(), b.in(), out.out()));
      bool same = true;
      for_places(shape, [&](const Shape& place) {
        const T x = a.at(broadcast_place(place, a.shape)),
                y = b.at(broadcast_place(place, b.shape));
        same = same && out.at(place) == static_cast<U>(f(x, y));
      });
      CHECK(same);
    });
  }
}

template <typename T>
void check_types() {
  check_pairs<T, T>(Binary::add, [](T x, T y) { return x + y; });
  check_pairs<T, T>(Binary::sub, [](T x, T y) { return x - y; });
  check_pairs<T, T>(Binary::mul, [](T x, T y) { return x * y; });
  check_pairs<T, T>(Binary::div, [](T x, T y) { return x / y; });
  check_pairs<T, T>(Binary::max, [](T x, T y) { return std::max(x, y); });
  check_pairs<T, std::uint8_t>(Binary::less, [](T x, T y) { return x < y; });
}

template <typename T>
std::vector<T> apply(Binary operation, std::vector<T> a, std::vector<T> b) {
  const Shape shape{static_cast<std::int64_t>(a.size())};
  const Values<T> x(shape, std::move(a)), y(shape, std::move(b));
  Values<T> out(shape);
  Team team;
  REQUIRE(binary(team, operation, x.in(), y.in(), out.out()));
  return out.data;
}

template <typename T>
std::vector<T> apply(Unary operation, std::vector<T> x, double alpha = 0, double beta = 0) {
  const Shape shape{static_cast<std::int64_t>(x.size())};
  const Values<T> in(shape, std::move(x));
  Values<T> out(shape);
  Team team;
  REQUIRE(unary(team, operation, in.in(), out.out(), alpha, beta));
  return out.data;
}

}  // namespace

TEST_CASE("binary operations broadcast like numpy, for every type", "[kernels][tensor]") {
  check_types<float>();
  check_types<double>();
  check_types<std::int8_t>();
  check_types<std::uint16_t>();
  check_types<std::int64_t>();
  check_types<std::uint64_t>();
}

TEST_CASE("a binary operation may write over an input", "[kernels][tensor]") {
  on_all([&](const Context& context) {
    Values<float> a = whole_numbers<float>({50, 33}, 1);
    const Values<float> before = a, b = whole_numbers<float>({33}, 2);
    REQUIRE(binary(context, Binary::sub, a.in(), b.in(), a.out()));
    bool same = true;
    for_places(a.shape,
               [&](const Shape& p) { same = same && a.at(p) == before.at(p) - b.at({p[1]}); });
    CHECK(same);
  });
}

TEST_CASE("whole numbers divide towards zero and wrap around", "[kernels][tensor]") {
  using I = std::int8_t;
  CHECK(apply<I>(Binary::div, {7, -7, 7, -128, 5}, {2, 2, -2, -1, 0}) ==
        std::vector<I>{3, -3, -3, -128, 0});
  CHECK(apply<I>(Binary::mod, {7, -7, 7, -7, -128, 5}, {3, 3, -3, -3, -1, 0}) ==
        std::vector<I>{1, 2, -2, -1, 0, 0});
  CHECK(apply<I>(Binary::fmod, {7, -7, 7, -7}, {3, 3, -3, -3}) == std::vector<I>{1, -1, 1, -1});
  CHECK(apply<I>(Binary::add, {127, -128}, {1, -1}) == std::vector<I>{-128, 127});
  CHECK(apply<std::int64_t>(Binary::div, {std::numeric_limits<std::int64_t>::min(), 9}, {-1, 0}) ==
        std::vector<std::int64_t>{std::numeric_limits<std::int64_t>::min(), 0});
  CHECK(apply<std::uint64_t>(Binary::div, {~std::uint64_t{0}}, {2}) ==
        std::vector<std::uint64_t>{~std::uint64_t{0} / 2});
  CHECK(apply<std::uint64_t>(Binary::max, {~std::uint64_t{0}}, {2}) ==
        std::vector<std::uint64_t>{~std::uint64_t{0}});
}

TEST_CASE("remainders of floats have the sign that the operation says", "[kernels][tensor]") {
  CHECK(apply<float>(Binary::mod, {5.5f, -5.5f, 5.5f, -5.5f}, {2, 2, -2, -2}) ==
        std::vector<float>{1.5f, 0.5f, -0.5f, -1.5f});
  CHECK(apply<float>(Binary::fmod, {5.5f, -5.5f, 5.5f}, {2, 2, -2}) ==
        std::vector<float>{1.5f, -1.5f, 1.5f});
}

TEST_CASE("shifts by the width and more leave signs alone", "[kernels][tensor]") {
  using U = std::uint8_t;
  CHECK(apply<U>(Binary::shift_left, {1, 255, 3, 3}, {7, 1, 8, 200}) ==
        std::vector<U>{128, 254, 0, 0});
  CHECK(apply<U>(Binary::shift_right, {128, 255, 255}, {7, 1, 8}) == std::vector<U>{1, 127, 0});
  using I = std::int8_t;
  CHECK(apply<I>(Binary::shift_right, {-8, -8, 8, -8}, {1, 8, 9, -1}) ==
        std::vector<I>{-4, -1, 0, -1});
}

TEST_CASE("powers mix types and stay exact for whole numbers", "[kernels][tensor]") {
  Team team;
  const Values<std::int64_t> base({3}, {3, -2, 10});
  const Values<std::int32_t> exponent({3}, {39, 3, -1});
  Values<std::int64_t> out(Shape{3});
  REQUIRE(binary(team, Binary::pow, base.in(), exponent.in(), out.out()));
  CHECK(out.data == std::vector<std::int64_t>{4052555153018976267, -8, 0});
  const Values<float> x({4}, {2, -3, 9, 0.25f});
  for (const double power : {2.0, 3.0, 0.5, -1.0, 1.5}) {
    const Values<double> by({}, {power});
    Values<float> y(Shape{4});
    REQUIRE(binary(team, Binary::pow, x.in(), by.in(), y.out()));
    for (std::size_t i = 0; i < 4; ++i) {
      CAPTURE(power, x.data[i], y.data[i]);
      CHECK(near(static_cast<double>(y.data[i]), std::pow(static_cast<double>(x.data[i]), power)));
    }
  }
}

TEST_CASE("operations refuse types and shapes that they do not take", "[kernels][tensor]") {
  Team team;
  const Values<float> a = numbers({2, 3}, 1), b = numbers({2, 2}, 2), c = numbers({2, 3}, 3);
  const Values<std::int32_t> whole = whole_numbers<std::int32_t>({2, 3}, 1);
  Values<float> out(Shape{2, 3}), small(Shape{3});
  const auto why = [](Outcome outcome) {
    return std::string(outcome.why == nullptr ? "" : outcome.why);
  };
  CHECK(why(binary(team, Binary::add, a.in(), b.in(), out.out())) == "the shapes do not broadcast");
  CHECK(why(binary(team, Binary::add, a.in(), c.in(), small.out())) ==
        "the output has not the broadcast shape");
  CHECK(why(binary(team, Binary::add, a.in(), whole.in(), out.out())) ==
        "the inputs differ in type");
  CHECK_FALSE(binary(team, Binary::less, a.in(), c.in(), out.out()));
  CHECK_FALSE(binary(team, Binary::bitwise_and, a.in(), c.in(), out.out()));
  CHECK_FALSE(unary(team, Unary::bitwise_not, a.in(), out.out()));
  Values<std::int32_t> whole_out(Shape{2, 3});
  CHECK_FALSE(unary(team, Unary::exp, whole.in(), whole_out.out()));
  CHECK(out.data == std::vector<float>(6, 77.0f));  // nothing was written
}

TEST_CASE("unary operations know every type that they take", "[kernels][tensor]") {
  CHECK(apply<std::int8_t>(Unary::abs, {-128, -3, 4}) == std::vector<std::int8_t>{-128, 3, 4});
  CHECK(apply<std::int8_t>(Unary::neg, {-128, -3, 4}) == std::vector<std::int8_t>{-128, 3, -4});
  CHECK(apply<std::int32_t>(Unary::relu, {-5, 6}) == std::vector<std::int32_t>{0, 6});
  CHECK(apply<std::uint16_t>(Unary::bitwise_not, {0, 1}) ==
        std::vector<std::uint16_t>{65535, 65534});
  CHECK(apply<std::int64_t>(Unary::sign, {-5, 0, 6}) == std::vector<std::int64_t>{-1, 0, 1});
  CHECK(apply<double>(Unary::round, {0.5, 1.5, -2.5}) == std::vector<double>{0, 2, -2});
  CHECK(apply<float>(Unary::shrink, {-2, 0.25f, 2}, 0.5, 0.25) ==
        std::vector<float>{-1.75f, 0, 1.75f});
  CHECK(apply<float>(Unary::leaky_relu, {-2, 3}, 0.25) == std::vector<float>{-0.5f, 3});
  CHECK(apply<float>(Unary::thresholded_relu, {1, 1.5f}, 1) == std::vector<float>{0, 1.5f});
  CHECK(apply<float>(Unary::hard_sigmoid, {-9, 0, 9}, 0.25, 0.5) == std::vector<float>{0, 0.5f, 1});
}

TEST_CASE("long arrays of every type go through the same functions", "[kernels][tensor]") {
  on_all([&](const Context& context) {
    const Values<float> x = numbers({10007}, 5, 4);
    std::vector<double> wide(x.data.begin(), x.data.end());
    const Values<double> in(x.shape, std::move(wide));
    for (int i = 0; i <= static_cast<int>(Unary::swish); ++i) {
      const auto operation = static_cast<Unary>(i);
      Values<float> single(x.shape);
      Values<double> right(x.shape);
      CAPTURE(i);
      REQUIRE(unary(context, operation, x.in(), single.out(), 0.7, 1.1));
      REQUIRE(unary(context, operation, in.in(), right.out(), 0.7, 1.1));
      // Where the slope is steep, rounding the argument shows: tan; exponentials do not here.
      const double tolerance = operation == Unary::tan ? 1e-2 : 2e-6;
      bool same = true;
      for (std::size_t j = 0; j < single.data.size(); ++j) {
        same = same && near(static_cast<double>(single.data[j]), right.data[j], tolerance);
      }
      CHECK(same);
    }
  });
}

TEST_CASE("clip takes one bound or both, exactly for 64 bits", "[kernels][tensor]") {
  Team team;
  const Values<std::int64_t> x({3}, {std::int64_t{1} << 60, (std::int64_t{1} << 60) + 3, -5});
  const Values<std::int64_t> high({}, {(std::int64_t{1} << 60) + 1});
  Values<std::int64_t> out(Shape{3});
  const ConstTensor bound = high.in();
  REQUIRE(clip(team, x.in(), nullptr, &bound, out.out()));
  CHECK(out.data == std::vector<std::int64_t>{x.data[0], high.data[0], -5});
  REQUIRE(clip(team, x.in(), &bound, nullptr, out.out()));
  CHECK(out.data == std::vector<std::int64_t>{high.data[0], x.data[1], high.data[0]});
}

TEST_CASE("classification of floats", "[kernels][tensor]") {
  Team team;
  constexpr float kInf = std::numeric_limits<float>::infinity();
  const Values<float> x({4}, {1, kInf, -kInf, std::nanf("")});
  Values<std::uint8_t> out = boolean_out({4});
  REQUIRE(unary(team, Unary::is_nan, x.in(), out.out()));
  CHECK(out.data == std::vector<std::uint8_t>{0, 0, 0, 1});
  REQUIRE(unary(team, Unary::is_inf, x.in(), out.out(), 1, 1));
  CHECK(out.data == std::vector<std::uint8_t>{0, 1, 1, 0});
  REQUIRE(unary(team, Unary::is_inf, x.in(), out.out(), 0, 1));
  CHECK(out.data == std::vector<std::uint8_t>{0, 1, 0, 0});
}

TEST_CASE("where chooses with three shapes", "[kernels][tensor]") {
  struct Three {
    Shape condition, a, b;
  };
  const Three cases[] = {{{4, 1, 3}, {2, 1}, {}}, {{300}, {300}, {1}}, {{3, 1}, {1, 400}, {3, 400}},
                         {{}, {5}, {2, 5}},       {{2, 3}, {}, {}},    {{0}, {1}, {1}}};
  for (const Three& shapes : cases) {
    Shape shape;
    REQUIRE(broadcast(shapes.condition, shapes.a, shape));
    REQUIRE(broadcast(shape, shapes.b, shape));
    Values<std::uint8_t> condition = whole_numbers<std::uint8_t>(shapes.condition, 1, 0, 1);
    condition.type = ElementType::boolean;
    const auto a = whole_numbers<std::int16_t>(shapes.a, 2),
               b = whole_numbers<std::int16_t>(shapes.b, 3);
    on_all([&](const Context& context) {
      Values<std::int16_t> out(shape);
      REQUIRE(where(context, condition.in(), a.in(), b.in(), out.out()));
      bool same = true;
      for_places(shape, [&](const Shape& p) {
        const bool first = condition.at(broadcast_place(p, condition.shape)) != 0;
        const auto right =
            first ? a.at(broadcast_place(p, a.shape)) : b.at(broadcast_place(p, b.shape));
        same = same && out.at(p) == right;
      });
      CHECK(same);
    });
  }
}

TEST_CASE("variadic operations broadcast over all inputs", "[kernels][tensor]") {
  const Values<float> a = whole_numbers<float>({3, 1, 50}, 1), b = whole_numbers<float>({7, 1}, 2),
                      c = whole_numbers<float>({}, 3);
  const ConstTensor inputs[] = {c.in(), b.in(), a.in()};
  on_all([&](const Context& context) {
    Values<float> sum(Shape{3, 7, 50}), mean = sum, most = sum;
    REQUIRE(variadic(context, Variadic::sum, inputs, sum.out()));
    REQUIRE(variadic(context, Variadic::mean, inputs, mean.out()));
    REQUIRE(variadic(context, Variadic::max, inputs, most.out()));
    bool same = true;
    for_places(sum.shape, [&](const Shape& p) {
      const float x = a.at(broadcast_place(p, a.shape)), y = b.at(broadcast_place(p, b.shape));
      same = same && sum.at(p) == x + y + c.data[0] && most.at(p) == std::max({x, y, c.data[0]}) &&
             near(static_cast<double>(mean.at(p)), static_cast<double>(x + y + c.data[0]) / 3);
    });
    CHECK(same);
  });
}

}  // namespace batchtune::kernels::tensor
