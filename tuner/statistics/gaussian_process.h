// A Gaussian process over one coordinate (log2 of the batch) and one label (the group): what a few
// noisy values say of all the others, given a guess of the curve. Exact, for some hundred values:
// work grows with their third power. It knows nothing of latencies: whoever asks chooses the
// coordinate and the scale (logs, since ratios are what is smooth). The trap: a posterior is only
// as honest as the prior and the noise that it was given.
//
// Rasmussen and Williams, Gaussian Processes for Machine Learning (2006), algorithm 2.1.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

namespace batchtune {

struct ProcessInput {
  double x = 0;
  int group = 0;

  bool operator==(const ProcessInput&) const = default;
};

struct ProcessValue {
  ProcessInput at;
  double value = 0;
  double noise = 0;  // standard deviation of `value`, known to the caller; each its own; >= 0
};

// Prior of what a curve is beside the mean function. Standard deviations, in units of the values:
//   covariance(a, b) = offset^2 + amplitude^2 x matern(|a.x - b.x| / length) x c + rough^2 x [a =
//   b] + extra(a, b)
// with the Matern function of 5/2, and c = 1 within a group, `between_groups` across.
struct ProcessPrior {
  double amplitude = 1;       // of the smooth part; > 0
  double length = 1;          // in x: values so far apart correlate by 0.52; > 0
  double offset = 0;          // of a constant that all points share
  double rough = 0;           // of what a point has alone: a step or hole, not noise; it stays
  double between_groups = 0;  // correlation of the smooth parts of two groups, 0 .. 1
  // What the caller knows of its curves besides; a covariance function. Empty: nothing.
  std::function<double(const ProcessInput&, const ProcessInput&)> extra = {};
};

using ProcessMean = std::function<double(const ProcessInput&)>;  // empty: 0 everywhere

// Of the true values (noise is not in it), in the order of the points asked for.
struct ProcessMarginals {
  std::vector<double> mean, deviation;
};
struct ProcessJoint {
  std::vector<double> mean;
  std::vector<double> covariance;  // n x n, row by row
};

class GaussianProcess {
 public:
  // Without values it is the prior. A point may have several values.
  GaussianProcess(const ProcessPrior& prior, ProcessMean mean,
                  std::span<const ProcessValue> values);
  ~GaussianProcess();
  GaussianProcess(GaussianProcess&&) noexcept;
  GaussianProcess& operator=(GaussianProcess&&) noexcept;

  ProcessMarginals marginals(std::span<const ProcessInput> points) const;
  ProcessJoint joint(std::span<const ProcessInput> points) const;
  // `count` draws of the curve at the points together; the same for the same seed everywhere.
  std::vector<std::vector<double>> draws(std::span<const ProcessInput> points, int count,
                                         std::uint64_t seed) const;
  // Of the values, as a natural logarithm.
  double log_likelihood() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// What the likelihood may choose from; an empty list keeps the value of `start`.
struct PriorGrid {
  ProcessPrior start;
  std::vector<double> amplitudes, lengths, roughs;
};

// Of all combinations the one under which the values are likeliest (type II maximum likelihood);
// equal ones: the first. Some hundred combinations of some ten values take milliseconds.
ProcessPrior fit_prior(const PriorGrid& grid, const ProcessMean& mean,
                       std::span<const ProcessValue> values);

// Standard normal deviates, the same on every platform (std:: distributions are not).
std::vector<double> standard_normals(int count, std::uint64_t seed);

}  // namespace batchtune
