#include "tuner/statistics/covariance.h"

#include <cassert>
#include <cmath>

namespace batchtune {
namespace {

constexpr double kJitter = 1e-10;

}  // namespace

double matern(double distance) {
  const double scaled = std::sqrt(5.0) * distance;
  return (1 + scaled + scaled * scaled / 3) * std::exp(-scaled);
}

Eigen::LLT<Eigen::MatrixXd> factorised(Eigen::MatrixXd covariance) {
  Eigen::LLT<Eigen::MatrixXd> factor;
  if (covariance.size() == 0) return factor;
  const double largest = covariance.diagonal().maxCoeff();
  assert(std::isfinite(largest));
  for (double share = kJitter; share < 1; share *= 10) {
    covariance.diagonal().array() += share * largest;
    factor.compute(covariance);
    if (factor.info() == Eigen::Success) break;
  }
  return factor;
}

}  // namespace batchtune
