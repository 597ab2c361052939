// Mixtures of Gaussian processes: against the single process, and what weighs their settings.
#include "tuner/statistics/process_mixture.h"

#include <cmath>
#include <numeric>

#include "tests/support/catch.h"

using namespace batchtune;

namespace {

MixtureFamily family() {
  return {{1.2, 3}, 1, 0.5, std::log(0.2)};
}

// With a feature that is 1 at odd places.
MixturePoint point(double x, int group = 0) {
  const bool odd = std::lround(x) % 2 != 0;
  return {x, group, {0, 1}, {odd ? 1.0 : 0.0}};
}

std::vector<MixturePoint> points(std::initializer_list<double> places) {
  std::vector<MixturePoint> result;
  for (const double x : places) result.push_back(point(x));
  return result;
}

MixtureSetting smooth(double amplitude) {
  MixtureSetting setting;
  setting.offset = 0.3;
  setting.amplitude = amplitude;
  setting.rough = 0.01;
  return setting;
}

MixtureValue value(double x, double known, double noise = 0.01) {
  return {point(x), known, noise, false};
}

}  // namespace

TEST_CASE("one setting is what the Gaussian process says", "[statistics][mixture]") {
  const MixtureSetting setting = smooth(0.4);
  const ProcessMixture mixture(family(), {setting}, {value(0, 0.1), value(1, 0.3), value(3, 0.2)});
  const ProcessPrior prior{0.4, 1.2, 0.3, 0.01, 0.5};
  const std::vector<ProcessValue> values = {
      {{0, 0}, 0.1, 0.01}, {{1, 0}, 0.3, 0.01}, {{3, 0}, 0.2, 0.01}};
  const GaussianProcess process(prior, {}, values);
  const auto wanted = points({0, 0.5, 2, 6});
  const std::vector<ProcessInput> inputs = {{0, 0}, {0.5, 0}, {2, 0}, {6, 0}};
  const ProcessMarginals found = mixture.marginals(wanted), known = process.marginals(inputs);
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    CHECK(found.mean[i] == Approx(known.mean[i]).margin(1e-6));
    CHECK(found.deviation[i] == Approx(known.deviation[i]).margin(1e-6));
  }
}

TEST_CASE("values weigh the settings", "[statistics][mixture]") {
  MixtureSetting odd = smooth(0.1);
  odd.coefficients = {{0, -0.3, 0.1}};
  std::vector<MixtureValue> values;
  for (int x = 0; x < 6; ++x) values.push_back(value(x, x % 2 == 0 ? 0 : -0.3));
  const ProcessMixture with(family(), {smooth(0.1), odd}, values);
  CHECK(with.weights()[1] > 0.99);
  for (MixtureValue& each : values) each.value = 0;
  const ProcessMixture without(family(), {smooth(0.1), odd}, values);
  CHECK(without.weights()[1] < 0.05);
  CHECK(with.weights()[0] + with.weights()[1] == Approx(1));
}

TEST_CASE("without values the weights are those given, and the mean is the settings'",
          "[statistics][mixture]") {
  MixtureSetting one = smooth(0.1), other = smooth(0.1);
  other.mean = 1;
  other.weight = 3;
  const ProcessMixture mixture(family(), {one, other}, {});
  CHECK(mixture.weights()[1] == Approx(0.75));
  const ProcessMarginals at = mixture.marginals(points({2}));
  CHECK(at.mean[0] == Approx(0.75));
  CHECK(at.deviation[0] > 0.4);  // the settings differ by 1
}

TEST_CASE("a doubted value says nothing of others where that is likelier",
          "[statistics][mixture]") {
  MixtureSetting all = smooth(0.1), without = smooth(0.1);
  without.leaves_doubted = true;
  std::vector<MixtureValue> values = {value(0, 0), value(0.5, 0), value(1, -0.4), value(1.5, 0),
                                      value(2, 0)};
  values[2].doubted = true;
  const ProcessMixture mixture(family(), {all, without}, values);
  CHECK(mixture.weights()[1] > 0.9);
  CHECK(mixture.marginals(points({1.2})).mean[0] == Approx(0).margin(0.02));
  values[2].value = 0.001;  // like the others: nothing to doubt
  CHECK(ProcessMixture(family(), {all, without}, values).weights()[1] < 0.2);
}

TEST_CASE("draws have the mixture's mean and deviation, and repeat", "[statistics][mixture]") {
  MixtureSetting other = smooth(0.3);
  other.mean = 1;
  const ProcessMixture mixture(family(), {smooth(0.1), other}, {value(0, 0.5, 0.2)});
  const auto wanted = points({0, 1, 4});
  const auto drawn = mixture.draws(wanted, 4000, 3);
  REQUIRE(drawn.size() == 4000);
  const ProcessMarginals known = mixture.marginals(wanted);
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    double sum = 0, square = 0;
    for (const auto& curve : drawn) {
      sum += curve[i];
      square += curve[i] * curve[i];
    }
    const double mean = sum / 4000;
    CHECK(mean == Approx(known.mean[i]).margin(0.03));
    CHECK(std::sqrt(square / 4000 - mean * mean) == Approx(known.deviation[i]).margin(0.03));
  }
  CHECK(drawn == mixture.draws(wanted, 4000, 3));
  CHECK(drawn != mixture.draws(wanted, 4000, 4));
}
