// See process_mixture.h.
#include "tuner/statistics/process_mixture.h"

#include <Eigen/Cholesky>
#include <Eigen/Core>
#include <algorithm>
#include <cassert>
#include <cmath>
#include <numbers>

#include "tuner/statistics/covariance.h"

namespace batchtune {
namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

// Settings that are less likely are not worth their time in a mean; draws leave none out.
constexpr double kLeastWeight = 1e-3;

std::size_t at(Index i) {
  return static_cast<std::size_t>(i);
}

bool same_point(const MixturePoint& a, const MixturePoint& b) {
  return a.x == b.x && a.group == b.group;
}

// Correlations of some points (rows) with others (columns), by part.
struct Parts {
  std::vector<MatrixXd> smooth;  // by length
  MatrixXd kinks, own, alike;

  Parts(const MixtureFamily& family, std::span<const MixturePoint> rows,
        std::span<const MixturePoint> columns) {
    const auto n = static_cast<Index>(rows.size()), m = static_cast<Index>(columns.size());
    smooth.assign(family.lengths.size(), MatrixXd(n, m));
    kinks.resize(n, m);
    own.resize(n, m);
    alike.resize(n, m);
    for (Index column = 0; column < m; ++column)
      for (Index row = 0; row < n; ++row) {
        const MixturePoint &a = rows[at(row)], &b = columns[at(column)];
        const double distance = std::abs(a.x - b.x);
        const double shared = a.group == b.group ? 1 : family.between_groups;
        for (std::size_t i = 0; i < smooth.size(); ++i)
          smooth[i](row, column) = shared * matern(distance / family.lengths[i]);
        kinks(row, column) = shared * std::exp(-distance / family.kink_length);
        own(row, column) = same_point(a, b) ? 1 : 0;
        alike(row, column) = shared;
      }
  }
};

VectorXd feature_of(std::span<const MixturePoint> points, std::size_t feature) {
  VectorXd result(static_cast<Index>(points.size()));
  for (std::size_t i = 0; i < points.size(); ++i)
    result(static_cast<Index>(i)) = points[i].features[feature];
  return result;
}

MatrixXd covariance(const MixtureSetting& setting, const Parts& parts,
                    std::span<const MixturePoint> rows, std::span<const MixturePoint> columns) {
  MatrixXd result = setting.amplitude * setting.amplitude * parts.smooth[setting.length];
  result.array() += setting.offset * setting.offset;
  if (setting.kinks > 0) result += setting.kinks * setting.kinks * parts.kinks;
  if (setting.rough > 0) result += setting.rough * setting.rough * parts.own;
  for (const MixtureCoefficient& coefficient : setting.coefficients) {
    const VectorXd left = coefficient.deviation * feature_of(rows, coefficient.feature);
    const VectorXd right = coefficient.deviation * feature_of(columns, coefficient.feature);
    const MatrixXd shared = left * right.transpose();
    result += shared.cwiseProduct(parts.alike);
  }
  return result;
}

double mean_at(const MixtureSetting& setting, const MixturePoint& point) {
  double mean = point.means[setting.mean];
  for (const MixtureCoefficient& coefficient : setting.coefficients)
    mean += coefficient.expected * point.features[coefficient.feature];
  return mean;
}

VectorXd means_at(const MixtureSetting& setting, std::span<const MixturePoint> points) {
  VectorXd means(static_cast<Index>(points.size()));
  for (std::size_t i = 0; i < points.size(); ++i)
    means(static_cast<Index>(i)) = mean_at(setting, points[i]);
  return means;
}

// Values that a setting is held against, as they are for all settings that use the same ones.
struct Evidence {
  std::vector<MixturePoint> points;
  VectorXd values, variances;
  std::size_t left_out = 0;
  std::unique_ptr<Parts> parts;

  Evidence(const MixtureFamily& family, const std::vector<MixtureValue>& all, bool with_doubted) {
    std::vector<double> value, variance;
    for (const MixtureValue& each : all) {
      if (each.doubted && !with_doubted) {
        ++left_out;
        continue;
      }
      points.push_back(each.at);
      value.push_back(each.value);
      variance.push_back(each.noise * each.noise);
    }
    values = Eigen::Map<VectorXd>(value.data(), static_cast<Index>(value.size()));
    variances = Eigen::Map<VectorXd>(variance.data(), static_cast<Index>(variance.size()));
    parts = std::make_unique<Parts>(family, points, points);
  }
};

// A setting with the values told.
struct Fitted {
  Eigen::LLT<MatrixXd> factor;
  VectorXd residuals, pull;  // value - mean; covariance^-1 x that

  Fitted(const MixtureSetting& setting, const Evidence& evidence) {
    MatrixXd matrix = covariance(setting, *evidence.parts, evidence.points, evidence.points);
    matrix.diagonal() += evidence.variances;
    factor = factorised(std::move(matrix));
    residuals = evidence.values - means_at(setting, evidence.points);
    if (residuals.size() > 0) pull = factor.solve(residuals);
  }

  double log_likelihood() const {
    if (residuals.size() == 0) return 0;
    return -0.5 * residuals.dot(pull) - factor.matrixLLT().diagonal().array().log().sum() -
           0.5 * static_cast<double>(residuals.size()) * std::log(2 * std::numbers::pi);
  }
};

}  // namespace

struct ProcessMixture::State {
  MixtureFamily family;
  std::vector<MixtureSetting> settings;
  std::vector<double> weights;
  Evidence all, undoubted;

