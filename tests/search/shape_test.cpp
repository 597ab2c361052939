// How throughput ends towards large batches.
#include "tuner/search/shape.h"

#include <vector>

#include "tests/support/catch.h"

using namespace batchtune;

TEST_CASE("a fall within a step of a quarter that does not come back is a cliff",
          "[search][shape]") {
  const std::vector<ShapePoint> points{
      {1, 50, 9}, {16, 99, 9}, {32, 100, 9}, {36, 69, 9}, {64, 70, 9}};
  const auto shape = shape_of(points);
  REQUIRE(shape);
  CHECK(shape->shape == BoundaryShape::cliff);
  CHECK(shape->evidence == "batch 36 gives 31 % less than batch 32");
}

TEST_CASE("a tooth that the next batch makes good is no cliff", "[search][shape]") {
  const std::vector<ShapePoint> points{{8, 100, 9}, {9, 80, 9}, {10, 92, 9}, {12, 97, 9}};
  CHECK(shape_of(points)->shape == BoundaryShape::smooth);
}

TEST_CASE("a slow fall is smooth, a large one between far batches may be either",
          "[search][shape]") {
  const std::vector<ShapePoint> slow{{8, 100, 9}, {16, 95, 9}, {32, 88, 9}};
  CHECK(shape_of(slow)->shape == BoundaryShape::smooth);
  CHECK(shape_of(slow)->evidence == "batch 32 gives 12 % less than batch 8");
  const std::vector<ShapePoint> coarse{{8, 100, 9}, {16, 60, 9}, {32, 58, 9}};
  CHECK_FALSE(shape_of(coarse));
}

TEST_CASE("nothing is said while throughput still rises, or by what was hardly visited",
          "[search][shape]") {
  CHECK_FALSE(shape_of(std::vector<ShapePoint>{{1, 50, 9}, {8, 100, 9}}));
  CHECK_FALSE(shape_of(std::vector<ShapePoint>{{8, 100, 9}, {9, 60, 2}}));
  CHECK_FALSE(shape_of({}));
}
