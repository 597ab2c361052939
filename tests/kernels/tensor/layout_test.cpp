// Moves against loops over places.
#include "kernels/tensor/layout.h"

#include "tests/kernels/tensor/support.h"

namespace batchtune::kernels::tensor {
namespace {

struct Move {
  Shape shape, permutation;
};
const Move kMoves[] = {
    {{}, {}},
    {{5}, {0}},
    {{3, 1000}, {1, 0}},
    {{1000, 3}, {1, 0}},
    {{129, 131}, {1, 0}},  // tails of tiles
    {{2, 5, 7, 3}, {0, 2, 3, 1}},
    {{2, 64, 9, 11}, {0, 2, 3, 1}},  // NCHW to NHWC
    {{2, 9, 11, 64}, {0, 3, 1, 2}},
    {{2, 12, 33, 64}, {0, 2, 1, 3}},  // heads
    {{3, 4, 5, 6}, {3, 2, 1, 0}},
    {{2, 1, 3, 1, 4, 5}, {5, 3, 1, 4, 0, 2}},
    {{4, 0, 3}, {2, 0, 1}},
    {{2, 3, 2, 3, 2, 3, 2}, {6, 0, 5, 1, 4, 2, 3}},
};

template <typename T>
void check_transpose(const Move& move) {
  const Values<T> in = whole_numbers<T>(move.shape, 1, 0, 100);
  Shape shape = move.shape;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    shape[i] = move.shape[static_cast<std::size_t>(move.permutation[i])];
  }
  on_all([&](const Context& context) {
    Values<T> out(shape);
    REQUIRE(transpose(context, in.in(), move.permutation.span(), out.out()));
    bool same = true;
    for_places(shape, [&](const Shape& place) {
      Shape from = place;
      for (std::size_t i = 0; i < place.size(); ++i) {
        from[static_cast<std::size_t>(move.permutation[i])] = place[i];
      }
      same = same && out.at(place) == in.at(from);
    });
    CHECK(same);
  });
}

// Python's own rule, one axis.
std::vector<std::int64_t> python_slice(std::int64_t size, std::int64_t start, std::int64_t end,
                                       std::int64_t step) {
  const auto from_end = [size](std::int64_t i) { return i < 0 ? i + size : i; };
  std::vector<std::int64_t> taken;
  std::int64_t i = from_end(start), last = from_end(end);
  if (step > 0) {
    for (i = std::max<std::int64_t>(i, 0); i < std::min(last, size); i += step) taken.push_back(i);
  } else {
    for (i = std::min(i, size - 1); i > std::max<std::int64_t>(last, -1); i += step)
      taken.push_back(i);
  }
  return taken;
}

}  // namespace

TEST_CASE("transposition of every element size, small and large", "[kernels][tensor]") {
  for (const Move& move : kMoves) {
    CAPTURE(move.shape.span(), move.permutation.span());
    check_transpose<std::uint8_t>(move);
    check_transpose<std::int16_t>(move);
    check_transpose<float>(move);
    check_transpose<double>(move);
  }
  Team team;
  const Values<float> in = numbers({2, 3}, 1);
  Values<float> out(Shape{3, 2});
  constexpr std::int64_t kTwice[] = {1, 1};
  CHECK_FALSE(transpose(team, in.in(), kTwice, out.out()));
}

TEST_CASE("slices take what Python takes, backwards as well", "[kernels][tensor]") {
  Team team;
  const Values<std::int32_t> in = whole_numbers<std::int32_t>({3, 11}, 1, 0, 1000);
  constexpr std::int64_t kLeast = std::numeric_limits<std::int64_t>::min();
  constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
  for (const std::int64_t start :
       {std::int64_t{0}, std::int64_t{4}, std::int64_t{-3}, std::int64_t{-40}, kMost}) {
    for (const std::int64_t end :
         {std::int64_t{0}, std::int64_t{7}, std::int64_t{-2}, kLeast, kMost}) {
      for (const std::int64_t step : {std::int64_t{1}, std::int64_t{3}, std::int64_t{-1},
                                      std::int64_t{-2}, kLeast + 1, kMost}) {
        CAPTURE(start, end, step);
        const std::int64_t axis = -1;
        const auto what = resolve_slice(in.shape, {&start, 1}, {&end, 1}, {&axis, 1}, {&step, 1});
        REQUIRE(what);
        const bool huge = step == kMost || step == kLeast + 1;
        const auto right = python_slice(11, start, end, huge ? (step > 0 ? 100 : -100) : step);
        REQUIRE(what->shape == Shape{3, static_cast<std::int64_t>(right.size())});
        Values<std::int32_t> out(what->shape);
        REQUIRE(slice(team, in.in(), *what, out.out()));
        for_places(out.shape, [&](const Shape& p) {
          CHECK(out.at(p) == in.at({p[0], right[static_cast<std::size_t>(p[1])]}));
        });
      }
    }
  }
}

