// Many Gaussian processes at once: what a few noisy values say of all other points when it is not
// known which of many priors is right. Each setting is a prior; the values weigh the settings by
// how likely they are under each, and a drawn curve is of one of these. So a curve is as uncertain
// as the settings are of each other, besides each one's own uncertainty. All settings are sums of
// the same few parts, so that some hundred of them cost a millisecond for some ten values.
//
// The trap: settings that no value speaks against keep the weight that they were given, so the
// weights before are as much a part of the answer as the values.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "tuner/statistics/gaussian_process.h"

namespace batchtune {

// A point with all that settings may ask of it.
struct MixturePoint {
  double x = 0;
  int group = 0;
  std::vector<double> means;     // one of each mean function; as many at every point
  std::vector<double> features;  // what a coefficient is multiplied with; as many at every point
};

// What settings share. Correlations by distance d in x, within a group (across: x between_groups):
//   smooth  Matern 5/2 of d / length, for each of `lengths`
//   kinks   exp(-d / kink_length)
struct MixtureFamily {
  std::vector<double> lengths;
  double kink_length = 1;
  double between_groups = 0;
  // Log density of a value that is explained by what it is alone (see MixtureValue::doubted).
  double log_alone = 0;
};

struct MixtureCoefficient {
  std::size_t feature = 0;
  double expected = 0, deviation = 0;
};

// One prior; standard deviations, in units of the values.
struct MixtureSetting {
  std::size_t mean = 0;    // which of MixturePoint::means
  double offset = 0;       // of a constant that all points share
  double amplitude = 0;    // of the smooth part
  std::size_t length = 0;  // which of MixtureFamily::lengths
  double kinks = 0;
  double rough = 0;  // of what a point has alone
  std::vector<MixtureCoefficient> coefficients;
  bool leaves_doubted = false;  // doubted values are explained by what they are alone
  double weight = 1;            // before there are values
};

struct MixtureValue {
  MixturePoint at;
  double value = 0;
  double noise = 0;      // standard deviation
  bool doubted = false;  // may say nothing of other points
};

class ProcessMixture {
 public:
  // REQUIRES: settings are not empty, their weights > 0.
  ProcessMixture(MixtureFamily family, std::vector<MixtureSetting> settings,
                 std::vector<MixtureValue> values);
  ~ProcessMixture();
  ProcessMixture(ProcessMixture&&) noexcept;
  ProcessMixture& operator=(ProcessMixture&&) noexcept;

  const std::vector<MixtureSetting>& settings() const;
  const std::vector<double>& weights() const;  // after the values, of the settings; their sum is 1

  // Over all settings; noise is not in it.
  ProcessMarginals marginals(std::span<const MixturePoint> points) const;
  // Exactly `count` curves, each setting's share by its weight; the same for the same seed.
  std::vector<std::vector<double>> draws(std::span<const MixturePoint> points, int count,
                                         std::uint64_t seed) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace batchtune
