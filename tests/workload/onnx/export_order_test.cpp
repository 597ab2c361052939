// Orders of dimensions in an exported graph.
#include "tuner/workload/onnx/export_order.h"
#include "tests/support/catch.h"

using namespace batchtune;
using namespace batchtune::onnx_export;

TEST_CASE("a transpose between orders moves every dimension to its place", "[onnx]") {
  CHECK(permutation_between(image_order(), plain_order(3)) == Order{0, 2, 3, 1});
  CHECK(permutation_between(plain_order(3), image_order()) == Order{0, 3, 1, 2});
  CHECK(shape_in(image_order(), {4, 5, 6}) == Shape{6, 4, 5});
  CHECK(axis_in(image_order(), 2) == 1);
  CHECK(axis_in(image_order(), 0) == 2);
}

TEST_CASE("splitting and joining channels leaves an image's data where they are", "[onnx]") {
  const auto split = order_viewed({28, 28, 116}, image_order(), {28, 28, 2, 58});
  REQUIRE(split);
  CHECK(*split == Order{2, 3, 0, 1});
  CHECK(order_viewed({28, 28, 58, 2}, *split, {28, 28, 116}) == image_order());
}

TEST_CASE("pixels of an image join, pixels and channels do not", "[onnx]") {
  CHECK(order_viewed({7, 7, 512}, image_order(), {49, 512}) == Order{1, 0});
  CHECK(order_viewed({7, 7, 512}, image_order(), {25088}) == std::nullopt);
  CHECK(order_viewed({7, 7, 512}, image_order(), {7, 3584}) == std::nullopt);
}

TEST_CASE("dimensions of 1 lie anywhere", "[onnx]") {
  CHECK(order_viewed({1, 1, 512}, image_order(), {512}) == Order{0});
  CHECK(order_viewed({1, 2048}, plain_order(2), {8, 4, 64}) == plain_order(3));
  CHECK(order_viewed({7, 7, 512}, image_order(), {7, 7, 512, 1}) == Order{2, 3, 0, 1});
  CHECK(order_viewed({8, 4, 64}, plain_order(3), {1, 2048}) == plain_order(2));
}

TEST_CASE("what is plain stays plain, however it is viewed", "[onnx]") {
  for (const Shape& after :
       {Shape{24}, Shape{2, 12}, Shape{4, 3, 2}, Shape{24, 1}, Shape{1, 1, 24}})
    CHECK(order_viewed({2, 3, 4}, plain_order(3), after) == plain_order(after.size()));
}

TEST_CASE("a shuffle of channels keeps channels first, any other transpose is plain", "[onnx]") {
  const Shape image = {28, 28, 116}, view = {28, 28, 2, 58};
  const Order from = {2, 3, 0, 1};
  CHECK(order_transposed(image, view, from, {0, 1, 3, 2}) == from);
  CHECK(permutation_between(from, {0, 1, 3, 2}, from) == Order{0, 2, 1, 3, 4});
  CHECK(order_transposed(image, view, from, {2, 0, 1, 3}) == plain_order(4));
  CHECK(permutation_between(from, {2, 0, 1, 3}, plain_order(4)) == Order{0, 1, 3, 4, 2});
}

TEST_CASE("an element of the file is found in the model's layout", "[onnx]") {
  const Shape image = {2, 3, 4};  // height, width, channels
  std::vector<std::int64_t> found;
  for (std::int64_t channel = 0; channel < 4; ++channel)
    for (std::int64_t row = 0; row < 2; ++row)
      for (std::int64_t column = 0; column < 3; ++column)
        found.push_back((row * 3 + column) * 4 + channel);
  for (std::int64_t i = 0; i < 24; ++i)
    CHECK(model_index(image, image_order(), i) == found[static_cast<std::size_t>(i)]);
}
