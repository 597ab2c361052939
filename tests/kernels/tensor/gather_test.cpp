// Taking and putting by indices.
#include "kernels/tensor/gather.h"

#include "tests/kernels/tensor/support.h"

namespace batchtune::kernels::tensor {

TEST_CASE("gather takes along any axis, counting from the end as well", "[kernels][tensor]") {
  const Values<float> in = numbers({3, 50, 4}, 1);
  const Values<std::int32_t> indices = whole_numbers<std::int32_t>({2, 60}, 2, -50, 49);
  on_all([&](const Context& context) {
    Values<float> out(Shape{3, 2, 60, 4});
    REQUIRE(gather(context, in.in(), indices.in(), 1, out.out()));
    bool same = true;
    for_places(out.shape, [&](const Shape& p) {
      const std::int64_t i = indices.at({p[1], p[2]});
      same = same && out.at(p) == in.at({p[0], i < 0 ? i + 50 : i, p[3]});
    });
    CHECK(same);
  });
}

TEST_CASE("an index out of range is refused and reads nothing", "[kernels][tensor]") {
  const Values<std::uint8_t> in({3}, {1, 2, 3});
  const Values<std::int64_t> indices({4}, {0, 3, -4, -1});
  on_all([&](const Context& context) {
    Values<std::uint8_t> out(Shape{4});
    const Outcome outcome = gather(context, in.in(), indices.in(), 0, out.out());
    REQUIRE_FALSE(outcome);
    CHECK(std::string(outcome.why) == "an index is out of range");
    CHECK(out.data == std::vector<std::uint8_t>{1, 0, 0, 3});
    Values<std::uint8_t> scattered(Shape{3});
    CHECK_FALSE(scatter_elements(context, in.in(), Values<std::int64_t>({1}, {3}).in(),
                                 Values<std::uint8_t>({1}, {9}).in(), 0, Scatter::replace,
                                 scattered.out()));
    CHECK(scattered.data == in.data);
  });
}

TEST_CASE("gathering elements and tuples", "[kernels][tensor]") {
  const Values<double> in = Values<double>({2, 3, 4}, [] {
    std::vector<double> x(24);
    for (std::size_t i = 0; i < 24; ++i) x[i] = static_cast<double>(i);
    return x;
  }());
  const Values<std::int64_t> indices = whole_numbers<std::int64_t>({2, 5, 3}, 1, -3, 2);
  on_all([&](const Context& context) {
    Values<double> out(indices.shape);
    REQUIRE(gather_elements(context, in.in(), indices.in(), 1, out.out()));
    bool same = true;
    for_places(out.shape, [&](const Shape& p) {
      const std::int64_t i = indices.at(p);
      same = same && out.at(p) == in.at({p[0], i < 0 ? i + 3 : i, p[2]});
    });
    CHECK(same);
    const Values<std::int64_t> tuples({2, 2, 1}, {2, 0, -1, 1});  // batch_dims 1
    Values<double> rows(Shape{2, 2, 4});
    REQUIRE(gather_nd(context, in.in(), tuples.in(), 1, rows.out()));
    for_places(rows.shape, [&](const Shape& p) {
      const std::int64_t i = tuples.at({p[0], p[1], 0});
      CHECK(rows.at(p) == in.at({p[0], i < 0 ? i + 3 : i, p[2]}));
    });
  });
}

TEST_CASE("scattering replaces or combines, in the order of the updates", "[kernels][tensor]") {
  Team team;
  const Values<float> in({4}, {1, 2, 3, 4}), updates({3}, {10, 20, -30});
  const Values<std::int32_t> indices({3}, {1, 1, -1});
  const auto scattered = [&](Scatter scatter) {
    Values<float> out(Shape{4});
    REQUIRE(scatter_elements(team, in.in(), indices.in(), updates.in(), 0, scatter, out.out()));
    return out.data;
  };
  CHECK(scattered(Scatter::replace) == std::vector<float>{1, 20, 3, -30});
  CHECK(scattered(Scatter::add) == std::vector<float>{1, 32, 3, -26});
  CHECK(scattered(Scatter::mul) == std::vector<float>{1, 400, 3, -120});
  CHECK(scattered(Scatter::max) == std::vector<float>{1, 20, 3, 4});
  CHECK(scattered(Scatter::min) == std::vector<float>{1, 2, 3, -30});

  const Values<std::int64_t> tuples({2, 1}, {1, 0});
  const Values<float> matrix({2, 3}, {1, 2, 3, 4, 5, 6}), rows({2, 3}, {10, 20, 30, 40, 50, 60});
  Values<float> out(Shape{2, 3});
  REQUIRE(scatter_nd(team, matrix.in(), tuples.in(), rows.in(), Scatter::add, out.out()));
  CHECK(out.data == std::vector<float>{41, 52, 63, 14, 25, 36});
}

TEST_CASE("one hot, with an index that is none", "[kernels][tensor]") {
  Team team;
  const Values<float> indices({3}, {1, -1, 7});
  const Values<std::int8_t> values({2}, {5, 6});
  Values<std::int8_t> last(Shape{3, 4}), first(Shape{4, 3});
  REQUIRE(one_hot(team, indices.in(), 1, values.in(), last.out()));
  CHECK(last.data == std::vector<std::int8_t>{5, 6, 5, 5, 5, 5, 5, 6, 5, 5, 5, 5});
  REQUIRE(one_hot(team, indices.in(), 0, values.in(), first.out()));
  CHECK(first.data == std::vector<std::int8_t>{5, 5, 5, 6, 5, 5, 5, 5, 5, 5, 6, 5});
}

}  // namespace batchtune::kernels::tensor
