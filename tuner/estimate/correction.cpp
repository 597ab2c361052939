// See correction.h.
#include "tuner/estimate/correction.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <vector>

#include "tuner/estimate/roofline.h"

namespace batchtune {
namespace {

constexpr int kParts = 3;
using Parts = std::array<double, kParts>;
using Matrix = std::array<Parts, kParts>;

constexpr double kOwnError = 0.03;        // of the roofline's shape, when its factors are right
constexpr double kHuber = 1.5;            // errors beyond which a point's pull stops growing
constexpr double kUnsplitOverhead = 0.1;  // of batch 1, where a curve does not say its parts
constexpr double kIn95 = 1.96;

Parts parts_of(const PointEstimate& point) {
  return {point.computing, point.moving, point.overhead};
}

std::array<CorrectionFactor*, kParts> factors_of(Correction& correction) {
  return {&correction.compute, &correction.memory, &correction.overhead};
}

// Inverse of a symmetric positive definite matrix, by Gauss and Jordan.
Matrix inverse(Matrix a) {
  Matrix result{};
  for (std::size_t i = 0; i < kParts; ++i) result[i][i] = 1;
  for (std::size_t i = 0; i < kParts; ++i) {
    const double pivot = a[i][i];
    for (std::size_t k = 0; k < kParts; ++k) {
      a[i][k] /= pivot;
      result[i][k] /= pivot;
    }
    for (std::size_t j = 0; j < kParts; ++j) {
      if (j == i) continue;
      const double times = a[j][i];
      for (std::size_t k = 0; k < kParts; ++k) {
        a[j][k] -= times * a[i][k];
        result[j][k] -= times * result[i][k];
      }
    }
  }
  return result;
}

struct FitPoint {
  Parts parts;
  double log_latency = 0, error = 1;
};

// One step of Gauss and Newton from `at`; the curvature is left in `curvature`.
Parts step_from(const Parts& at, const std::vector<FitPoint>& points, const Correction& prior,
                Matrix& curvature) {
  Correction copy = prior;
  const auto priors = factors_of(copy);
  Parts pull{};
  curvature = {};
  for (std::size_t i = 0; i < kParts; ++i) {
    const double certain = 1 / (priors[i]->error * priors[i]->error);
    curvature[i][i] = certain;
    pull[i] = certain * (priors[i]->log - at[i]);
  }
  for (const FitPoint& point : points) {
    Parts share{};
    double latency = 0;
    for (std::size_t i = 0; i < kParts; ++i) latency += share[i] = std::exp(at[i]) * point.parts[i];
    for (double& part : share) part /= latency;  // the derivative of the log latency
    const double residual = point.log_latency - std::log(latency);
    const double errors = std::abs(residual) / point.error;
    const double weight = (errors > kHuber ? kHuber / errors : 1) / (point.error * point.error);
    for (std::size_t i = 0; i < kParts; ++i) {
      pull[i] += weight * share[i] * residual;
      for (std::size_t j = 0; j < kParts; ++j) curvature[i][j] += weight * share[i] * share[j];
    }
  }
  const Matrix covariance = inverse(curvature);
  Parts step{};
  for (std::size_t i = 0; i < kParts; ++i)
    for (std::size_t j = 0; j < kParts; ++j) step[i] += covariance[i][j] * pull[j];
  return step;
}

double residual_of(const Parts& at, const std::vector<FitPoint>& points) {
  double sum = 0;
  for (const FitPoint& point : points) {
    double latency = 0;
    for (std::size_t i = 0; i < kParts; ++i) latency += std::exp(at[i]) * point.parts[i];
    const double residual = point.log_latency - std::log(latency);
    sum += residual * residual;
  }
  return points.empty() ? 0 : std::sqrt(sum / static_cast<double>(points.size()));
}

}  // namespace

double CorrectionFactor::factor() const {
  return std::exp(log);
}
double CorrectionFactor::low() const {
  return std::exp(log - kIn95 * error);
}
double CorrectionFactor::high() const {
  return std::exp(log + kIn95 * error);
}

Correction no_correction() {
  return {{0, kUsualError}, {0, kUsualError}, {0, kUsualOverheadError}, 0, 0};
}

Correction fit_correction(std::span<const PointEstimate> curve,
                          std::span<const MeasuredLatency> measured, const Correction& prior) {
  std::vector<FitPoint> points;
  for (const MeasuredLatency& latency : measured)
    points.push_back({parts_of(read_curve(curve, latency.batch, 1)), std::log(latency.latency),
                      std::hypot(latency.error, kOwnError)});
  Correction result = prior;
  const auto factors = factors_of(result);
  Parts at{};
  for (std::size_t i = 0; i < kParts; ++i) at[i] = factors[i]->log;
  constexpr int kSteps = 30;         // it converges in some ten
  constexpr double kLongStep = 1.0;  // logs are far from straight beyond
  Matrix curvature{};
  for (int i = 0; i < kSteps; ++i) {
    const Parts step = step_from(at, points, prior, curvature);
    for (std::size_t k = 0; k < kParts; ++k) at[k] += std::clamp(step[k], -kLongStep, kLongStep);
  }
  const Matrix covariance = inverse(curvature);
  for (std::size_t i = 0; i < kParts; ++i) *factors[i] = {at[i], std::sqrt(covariance[i][i])};
  result.residual = residual_of(at, points);
  result.points = static_cast<int>(points.size());
  return result;
}

PointEstimate read_curve(std::span<const PointEstimate> curve, std::int64_t batch, int instances) {
  const auto above = std::lower_bound(
      curve.begin(), curve.end(), batch,
      [](const PointEstimate& point, std::int64_t wanted) { return point.batch < wanted; });
  if (above != curve.end() && above->batch == batch) return *above;
  PointEstimate point = above == curve.end() ? curve.back() : *above;
  const auto set = [&](auto part) {
    if (above == curve.end()) {  // as much more for each sample; overheads stay
      const double times = static_cast<double>(batch) / static_cast<double>(curve.back().batch);
      if (part != &PointEstimate::overhead) point.*part *= times;
    } else if (above != curve.begin()) {
      const PointEstimate& below = *(above - 1);
      const double share = static_cast<double>(batch - below.batch) /
                           static_cast<double>(above->batch - below.batch);
      point.*part = below.*part + share * ((*above).*part - below.*part);
    }
  };
  for (const auto part :
       {&PointEstimate::latency, &PointEstimate::memory, &PointEstimate::computing,
        &PointEstimate::moving, &PointEstimate::overhead})
    set(part);
  point.batch = batch;
  point.throughput = static_cast<double>(batch) * instances / point.latency;
  return point;
}

void tell_parts_apart(std::vector<PointEstimate>& curve) {
  if (curve.empty()) return;
  const Seconds overhead = kUnsplitOverhead * curve.front().latency;
  const Seconds sample = curve.back().latency / static_cast<double>(curve.back().batch);
  for (PointEstimate& point : curve) {
    if (point.computing + point.moving + point.overhead > 0) continue;
    point.computing = std::min(point.latency, sample * static_cast<double>(point.batch));
    point.moving = point.latency - point.computing;
    point.overhead = overhead;
  }
}

PointEstimate corrected(PointEstimate point, const Correction& correction) {
  const double before = point.latency;
  point.computing *= correction.compute.factor();
  point.moving *= correction.memory.factor();
  point.overhead *= correction.overhead.factor();
  point.latency = point.computing + point.moving + point.overhead;
  point.bound = point.overhead > std::max(point.computing, point.moving) ? Bound::overhead
                : point.computing >= point.moving                        ? Bound::compute
                                                                         : Bound::memory;
  if (point.latency > 0) point.throughput *= before / point.latency;
  return point;
}

void correct(Estimate& estimate, const Correction& correction, double give_up,
             std::optional<Bytes> memory_limit) {
  if (estimate.curve.empty()) return;
  tell_parts_apart(estimate.curve);
  for (PointEstimate& point : estimate.curve) point = corrected(point, correction);
  std::size_t fitting = 0;  // memory rises with the batch: the first ones
  for (const PointEstimate& point : estimate.curve)
    if (!memory_limit || point.memory <= static_cast<double>(*memory_limit)) ++fitting;
  const auto candidates = std::span(estimate.curve).first(std::max<std::size_t>(1, fitting));
  estimate.batch = knee(candidates, give_up);
  for (const PointEstimate& point : candidates)
    if (point.batch == estimate.batch) estimate.bound = point.bound;
}

std::string correction_setting(std::size_t group) {
  return fmt::format("roofline.{}", group + 1);
}

std::string shown(const Correction& correction) {
  return fmt::format("compute x{:.6g}, memory x{:.6g}, overhead x{:.6g}",
                     correction.compute.factor(), correction.memory.factor(),
                     correction.overhead.factor());
}

Correction correction_of(const SessionHeader& header, std::size_t group) {
  Correction correction = no_correction();
  for (const Setting& setting : header.settings.effective) {
    double compute = 1, memory = 1, overhead = 1;
    if (setting.name != correction_setting(group) ||
        std::sscanf(to_string(setting.value).c_str(), "compute x%lf, memory x%lf, overhead x%lf",
                    &compute, &memory, &overhead) != 3)
      continue;
    correction.compute.log = std::log(compute);
    correction.memory.log = std::log(memory);
    correction.overhead.log = std::log(overhead);
  }
  return correction;
}

std::vector<Estimate> corrected_estimates(const SessionHeader& header) {
  std::vector<Estimate> estimates = header.estimates;
  for (const Setting& setting : header.settings.effective)
    for (std::size_t i = 0; i < estimates.size(); ++i)
      if (setting.name == correction_setting(i))
        correct(estimates[i], correction_of(header, i), header.wishes.give_up,
                header.wishes.memory_limit);
  return estimates;
}

}  // namespace batchtune
