#include "kernels/probe/plateaus.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>

namespace batchtune::probe {
namespace {

constexpr std::size_t kMinPlateauPoints = 3;
// Standard deviation (of the natural logarithm) that a maximum over many trials still has on a
// shared machine; the noise seen in the curve itself replaces it when larger.
constexpr double kNoiseFloor = 0.03;
// Price of a piece in units of squared noise: three parameters at ln 50 each, as the Bayesian
// criterion has it for some 50 points, and one more for a slope.
constexpr double kLevelPrice = 12, kSlopePrice = 16;
// A slope that is hardly one: levels are allowed to lean a little.
constexpr double kLevelLean = 0.12;  // |d log bandwidth / d log size|

struct Sums {  // of the points before an index, so that any stretch costs one subtraction
  double n = 0, x = 0, y = 0, xx = 0, xy = 0, yy = 0;
};

struct Piece {
  std::size_t first, last;
  bool level;
};

double noise_of(std::span<const double> y) {
  // Median of |second differences|: slopes cancel, edges are rare.
  std::vector<double> bends;
  for (std::size_t i = 2; i < y.size(); ++i)
    bends.push_back(std::abs(y[i] - 2 * y[i - 1] + y[i - 2]));
  if (bends.empty()) return kNoiseFloor;
  const auto middle = bends.begin() + static_cast<std::ptrdiff_t>(bends.size() / 2);
  std::nth_element(bends.begin(), middle, bends.end());
  // For normal noise: median |N(0, 6 sigma^2)| = 0.6745 sqrt(6) sigma.
  return std::max(kNoiseFloor, *middle / (0.6745 * std::sqrt(6.0)));
}

class Curve {
 public:
  explicit Curve(std::span<const BandwidthPoint> points) : sums_(points.size() + 1) {
    std::vector<double> y;
    for (std::size_t i = 0; i < points.size(); ++i) {
      const double px = std::log(points[i].bytes), py = std::log(points[i].bytes_per_second);
      const Sums& s = sums_[i];
      sums_[i + 1] = {s.n + 1, s.x + px, s.y + py, s.xx + px * px, s.xy + px * py, s.yy + py * py};
      y.push_back(py);
    }
    variance_ = noise_of(y) * noise_of(y);
  }

  // Of the stretch [first, last] as a level or as a slope, in units of squared noise.
  double cost(std::size_t first, std::size_t last, bool level) const {
    const Sums &a = sums_[first], &b = sums_[last + 1];
    const double n = b.n - a.n, mx = (b.x - a.x) / n, my = (b.y - a.y) / n;
    const double vx = (b.xx - a.xx) / n - mx * mx, vxy = (b.xy - a.xy) / n - mx * my;
    const double vy = (b.yy - a.yy) / n - my * my;
    double slope = vx > 0 ? vxy / vx : 0;
    if (level) slope = std::clamp(slope, -kLevelLean, kLevelLean);
    const double residual = std::max(0.0, vy - 2 * slope * vxy + slope * slope * vx);
    return n * residual / variance_ + (level ? kLevelPrice : kSlopePrice);
  }

  double mean(std::size_t first, std::size_t last) const {
    const Sums &a = sums_[first], &b = sums_[last + 1];
    return (b.y - a.y) / (b.n - a.n);
  }

 private:
  std::vector<Sums> sums_;
  double variance_ = 0;
};

std::vector<Piece> cut(const Curve& curve, std::size_t points) {
  struct Best {
    double cost = std::numeric_limits<double>::infinity();
    Piece piece{};
  };
  std::vector<Best> best(points + 1);  // of the points before an index
  best[0].cost = 0;
  for (std::size_t end = 1; end <= points; ++end) {
    for (std::size_t begin = 0; begin < end; ++begin) {
      for (const bool level : {true, false}) {
        if (level && end - begin < kMinPlateauPoints) continue;
        const double cost = best[begin].cost + curve.cost(begin, end - 1, level);
        if (cost < best[end].cost) best[end] = {cost, {begin, end - 1, level}};
      }
    }
  }
  std::vector<Piece> pieces;
  for (std::size_t end = points; end > 0; end = pieces.back().first)
    pieces.push_back(best[end].piece);
  std::reverse(pieces.begin(), pieces.end());
  return pieces;
}

std::vector<BandwidthPoint> undisturbed(std::span<const BandwidthPoint> seen) {
  std::vector<BandwidthPoint> points(seen.begin(), seen.end());
  for (std::size_t i = points.size() - 1; i > 0; --i) {
    points[i - 1].bytes_per_second =
        std::max(points[i - 1].bytes_per_second, points[i].bytes_per_second);
  }
  return points;
}

}  // namespace

std::vector<Plateau> find_plateaus(std::span<const BandwidthPoint> seen) {
  std::vector<Plateau> plateaus;
  if (seen.size() < kMinPlateauPoints) return plateaus;
  const std::vector<BandwidthPoint> points = undisturbed(seen);
  const Curve curve(points);
  for (const Piece& piece : cut(curve, points.size())) {
    if (!piece.level) continue;
    const bool same_level =
        !plateaus.empty() &&
        curve.mean(piece.first, piece.last) >
            curve.mean(plateaus.back().first, plateaus.back().last) - std::log(kLevelStep);
    if (same_level) {
      plateaus.back().last = piece.last;
    } else {
      plateaus.push_back({piece.first, piece.last, 0});
    }
  }
  // A curve that still falls at its end: the slowest memory is at best what its last point says.
  // One or two low points at the end are rather disturbance.
  const std::size_t last = points.size() - 1;
  if (plateaus.empty() || plateaus.back().last + kMinPlateauPoints <= last) {
    plateaus.push_back({last, last, 0});
  } else {
    plateaus.back().last = last;
  }
  for (Plateau& plateau : plateaus) {
    std::vector<double> rates;
    for (std::size_t i = plateau.first; i <= plateau.last; ++i) {
      rates.push_back(points[i].bytes_per_second);
    }
    const auto upper = rates.begin() + static_cast<std::ptrdiff_t>((rates.size() - 1) / 4);
    std::nth_element(rates.begin(), upper, rates.end(), std::greater<>());
    plateau.bytes_per_second = *upper;
  }
  return plateaus;
}

}  // namespace batchtune::probe
