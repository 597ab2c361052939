#include "tuner/measure/output_check.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>
#include <string>

namespace batchtune {
namespace {

Ending wrong(std::string reason, std::string evidence) {
  return {TrialStatus::wrong_result, std::move(reason), std::move(evidence), ""};
}

}  // namespace

std::vector<std::vector<float>> first_samples(const std::vector<float>& output, int instances,
                                              std::int64_t samples) {
  const auto of_instance = std::ssize(output) / instances;
  std::vector<std::vector<float>> firsts;
  for (int instance = 0; instance < instances; ++instance) {
    const auto begin = output.begin() + instance * of_instance;
    firsts.emplace_back(begin, begin + of_instance / samples);
  }
  return firsts;
}

Ending check_finite(const std::vector<float>& output) {
  if (output.empty()) return wrong("the output is empty", "0 values");
  const auto bad =
      std::find_if(output.begin(), output.end(), [](float value) { return !std::isfinite(value); });
  if (bad == output.end()) return {};
  return wrong("the output has values that are not finite",
               "element " + std::to_string(bad - output.begin()) + " is " + std::to_string(*bad));
}

namespace {

struct Difference {
  double largest = 0;    // NaN where a value is none
  double magnitude = 0;  // of what was expected
};

Difference difference_of(const std::vector<float>& expected, const std::vector<float>& found) {
  Difference difference;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    difference.magnitude =
        std::max(difference.magnitude, std::abs(static_cast<double>(expected[i])));
    const double here = std::abs(static_cast<double>(expected[i]) - static_cast<double>(found[i]));
    if (!(here <= difference.largest)) difference.largest = here;  // so that NaN is the largest
    if (std::isnan(difference.largest)) break;
  }
  return difference;
}

}  // namespace

double relative_difference(const std::vector<float>& expected, const std::vector<float>& found) {
  if (expected.size() != found.size()) return std::numeric_limits<double>::infinity();
  const Difference difference = difference_of(expected, found);
  if (difference.largest == 0) return 0;
  const double relative = difference.largest / difference.magnitude;
  return std::isnan(relative) ? std::numeric_limits<double>::infinity() : relative;
}

Ending compare_outputs(const std::vector<float>& expected, const std::vector<float>& found,
                       double tolerance) {
  if (expected.size() != found.size())
    return wrong(
        "the output has another size than that of batch 1",
        std::to_string(found.size()) + " values instead of " + std::to_string(expected.size()));
  const auto [difference, magnitude] = difference_of(expected, found);
  const double allowed = tolerance * magnitude;
  if (difference <= allowed) return {};
  return wrong("the output of sample 0 differs from that of batch 1",
               "largest difference " + format_number(difference, 3) + ", allowed " +
                   format_number(allowed, 3));
}

}  // namespace batchtune
