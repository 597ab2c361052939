// See gaussian_process.h.
#include "tuner/statistics/gaussian_process.h"

#include <Eigen/Cholesky>
#include <Eigen/Core>
#include <algorithm>
#include <cassert>
#include <cmath>
#include <numbers>
#include <random>

#include "tuner/statistics/covariance.h"
#include "tuner/statistics/interval.h"

namespace batchtune {
namespace {

double covariance(const ProcessPrior& prior, const ProcessInput& a, const ProcessInput& b) {
  const double alike = a.group == b.group ? 1 : prior.between_groups;
  const double smooth =
      prior.amplitude * prior.amplitude * alike * matern(std::abs(a.x - b.x) / prior.length);
  const double own = a == b ? prior.rough * prior.rough : 0;
  const double extra = prior.extra ? prior.extra(a, b) : 0;
  return prior.offset * prior.offset + smooth + own + extra;
}

}  // namespace

struct GaussianProcess::State {
  ProcessPrior prior;
  ProcessMean mean;
  std::vector<ProcessInput> inputs;
  Eigen::LLT<Eigen::MatrixXd> factor;  // of the values' covariance, noise included
  Eigen::VectorXd residuals, weights;  // value - mean; covariance^-1 x that

  double mean_at(const ProcessInput& point) const { return mean ? mean(point) : 0; }
  // Rows: values; columns: points.
  Eigen::MatrixXd cross(std::span<const ProcessInput> points) const;
  Eigen::VectorXd means(std::span<const ProcessInput> points, const Eigen::MatrixXd& cross) const;
  Eigen::MatrixXd covariances(std::span<const ProcessInput> points,
                              const Eigen::MatrixXd& cross) const;
};

Eigen::MatrixXd GaussianProcess::State::cross(std::span<const ProcessInput> points) const {
  const auto rows = static_cast<Eigen::Index>(inputs.size());
  const auto columns = static_cast<Eigen::Index>(points.size());
  Eigen::MatrixXd result(rows, columns);
  for (Eigen::Index column = 0; column < columns; ++column)
    for (Eigen::Index row = 0; row < rows; ++row)
      result(row, column) = covariance(prior, inputs[static_cast<std::size_t>(row)],
                                       points[static_cast<std::size_t>(column)]);
  return result;
}

Eigen::VectorXd GaussianProcess::State::means(std::span<const ProcessInput> points,
                                              const Eigen::MatrixXd& cross) const {
  Eigen::VectorXd result(static_cast<Eigen::Index>(points.size()));
  for (std::size_t i = 0; i < points.size(); ++i)
    result(static_cast<Eigen::Index>(i)) = mean_at(points[i]);
  if (!inputs.empty()) result += cross.transpose() * weights;
  return result;
}

Eigen::MatrixXd GaussianProcess::State::covariances(std::span<const ProcessInput> points,
                                                    const Eigen::MatrixXd& cross) const {
  const auto n = static_cast<Eigen::Index>(points.size());
  Eigen::MatrixXd result(n, n);
  for (Eigen::Index i = 0; i < n; ++i)
    for (Eigen::Index j = 0; j < n; ++j)
      result(i, j) = covariance(prior, points[static_cast<std::size_t>(i)],
                                points[static_cast<std::size_t>(j)]);
  if (inputs.empty() || points.empty()) return result;
  const Eigen::MatrixXd known = factor.matrixL().solve(cross);
  result.noalias() -= known.transpose() * known;
  return result;
}

GaussianProcess::GaussianProcess(const ProcessPrior& prior, ProcessMean mean,
                                 std::span<const ProcessValue> values)
    : state_(std::make_unique<State>()) {
  assert(prior.amplitude > 0 && prior.length > 0);
  State& state = *state_;
  state.prior = prior;
  state.mean = std::move(mean);
  const auto n = static_cast<Eigen::Index>(values.size());
  state.residuals.resize(n);
  for (Eigen::Index i = 0; i < n; ++i) {
    const ProcessValue& value = values[static_cast<std::size_t>(i)];
    state.inputs.push_back(value.at);
    state.residuals(i) = value.value - state.mean_at(value.at);
  }
  Eigen::MatrixXd all = state.cross(state.inputs);
  for (Eigen::Index i = 0; i < n; ++i) {
    const double noise = values[static_cast<std::size_t>(i)].noise;
    all(i, i) += noise * noise;
  }
  state.factor = factorised(std::move(all));
  if (n > 0) state.weights = state.factor.solve(state.residuals);
}

GaussianProcess::~GaussianProcess() = default;
GaussianProcess::GaussianProcess(GaussianProcess&&) noexcept = default;
GaussianProcess& GaussianProcess::operator=(GaussianProcess&&) noexcept = default;

ProcessMarginals GaussianProcess::marginals(std::span<const ProcessInput> points) const {
  const Eigen::MatrixXd cross = state_->cross(points);
  const Eigen::VectorXd means = state_->means(points, cross);
  Eigen::MatrixXd known;
  if (cross.size() > 0) known = state_->factor.matrixL().solve(cross);
  ProcessMarginals result;
  for (std::size_t i = 0; i < points.size(); ++i) {
    const auto column = static_cast<Eigen::Index>(i);
    double variance = covariance(state_->prior, points[i], points[i]);
    if (known.size() > 0) variance -= known.col(column).squaredNorm();
    result.mean.push_back(means(column));
    result.deviation.push_back(std::sqrt(std::max(0.0, variance)));
  }
  return result;
}

ProcessJoint GaussianProcess::joint(std::span<const ProcessInput> points) const {
  const Eigen::MatrixXd cross = state_->cross(points);
  const Eigen::VectorXd means = state_->means(points, cross);
  const Eigen::MatrixXd covariances = state_->covariances(points, cross);
  ProcessJoint result;
  result.mean.assign(means.begin(), means.end());
  result.covariance.assign(covariances.data(), covariances.data() + covariances.size());
  return result;  // symmetric: rows are columns
}

std::vector<std::vector<double>> GaussianProcess::draws(std::span<const ProcessInput> points,
                                                        int count, std::uint64_t seed) const {
  const auto n = static_cast<Eigen::Index>(points.size());
  std::vector<std::vector<double>> result;
  if (n == 0) return {static_cast<std::size_t>(count), std::vector<double>{}};
  const Eigen::MatrixXd cross = state_->cross(points);
  const Eigen::VectorXd means = state_->means(points, cross);
  const auto factor = factorised(state_->covariances(points, cross));
  const std::vector<double> normals = standard_normals(static_cast<int>(n) * count, seed);
  for (int draw = 0; draw < count; ++draw) {
    const Eigen::Map<const Eigen::VectorXd> normal(normals.data() + draw * n, n);
    const Eigen::VectorXd curve = means + factor.matrixL() * normal;
    result.emplace_back(curve.begin(), curve.end());
  }
  return result;
}

double GaussianProcess::log_likelihood() const {
  const auto n = static_cast<Eigen::Index>(state_->inputs.size());
  if (n == 0) return 0;
  double log_root = 0;  // of the determinant's square root
  for (Eigen::Index i = 0; i < n; ++i) log_root += std::log(state_->factor.matrixLLT()(i, i));
  return -0.5 * state_->residuals.dot(state_->weights) - log_root -
         0.5 * static_cast<double>(n) * std::log(2 * std::numbers::pi);
}

ProcessPrior fit_prior(const PriorGrid& grid, const ProcessMean& mean,
                       std::span<const ProcessValue> values) {
  const auto or_start = [](const std::vector<double>& list, double start) {
    return list.empty() ? std::vector<double>{start} : list;
  };
  ProcessPrior best = grid.start;
  bool found = false;
  double best_likelihood = 0;
  for (const double amplitude : or_start(grid.amplitudes, grid.start.amplitude))
    for (const double length : or_start(grid.lengths, grid.start.length))
      for (const double rough : or_start(grid.roughs, grid.start.rough)) {
        ProcessPrior prior = grid.start;
        prior.amplitude = amplitude;
        prior.length = length;
        prior.rough = rough;
        const double likelihood = GaussianProcess(prior, mean, values).log_likelihood();
        if (found && likelihood <= best_likelihood) continue;
        found = true;
        best = prior;
        best_likelihood = likelihood;
      }
  return best;
}

std::vector<double> standard_normals(int count, std::uint64_t seed) {
  std::mt19937_64 engine(seed);
  constexpr double kSteps = 9007199254740992.0;  // 2^53: what a double tells apart in [0, 1)
  std::vector<double> normals;
  normals.reserve(static_cast<std::size_t>(count));
  while (static_cast<int>(normals.size()) < count)
    normals.push_back(normal_quantile((static_cast<double>(engine() >> 11) + 0.5) / kSteps));
  return normals;
}

}  // namespace batchtune