TEST_CASE("slices that make no sense are refused", "[kernels][tensor]") {
  constexpr std::int64_t kOnes[] = {1, 1}, kAxes[] = {0, 0}, kFar[] = {2, 0}, kZero[] = {0, 1};
  CHECK_FALSE(resolve_slice({4, 5}, kOnes, kOnes, kAxes, {}));
  CHECK_FALSE(resolve_slice({4, 5}, kOnes, kOnes, kFar, {}));
  CHECK_FALSE(resolve_slice({4, 5}, kOnes, kOnes, {}, kZero));
  CHECK_FALSE(resolve_slice({4}, kOnes, kOnes, {}, {}));
  Team team;
  const Values<float> in = numbers({4}, 1);
  Values<float> out(Shape{3});
  CHECK_FALSE(slice(team, in.in(), {{2}, {1}, {3}}, out.out()));  // 2, 3, 4 of four
}

TEST_CASE("slices of several axes with large inner runs", "[kernels][tensor]") {
  const Values<float> in = numbers({5, 9, 401}, 1);
  on_all([&](const Context& context) {
    Values<float> out(Shape{2, 4, 133});
    REQUIRE(slice(context, in.in(), {{4, 1, 0}, {-3, 2, 3}, out.shape}, out.out()));
    bool same = true;
    for_places(out.shape, [&](const Shape& p) {
      same = same && out.at(p) == in.at({4 - 3 * p[0], 1 + 2 * p[1], 3 * p[2]});
    });
    CHECK(same);
  });
}

TEST_CASE("padding in all modes, with crops", "[kernels][tensor]") {
  const Values<std::int16_t> in = whole_numbers<std::int16_t>({2, 3, 5}, 1, 0, 1000);
  const Values<std::int16_t> value({}, {-4});
  const ConstTensor with = value.in();
  constexpr std::int64_t kPads[] = {1, 0, -2, 0, 4, 7};
  for (const PadMode mode : {PadMode::constant, PadMode::reflect, PadMode::edge, PadMode::wrap}) {
    // The source of place i of an axis, by walking.
    const auto source = [mode](std::int64_t i, std::int64_t size) -> std::int64_t {
      if (i >= 0 && i < size) return i;
      if (mode == PadMode::constant) return -1;
      if (mode == PadMode::edge) return i < 0 ? 0 : size - 1;
      if (mode == PadMode::wrap) return ((i % size) + size) % size;
      while (i < 0 || i >= size) i = i < 0 ? -i : 2 * (size - 1) - i;
      return i;
    };
    on_all([&](const Context& context) {
      Values<std::int16_t> out(Shape{3, 7, 10});
      REQUIRE(pad(context, in.in(), kPads, mode, &with, out.out()));
      bool same = true;
      for_places(out.shape, [&](const Shape& p) {
        const Shape from{source(p[0] - 1, 2), source(p[1], 3), source(p[2] + 2, 5)};
        const bool inside = *std::min_element(from.begin(), from.end()) >= 0;
        same = same && out.at(p) == (inside ? in.at(from) : -4);
      });
      CAPTURE(static_cast<int>(mode));
      CHECK(same);
    });
  }
}

TEST_CASE("what is concatenated can be split again", "[kernels][tensor]") {
  for (const std::size_t axis : {std::size_t{0}, std::size_t{1}, std::size_t{2}}) {
    Shape shapes[3] = {{3, 4, 5}, {3, 4, 5}, {3, 4, 5}};
    Shape whole{3, 4, 5};
    shapes[0][axis] = 0;
    shapes[1][axis] = 7;
    whole[axis] = 0;
    for (const Shape& shape : shapes) whole[axis] += shape[axis];
    std::vector<Values<float>> parts, back;
    std::vector<ConstTensor> inputs;
    std::vector<Tensor> outs;
    for (const Shape& shape : shapes)
      parts.push_back(numbers(shape, static_cast<std::uint32_t>(axis + parts.size())));
    for (Values<float>& part : parts) {
      inputs.push_back(part.in());
      back.emplace_back(part.shape);
    }
    for (Values<float>& part : back) outs.push_back(part.out());
    on_all([&](const Context& context) {
      Values<float> all(whole);
      REQUIRE(concat(context, inputs, axis, all.out()));
      std::int64_t first = 0;
      for (const Values<float>& part : parts) {
        for_places(part.shape, [&](const Shape& p) {
          Shape place = p;
          place[axis] += first;
          if (all.at(place) != part.at(p)) CHECK(false);
        });
        first += part.shape[axis];
      }
      REQUIRE(split(context, all.in(), axis, outs));
      for (std::size_t i = 0; i < parts.size(); ++i) CHECK(back[i].data == parts[i].data);
    });
  }
}

