// Reductions over every set of axes against loops over places; extremes, the k largest, running
// sums.
#include "kernels/tensor/reduce.h"

#include "tests/kernels/tensor/support.h"

namespace batchtune::kernels::tensor {
namespace {

constexpr Reduce kReductions[] = {
    Reduce::sum, Reduce::mean, Reduce::max,        Reduce::min,     Reduce::prod,
    Reduce::l1,  Reduce::l2,   Reduce::sum_square, Reduce::log_sum, Reduce::log_sum_exp};

double naive(Reduce operation, const std::vector<double>& x) {
  double sum = 0, absolute = 0, squares = 0, product = 1, exponentials = 0;
  double most = -std::numeric_limits<double>::infinity(), least = -most;
  for (const double v : x) {
    sum += v;
    absolute += std::abs(v);
    squares += v * v;
    product *= v;
    exponentials += std::exp(v);
    most = std::max(most, v);
    least = std::min(least, v);
  }
  switch (operation) {
    case Reduce::sum:
      return sum;
    case Reduce::mean:
      return sum / static_cast<double>(x.size());
    case Reduce::max:
      return most;
    case Reduce::min:
      return least;
    case Reduce::prod:
      return product;
    case Reduce::l1:
      return absolute;
    case Reduce::l2:
      return std::sqrt(squares);
    case Reduce::sum_square:
      return squares;
    case Reduce::log_sum:
      return std::log(sum);
    case Reduce::log_sum_exp:
      return std::log(exponentials);
  }
  return 0;
}

template <typename T>
void check_axes(const Values<T>& in, const Shape& axes) {
  Shape kept = in.shape;
  for (const std::int64_t axis : axes) kept[static_cast<std::size_t>(axis)] = 1;
  std::vector<std::vector<double>> terms(static_cast<std::size_t>(elements_of(kept)));
  const Values<T> places(kept);
  for_places(in.shape, [&](const Shape& p) {
    terms[static_cast<std::size_t>(places.index(broadcast_place(p, kept)))].push_back(
        static_cast<double>(in.at(p)));
  });
  on_all([&](const Context& context) {
    for (const Reduce operation : kReductions) {
      Values<T> out(kept), right(kept);
      REQUIRE(reduce(context, operation, in.in(), axes.span(), out.out()));
      for (std::size_t i = 0; i < terms.size(); ++i) {
        right.data[i] = static_cast<T>(naive(operation, terms[i]));
      }
      CAPTURE(static_cast<int>(operation), in.shape.span(), axes.span());
      check_near(out, right, 2e-5);
    }
  });
}

}  // namespace

TEST_CASE("reductions over every set of axes", "[kernels][tensor]") {
  const Values<float> in = numbers({3, 5, 2, 130}, 1, 1.02f),
                      narrow = numbers({4, 70, 3}, 2, 1.02f);
  const Values<std::int64_t> whole = whole_numbers<std::int64_t>({3, 2, 4}, 3, 1, 3);
  for (unsigned set = 0; set < 16; ++set) {
    Shape axes;
    for (std::int64_t axis = 0; axis < 4; ++axis) {
      if ((set >> axis & 1u) != 0) axes.push_back(axis);
    }
    check_axes(in, axes);
    if (set >= 8) continue;
    check_axes(narrow, axes);
    check_axes(whole, axes);
  }
}

TEST_CASE("reductions over nothing give what is neutral", "[kernels][tensor]") {
  Team team;
  const Values<float> in(Shape{2, 0});
  const Values<std::int8_t> narrow(Shape{2, 0});
  constexpr std::int64_t kAxis[] = {1};
  constexpr float kInf = std::numeric_limits<float>::infinity();
  const auto reduced = [&](Reduce operation) {
    Values<float> out(Shape{2, 1});
    REQUIRE(reduce(team, operation, in.in(), kAxis, out.out()));
    return out.data[1];
  };
  CHECK(reduced(Reduce::sum) == 0);
  CHECK(reduced(Reduce::prod) == 1);
  CHECK(reduced(Reduce::max) == -kInf);
  CHECK(reduced(Reduce::min) == kInf);
  CHECK(reduced(Reduce::log_sum) == -kInf);
  CHECK(reduced(Reduce::log_sum_exp) == -kInf);
  CHECK(std::isnan(reduced(Reduce::mean)));
  Values<std::int8_t> ends(Shape{2});
  REQUIRE(reduce(team, Reduce::max, narrow.in(), kAxis, ends.out()));
  CHECK(ends.data == std::vector<std::int8_t>{-128, -128});
  Values<std::uint8_t> flags = boolean_out({2});
  const Values<std::uint8_t> no_flags = booleans({2, 0}, {});
  REQUIRE(reduce(team, Reduce::max, no_flags.in(), kAxis, flags.out()));
  CHECK(flags.data == std::vector<std::uint8_t>{0, 0});
}

TEST_CASE("log_sum_exp of large numbers does not overflow", "[kernels][tensor]") {
  Team team;
  const Values<float> in({2}, {1000, 1000});
  Values<float> out(Shape{});
  constexpr std::int64_t kAxis[] = {0};
  REQUIRE(reduce(team, Reduce::log_sum_exp, in.in(), kAxis, out.out()));
  CHECK(near(static_cast<double>(out.data[0]), 1000 + std::log(2.0)));
  CHECK_FALSE(reduce(team, Reduce::sum, in.in(), Shape{0, 0}.span(), out.out()));
  CHECK_FALSE(reduce(team, Reduce::sum, in.in(), Shape{1}.span(), out.out()));
}

TEST_CASE("extremes are found with the first or the last of equal ones", "[kernels][tensor]") {
  const Values<std::int16_t> in = whole_numbers<std::int16_t>({3, 40, 300}, 1, 0, 5);
  for (const Extreme extreme : {Extreme::smallest, Extreme::largest}) {
    for (const bool last : {false, true}) {
      on_all([&](const Context& context) {
        Values<std::int64_t> out(Shape{3, 300});
        REQUIRE(arg_reduce(context, extreme, in.in(), 1, last, out.out()));
        bool same = true;
        for_places(out.shape, [&](const Shape& p) {
          std::int64_t best = 0;
          for (std::int64_t i = 1; i < 40; ++i) {
            const int a = in.at({p[0], i, p[1]}), b = in.at({p[0], best, p[1]});
            const bool better = extreme == Extreme::largest ? a > b : a < b;
            if (better || (last && a == b)) best = i;
          }
          same = same && out.at(p) == best;
        });
        CHECK(same);
      });
    }
  }
}

TEST_CASE("the k largest come in order, lower indices first", "[kernels][tensor]") {
  Team team;
  const Values<float> in({2, 5}, {3, 9, 9, 1, std::nanf(""), 2, 2, 2, 2, 1});
  Values<float> values(Shape{2, 3});
  Values<std::int64_t> indices(Shape{2, 3});
  REQUIRE(top_k(team, Extreme::largest, in.in(), 1, values.out(), indices.out()));
  CHECK(indices.data == std::vector<std::int64_t>{4, 1, 2, 0, 1, 2});
  CHECK(values.data[1] == 9);
  REQUIRE(top_k(team, Extreme::smallest, in.in(), 1, values.out(), indices.out()));
  CHECK(indices.data == std::vector<std::int64_t>{3, 0, 1, 4, 0, 1});
  const Values<std::int64_t> columns = whole_numbers<std::int64_t>({50, 4}, 1, 0, 1000);
  on_all([&](const Context& context) {
    Values<std::int64_t> most(Shape{50, 4}), places(Shape{50, 4});
    REQUIRE(top_k(context, Extreme::largest, columns.in(), 0, most.out(), places.out()));
    for_places({49, 4}, [&](const Shape& p) {
      const auto a = most.at(p), b = most.at({p[0] + 1, p[1]});
      if (a < b || (a == b && places.at(p) > places.at({p[0] + 1, p[1]}))) CHECK(false);
      if (columns.at({places.at(p), p[1]}) != a) CHECK(false);
    });
  });
}

TEST_CASE("running sums and products, exclusive and backwards", "[kernels][tensor]") {
  Team team;
  const Values<std::int32_t> in({2, 3}, {1, 2, 3, 4, 5, 6});
  const auto cumulated = [&](Running running, std::size_t axis, bool exclusive, bool reverse) {
    Values<std::int32_t> out(Shape{2, 3});
    REQUIRE(cumulate(team, running, in.in(), axis, exclusive, reverse, out.out()));
    return out.data;
  };
  using V = std::vector<std::int32_t>;
  CHECK(cumulated(Running::sum, 1, false, false) == V{1, 3, 6, 4, 9, 15});
  CHECK(cumulated(Running::sum, 1, true, false) == V{0, 1, 3, 0, 4, 9});
  CHECK(cumulated(Running::sum, 1, false, true) == V{6, 5, 3, 15, 11, 6});
  CHECK(cumulated(Running::sum, 0, false, false) == V{1, 2, 3, 5, 7, 9});
  CHECK(cumulated(Running::product, 1, true, true) == V{6, 3, 1, 30, 6, 1});
}

}  // namespace batchtune::kernels::tensor
