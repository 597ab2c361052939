// What Gaussian processes are made of. Internal to this folder, since it shows Eigen.
#pragma once

#include <Eigen/Cholesky>
#include <Eigen/Core>

namespace batchtune {

// Matern 5/2 of a distance in lengths: curves with a slope and a curvature, but no more smoothness than that.
double matern(double distance);

// Cholesky factor of a covariance. Its diagonal is raised by 1e-10 of the largest variance (a hundred-thousandth of
// the values' standard deviation), and by tens more where rounding made it indefinite. An empty matrix has an empty factor.
Eigen::LLT<Eigen::MatrixXd> factorised(Eigen::MatrixXd covariance);

}  // namespace batchtune
