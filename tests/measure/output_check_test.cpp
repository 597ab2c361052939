// Outputs that are wrong are told apart from those that are rounded.
#include <cmath>
#include <limits>
#include <vector>

#include "tests/support/catch.h"
#include "tuner/measure/output_check.h"

using namespace batchtune;

TEST_CASE("a difference within the tolerance of the largest magnitude passes", "[output]") {
  CHECK(compare_outputs({100, 1}, {100, 1.09f}, 1e-3).status == TrialStatus::ok);
  const Ending wrong = compare_outputs({100, 1}, {100, 1.11f}, 1e-3);
  CHECK(wrong.status == TrialStatus::wrong_result);
  CHECK(wrong.evidence.find("largest difference 0.11") == 0);
}

TEST_CASE("a tolerance of zero wants equal outputs", "[output]") {
  CHECK(compare_outputs({1, 0}, {1, 0}, 0).status == TrialStatus::ok);
  CHECK(compare_outputs({1, 0}, {std::nextafter(1.0f, 2.0f), 0}, 0).status ==
        TrialStatus::wrong_result);
}

TEST_CASE("each instance's first sample is taken from an output of all", "[output]") {
  using Samples = std::vector<std::vector<float>>;
  CHECK(first_samples({1, 2, 3, 4, 5, 6, 7, 8}, 1, 4) == Samples{{1, 2}});
  CHECK(first_samples({1, 2, 3, 4, 5, 6, 7, 8}, 2, 2) == Samples{{1, 2}, {5, 6}});
  CHECK(first_samples({1, 2}, 2, 1) == Samples{{1}, {2}});
}

TEST_CASE("NaN on either side agrees with nothing", "[output]") {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  CHECK(compare_outputs({nan, 1}, {1, 1}, 1).status == TrialStatus::wrong_result);
  CHECK(compare_outputs({1, 1}, {nan, 1}, 1).status == TrialStatus::wrong_result);
  CHECK(compare_outputs({nan}, {nan}, 1).status == TrialStatus::wrong_result);
}

TEST_CASE("another size, nothing at all, NaN and infinity are wrong", "[output]") {
  CHECK(compare_outputs({1, 2}, {1}, 1).status == TrialStatus::wrong_result);
  CHECK(check_finite({}).status == TrialStatus::wrong_result);
  CHECK(check_finite({1, 2}).status == TrialStatus::ok);
  const Ending nan = check_finite({1, std::numeric_limits<float>::quiet_NaN()});
  CHECK(nan.status == TrialStatus::wrong_result);
  CHECK(nan.evidence.find("element 1") == 0);
  CHECK(check_finite({std::numeric_limits<float>::infinity()}).status == TrialStatus::wrong_result);
}
