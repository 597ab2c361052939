// Held against closed forms where there are any, against drawn curves elsewhere.
#include "tuner/statistics/gaussian_process.h"

#include <cmath>
#include <numbers>
#include <vector>

#include "tests/support/catch.h"

using namespace batchtune;

namespace {

std::vector<ProcessInput> line(int count, double step, int group = 0) {
  std::vector<ProcessInput> points;
  for (int i = 0; i < count; ++i) points.push_back({step * i, group});
  return points;
}

double log_normal_density(double value, double variance) {
  return -0.5 * value * value / variance - 0.5 * std::log(2 * std::numbers::pi * variance);
}

}  // namespace

TEST_CASE("without values the posterior is the prior around the mean function",
          "[statistics][gaussian_process]") {
  const ProcessPrior prior{.amplitude = 2, .length = 1, .offset = 1.5, .rough = 0.5};
  const GaussianProcess process(prior, [](const ProcessInput& at) { return 3 * at.x; }, {});
  const ProcessMarginals marginals = process.marginals(line(3, 1.0));
  for (int i = 0; i < 3; ++i) {
    CHECK(marginals.mean[static_cast<std::size_t>(i)] == Approx(3.0 * i));
    CHECK(marginals.deviation[static_cast<std::size_t>(i)] == Approx(std::sqrt(4 + 2.25 + 0.25)));
  }
  CHECK(process.log_likelihood() == 0);
}

TEST_CASE("one value moves the curve by the closed form, less where it is noisy and far away",
          "[statistics][gaussian_process]") {
  const double noise = 0.7;
  const std::vector<ProcessValue> values{{{1, 0}, 5, noise}};
  const GaussianProcess process(
      {.amplitude = 2, .length = 3}, [](const ProcessInput&) { return 1.0; }, values);
  const double distance = std::sqrt(5.0) * 2 / 3;
  const double shared = 4 * (1 + distance + distance * distance / 3) * std::exp(-distance);
  const double total = 4 + noise * noise;
  const std::vector<ProcessInput> points{{1, 0}, {3, 0}, {1000, 0}};
  const ProcessMarginals marginals = process.marginals(points);
  CHECK(marginals.mean[0] == Approx(1 + 4 * 4 / total));
  CHECK(marginals.mean[1] == Approx(1 + shared * 4 / total));
  CHECK(marginals.mean[2] == Approx(1));
  CHECK(marginals.deviation[0] == Approx(std::sqrt(4 - 16 / total)));
  CHECK(marginals.deviation[1] == Approx(std::sqrt(4 - shared * shared / total)));
  CHECK(marginals.deviation[2] == Approx(2));
  CHECK(process.log_likelihood() == Approx(log_normal_density(4, total)));
}

TEST_CASE("values without noise are met, and the curve between them is close to a smooth truth",
          "[statistics][gaussian_process]") {
  std::vector<ProcessValue> values;
  for (int i = 0; i <= 8; ++i) values.push_back({{1.0 * i, 0}, std::sin(0.5 * i), 0});
  const GaussianProcess process({.amplitude = 1, .length = 3}, {}, values);
  const auto points = line(33, 0.25);
  const ProcessMarginals marginals = process.marginals(points);
  for (std::size_t i = 0; i < points.size(); ++i) {
    CHECK(std::abs(marginals.mean[i] - std::sin(0.5 * points[i].x)) < 0.02);
    if (i % 4 == 0) {
      CHECK(marginals.deviation[i] < 1e-4);
    } else {
      CHECK(marginals.deviation[i] > 1e-3);
    }
  }
}

TEST_CASE("a precise value counts for more than a noisy one of the same point",
          "[statistics][gaussian_process]") {
  const std::vector<ProcessValue> values{{{0, 0}, 1, 0.1}, {{0, 0}, 2, 0.2}};
  const GaussianProcess process({.amplitude = 100, .length = 1}, {}, values);
  const std::vector<ProcessInput> at{{0, 0}};
  CHECK(process.marginals(at).mean[0] == Approx(1.2).epsilon(1e-3));
  CHECK(process.marginals(at).deviation[0] == Approx(std::sqrt(1 / 125.0)).epsilon(1e-3));
}

TEST_CASE("what a point has alone tells nothing of its neighbours and stays where nobody looked",
          "[statistics][gaussian_process]") {
  std::vector<ProcessValue> values;
  for (int i = 0; i < 10; ++i) values.push_back({{0.1 * i, 0}, 0.0, 0.001});
  values.push_back({{1.0, 0}, 1.0, 0.001});  // a step
  const GaussianProcess process({.amplitude = 1, .length = 5, .rough = 0.3}, {}, values);
  const std::vector<ProcessInput> points{{1.0, 0}, {0.95, 0}};
  const ProcessMarginals marginals = process.marginals(points);
  CHECK(marginals.mean[0] == Approx(1).margin(0.01));
  CHECK(marginals.deviation[0] < 0.01);
  CHECK(marginals.mean[1] < 0.6);
  CHECK(marginals.deviation[1] > 0.3);
}