TEST_CASE("expanding and tiling", "[kernels][tensor]") {
  const Values<float> in = numbers({3, 1, 5}, 1);
  on_all([&](const Context& context) {
    Values<float> wide(Shape{2, 3, 40, 5}), tiles(Shape{6, 4, 15});
    REQUIRE(expand(context, in.in(), wide.out()));
    REQUIRE(tile(context, in.in(), tiles.out()));
    bool same = true;
    for_places(wide.shape, [&](const Shape& p) {
      same = same && wide.at(p) == in.at({p[1], 0, p[3]});
    });
    for_places(tiles.shape, [&](const Shape& p) {
      same = same && tiles.at(p) == in.at({p[0] % 3, 0, p[2] % 5});
    });
    CHECK(same);
    CHECK_FALSE(expand(context, in.in(), tiles.out()));
  });
}

TEST_CASE("depth goes to space and back in both orders", "[kernels][tensor]") {
  const Values<float> in = numbers({2, 12, 3, 5}, 1);
  for (const DepthOrder order : {DepthOrder::dcr, DepthOrder::crd}) {
    on_all([&](const Context& context) {
      Values<float> out(Shape{2, 3, 6, 10}), back(in.shape);
      REQUIRE(depth_to_space(context, in.in(), 2, order, out.out()));
      bool same = true;
      for_places(out.shape, [&](const Shape& p) {
        const std::int64_t block = p[2] % 2 * 2 + p[3] % 2;
        const std::int64_t c = order == DepthOrder::dcr ? block * 3 + p[1] : p[1] * 4 + block;
        same = same && out.at(p) == in.at({p[0], c, p[2] / 2, p[3] / 2});
      });
      CHECK(same);
      REQUIRE(space_to_depth(context, out.in(), 2, back.out(), order));
      CHECK(back.data == in.data);
    });
  }
}

TEST_CASE("triangles, ranges and diagonals", "[kernels][tensor]") {
  const Values<std::int64_t> in = whole_numbers<std::int64_t>({2, 4, 6}, 1, 1, 9);
  for (const bool upper : {true, false}) {
    for (const std::int64_t k : {std::int64_t{-99}, std::int64_t{-2}, std::int64_t{0},
                                 std::int64_t{3}, std::numeric_limits<std::int64_t>::max()}) {
      on_all([&](const Context& context) {
        Values<std::int64_t> out(in.shape);
        REQUIRE(trilu(context, in.in(), k, upper, out.out()));
        bool same = true;
        for_places(in.shape, [&](const Shape& p) {
          const bool kept = upper ? p[2] - p[1] >= k : p[2] - p[1] <= k;
          same = same && out.at(p) == (kept ? in.at(p) : 0);
        });
        CHECK(same);
      });
    }
  }
  Team team;
  const Values<std::int32_t> start({}, {10}), delta({}, {-3});
  Values<std::int32_t> steps(Shape{4}), eye(Shape{2, 3});
  REQUIRE(range(team, start.in(), delta.in(), steps.out()));
  CHECK(steps.data == std::vector<std::int32_t>{10, 7, 4, 1});
  REQUIRE(eye_like(team, 1, eye.out()));
  CHECK(eye.data == std::vector<std::int32_t>{0, 1, 0, 0, 0, 1});
}

TEST_CASE("sequences are reversed as far as they go", "[kernels][tensor]") {
  Team team;
  const Values<float> in({4, 2}, {0, 4, 1, 5, 2, 6, 3, 7});
  const Values<std::int64_t> lengths({2}, {4, 2}), far({2}, {5, 0});
  Values<float> out(Shape{4, 2});
  REQUIRE(reverse_sequence(team, in.in(), lengths.in(), 1, 0, out.out()));
  CHECK(out.data == std::vector<float>{3, 5, 2, 4, 1, 6, 0, 7});
  CHECK_FALSE(reverse_sequence(team, in.in(), far.in(), 1, 0, out.out()));
}

}  // namespace batchtune::kernels::tensor