  const Evidence& evidence_for(const MixtureSetting& setting) const {
    return setting.leaves_doubted ? undoubted : all;
  }
};

ProcessMixture::ProcessMixture(MixtureFamily family, std::vector<MixtureSetting> settings,
                               std::vector<MixtureValue> values) {
  assert(!settings.empty());
  Evidence all(family, values, true), undoubted(family, values, false);
  state_ = std::make_unique<State>(
      State{std::move(family), std::move(settings), {}, std::move(all), std::move(undoubted)});
  State& state = *state_;
  double likeliest = -1e300, sum = 0;
  for (const MixtureSetting& setting : state.settings) {
    const Evidence& evidence = state.evidence_for(setting);
    const double alone = static_cast<double>(evidence.left_out) * state.family.log_alone;
    state.weights.push_back(std::log(setting.weight) + alone +
                            Fitted(setting, evidence).log_likelihood());
    likeliest = std::max(likeliest, state.weights.back());
  }
  for (double& weight : state.weights) sum += weight = std::exp(weight - likeliest);
  for (double& weight : state.weights) weight /= sum;
}

ProcessMixture::~ProcessMixture() = default;
ProcessMixture::ProcessMixture(ProcessMixture&&) noexcept = default;
ProcessMixture& ProcessMixture::operator=(ProcessMixture&&) noexcept = default;

const std::vector<MixtureSetting>& ProcessMixture::settings() const {
  return state_->settings;
}

const std::vector<double>& ProcessMixture::weights() const {
  return state_->weights;
}

ProcessMarginals ProcessMixture::marginals(std::span<const MixturePoint> points) const {
  const auto m = static_cast<Index>(points.size());
  const Parts all(state_->family, state_->all.points, points);
  const Parts undoubted(state_->family, state_->undoubted.points, points);
  VectorXd mean = VectorXd::Zero(m), square = VectorXd::Zero(m);
  double used = 0;
  for (std::size_t s = 0; s < state_->settings.size(); ++s) {
    const double weight = state_->weights[s];
    if (weight < kLeastWeight) continue;
    const MixtureSetting& setting = state_->settings[s];
    const Evidence& evidence = state_->evidence_for(setting);
    const Fitted fitted(setting, evidence);
    VectorXd own_mean = means_at(setting, points);
    VectorXd variance(m);
    for (Index i = 0; i < m; ++i) {
      const MixturePoint& point = points[at(i)];
      variance(i) = setting.offset * setting.offset + setting.amplitude * setting.amplitude +
                    setting.kinks * setting.kinks + setting.rough * setting.rough;
      for (const MixtureCoefficient& coefficient : setting.coefficients)
        variance(i) += std::pow(coefficient.deviation * point.features[coefficient.feature], 2);
    }
    if (!evidence.points.empty()) {
      const MatrixXd cross =
          covariance(setting, setting.leaves_doubted ? undoubted : all, evidence.points, points);
      own_mean += cross.transpose() * fitted.pull;
      const MatrixXd known = fitted.factor.matrixL().solve(cross);
      variance -= known.colwise().squaredNorm().transpose();
    }
    mean += weight * own_mean;
    square.array() += weight * (own_mean.array().square() + variance.array().max(0.0));
    used += weight;
  }
  mean /= used;
  square /= used;
  ProcessMarginals result;
  for (Index i = 0; i < m; ++i) {
    result.mean.push_back(mean(i));
    result.deviation.push_back(std::sqrt(std::max(0.0, square(i) - mean(i) * mean(i))));
  }
  return result;
}

std::vector<std::vector<double>> ProcessMixture::draws(std::span<const MixturePoint> points,
                                                       int count, std::uint64_t seed) const {
  const auto m = static_cast<Index>(points.size());
  std::vector<std::vector<double>> curves;
  if (m == 0) return {static_cast<std::size_t>(count), std::vector<double>{}};
  const Parts among(state_->family, points, points);
  const Parts all(state_->family, state_->all.points, points);
  const Parts undoubted(state_->family, state_->undoubted.points, points);
  const std::vector<double> normals = standard_normals(static_cast<int>(m) * count, seed);
  double passed = 0;
  int drawn = 0;
  for (std::size_t s = 0; s < state_->settings.size(); ++s) {
    passed += state_->weights[s];
    // Evenly spaced marks on the line of all weights: as many as fall into a setting's part.
    const bool last = s + 1 == state_->settings.size();
    const int until =
        last ? count : std::clamp(static_cast<int>(std::lround(passed * count)), drawn, count);
    if (until == drawn) continue;
    const MixtureSetting& setting = state_->settings[s];
    const Evidence& evidence = state_->evidence_for(setting);
    VectorXd mean = means_at(setting, points);
    MatrixXd joint = covariance(setting, among, points, points);
    if (!evidence.points.empty()) {
      const Fitted fitted(setting, evidence);
      const MatrixXd cross =
          covariance(setting, setting.leaves_doubted ? undoubted : all, evidence.points, points);
      mean += cross.transpose() * fitted.pull;
      const MatrixXd known = fitted.factor.matrixL().solve(cross);
      joint.noalias() -= known.transpose() * known;
    }
    const auto factor = factorised(std::move(joint));
    for (; drawn < until; ++drawn) {
      const Eigen::Map<const VectorXd> normal(normals.data() + drawn * m, m);
      const VectorXd curve = mean + factor.matrixL() * normal;
      curves.emplace_back(curve.begin(), curve.end());
    }
  }
  return curves;
}

}  // namespace batchtune