TEST_CASE("groups share what they are said to share", "[statistics][gaussian_process]") {
  const std::vector<ProcessValue> values{{{0, 0}, 1, 0}};
  const std::vector<ProcessInput> other{{0, 1}};
  const auto mean_of = [&](double between, double offset) {
    const ProcessPrior prior{
        .amplitude = 1, .length = 1, .offset = offset, .between_groups = between};
    return GaussianProcess(prior, {}, values).marginals(other).mean[0];
  };
  CHECK(mean_of(0, 0) == Approx(0).margin(1e-9));
  CHECK(mean_of(0.6, 0) == Approx(0.6));
  CHECK(mean_of(0, 10) == Approx(100.0 / 101));
}

TEST_CASE("the joint posterior's diagonal is the marginals' and draws follow it",
          "[statistics][gaussian_process]") {
  const std::vector<ProcessValue> values{{{0, 0}, 1, 0.1}, {{2, 0}, -1, 0.3}};
  const GaussianProcess process({.amplitude = 1, .length = 1, .rough = 0.1}, {}, values);
  const auto points = line(4, 0.7);
  const ProcessMarginals marginals = process.marginals(points);
  const ProcessJoint joint = process.joint(points);
  constexpr int kDraws = 20000;
  const auto draws = process.draws(points, kDraws, 1);
  REQUIRE(draws.size() == kDraws);
  for (std::size_t i = 0; i < points.size(); ++i) {
    CHECK(joint.mean[i] == Approx(marginals.mean[i]));
    CHECK(std::sqrt(joint.covariance[i * points.size() + i]) == Approx(marginals.deviation[i]));
    double mean = 0;
    for (const auto& draw : draws) mean += draw[i] / kDraws;
    CHECK(mean == Approx(joint.mean[i]).margin(0.03));
    for (std::size_t j = 0; j < points.size(); ++j) {
      double covariance = 0;
      for (const auto& draw : draws)
        covariance += (draw[i] - joint.mean[i]) * (draw[j] - joint.mean[j]) / kDraws;
      CHECK(covariance == Approx(joint.covariance[i * points.size() + j]).margin(0.03));
    }
  }
  CHECK(process.draws(points, 3, 7) == process.draws(points, 3, 7));
  CHECK(process.draws(points, 3, 7) != process.draws(points, 3, 8));
}

TEST_CASE("the likelihood finds the length and amplitude that a curve was drawn with",
          "[statistics][gaussian_process]") {
  const PriorGrid grid{
      .start = {}, .amplitudes = {0.3, 1, 3}, .lengths = {0.2, 1, 5}, .roughs = {0}};
  const auto points = line(60, 0.25);
  int right_length = 0, right_amplitude = 0;
  constexpr int kCurves = 20;
  const GaussianProcess truth({.amplitude = 1, .length = 1}, {}, {});
  const auto curves = truth.draws(points, kCurves, 3);
  const auto noises = standard_normals(static_cast<int>(points.size()), 4);
  for (const auto& curve : curves) {
    std::vector<ProcessValue> values;
    for (std::size_t i = 0; i < points.size(); ++i)
      values.push_back({points[i], curve[i] + 0.02 * noises[i], 0.02});
    const ProcessPrior fitted = fit_prior(grid, {}, values);
    right_length += fitted.length == 1;
    right_amplitude += fitted.amplitude == 1;
  }
  CHECK(right_length >= kCurves - 2);
  CHECK(right_amplitude >= kCurves - 4);
}

TEST_CASE("many values on one point do not break the factor", "[statistics][gaussian_process]") {
  const std::vector<ProcessValue> values(50, ProcessValue{{0, 0}, 2, 0});
  const GaussianProcess process({.amplitude = 1, .length = 1}, {}, values);
  const std::vector<ProcessInput> at{{0, 0}};
  CHECK(process.marginals(at).mean[0] == Approx(2).epsilon(1e-3));
  CHECK(std::isfinite(process.log_likelihood()));
}

TEST_CASE("nothing is said of no points", "[statistics][gaussian_process]") {
  const std::vector<ProcessValue> values{{{0, 0}, 2, 0.1}};
  const GaussianProcess process({.amplitude = 1, .length = 1}, {}, values);
  CHECK(process.marginals({}).mean.empty());
  CHECK(process.joint({}).covariance.empty());
  CHECK(process.draws({}, 2, 1) == std::vector<std::vector<double>>(2));
}
