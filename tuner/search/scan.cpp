// See scan.h.
#include "tuner/search/scan.h"

#include <algorithm>
#include <cmath>

namespace batchtune {
namespace {

constexpr int kFinestGap = 32;        // gaps of 1/32 of the batch hide no more than that
constexpr int kFinestKneeGap = 8;     // the knee is a preference, not a peak

// An allowed batch strictly between low and high, nearest to `wanted`.
std::optional<std::int64_t> allowed_between(const ScanRange& range, std::int64_t low,
                                            std::int64_t high, std::int64_t wanted) {
  high = std::min(high, range.largest + 1);
  if (range.allowed.empty()) {
    if (low + 1 >= high) return std::nullopt;
    return std::clamp(wanted, low + 1, high - 1);
  }
  std::optional<std::int64_t> nearest;
  for (const std::int64_t batch : range.allowed)
    if (low < batch && batch < high &&
        (!nearest || std::abs(batch - wanted) < std::abs(*nearest - wanted)))
      nearest = batch;
  return nearest;
}

std::optional<std::int64_t> upwards(const ScanRange& range, std::span<const ScanPoint> points,
                                    double best_rate) {
  const ScanPoint& top = points.back();
  if (top.rate == 0) return std::nullopt;  // memory or the latency limit ends here
  const auto best = std::find_if(points.begin(), points.end(), [&](const ScanPoint& point) {
    return point.rate * (1 + kStillGrowing) >= best_rate;
  });
  // A second octave without a gain, where it costs nothing: the first may have been the unlucky one.
  const bool is_cheap = 2 * top.batch <= range.cheap;
  if (top.batch >= (is_cheap ? 4 : 2) * best->batch) return std::nullopt;
  return allowed_between(range, top.batch, kBeyond, 2 * top.batch);
}

bool splittable(std::int64_t low, std::int64_t high, std::int64_t batch, int finest) {
  return high - low > std::max<std::int64_t>(1, batch / finest);
}

std::int64_t middle_of(const ScanPoint& low, const ScanPoint& high) {
  return low.batch + (high.batch - low.batch) / 2;
}

// The gaps on both sides of the best, where the line through the best and its other neighbour
// leaves room.
std::optional<std::int64_t> around_best(const ScanRange& range, std::span<const ScanPoint> points,
                                        std::size_t best) {
  const ScanPoint& peak = points[best];
  const ScanPoint* left = best > 0 ? &points[best - 1] : nullptr;
  const ScanPoint* right = best + 1 < points.size() ? &points[best + 1] : nullptr;
  const auto look = [&](const ScanPoint& low, const ScanPoint& high,
                        const ScanPoint* other) -> std::optional<std::int64_t> {
    if (!splittable(low.batch, high.batch, peak.batch, kFinestGap)) return std::nullopt;
    const auto middle = allowed_between(range, low.batch, high.batch, middle_of(low, high));
    if (!middle || !other || other->rate == 0) return middle;
    // Up to a wall the rise goes on to its end; a peak is expected in the middle.
    const std::int64_t end = high.rate == 0 ? high.batch - 1 : *middle;
    const bool room = extended(*other, peak, end) > peak.rate * (1 + kWorthALook);
    return room ? middle : std::nullopt;
  };
  std::optional<std::int64_t> middle;
  if (right) middle = look(peak, *right, left);
  if (!middle && left && right && right->rate > 0) middle = look(*left, peak, right);
  return middle;
}

// Elsewhere a rise that breaks off may hide a peak before a cliff (a cache that is full): the gap
// after it is looked into where the line of the rise leads above the best.
std::optional<std::int64_t> after_rises(const ScanRange& range, std::span<const ScanPoint> points,
                                        double best_rate) {
  for (std::size_t i = 1; i + 1 < points.size(); ++i) {
    const ScanPoint &before = points[i - 1], &top = points[i], &after = points[i + 1];
    if (before.rate == 0 || top.rate <= before.rate) continue;
    if (!splittable(top.batch, after.batch, top.batch, kFinestGap)) continue;
    const auto middle = allowed_between(range, top.batch, after.batch, middle_of(top, after));
    if (middle && extended(before, top, *middle) > best_rate * (1 + kWorthALook)) return middle;
  }
  return std::nullopt;
}

// Between the smallest batch that is good enough and the largest below it that is not.
std::optional<std::int64_t> around_knee(const ScanRange& range, std::span<const ScanPoint> points,
                                        double best_rate) {
  if (range.objective != Objective::knee) return std::nullopt;
  const auto good = std::find_if(points.begin(), points.end(), [&](const ScanPoint& point) {
    return point.rate >= best_rate * (1 - range.give_up);
  });
  if (good == points.begin()) return std::nullopt;
  const std::int64_t below = (good - 1)->batch;
  if (!splittable(below, good->batch, good->batch, kFinestKneeGap)) return std::nullopt;
  return allowed_between(range, below, good->batch, below + (good->batch - below) / 2);
}

bool is_far_behind(const ScanPoint& point, std::span<const ScanPoint> points) {
  return point.rate > 0 && std::any_of(points.begin(), points.end(), [&](const ScanPoint& other) {
           return point.rate < kFarBehind * other.rate;
         });
}

}  // namespace

std::int64_t round_batch(std::int64_t batch) {
  std::int64_t power = 1;
  while (power <= batch / 2) power *= 2;
  return power >= 2 && batch >= power + power / 2 ? power + power / 2 : power;
}

double extended(const ScanPoint& a, const ScanPoint& b, std::int64_t at) {
  const auto log_of = [](std::int64_t batch) { return std::log(static_cast<double>(batch)); };
  const double slope = std::log(b.rate / a.rate) / (log_of(b.batch) - log_of(a.batch));
  return b.rate * std::exp(slope * (log_of(at) - log_of(b.batch)));
}

// Halves from the bottom down to the smallest batch. Small batches are cheap, the table is worth
// reading with them, and a seed just above a cliff would hide what lies below it.
std::optional<std::int64_t> next_below(const ScanRange& range, std::span<const ScanPoint> points) {
  if (points.empty()) return std::nullopt;
  const bool has_smallest = points.front().batch <= range.smallest;
  const auto bottom = std::find_if(points.begin(), points.end(), [&](const ScanPoint& point) {
    return point.batch > range.smallest;
  });
  const bool skip = range.sparing && bottom != points.end() && is_far_behind(*bottom, points);
  if (!skip && bottom != points.end() && bottom->batch > 2 * range.smallest)
    if (const auto half = allowed_between(range, range.smallest, bottom->batch, bottom->batch / 2))
      return half;
  if (has_smallest) return std::nullopt;
  return range.smallest;
}

std::optional<std::int64_t> next_batch(const ScanRange& range, std::span<const ScanPoint> points) {
  if (points.empty())
    return allowed_between(range, range.smallest - 1, kBeyond, range.seed).value_or(range.smallest);
  const auto best =
      std::max_element(points.begin(), points.end(),
                       [](const ScanPoint& a, const ScanPoint& b) { return a.rate < b.rate; });
  if (best->rate == 0) return next_below(range, points);
  if (const auto down = next_below(range, points)) return down;
  if (const auto up = upwards(range, points, best->rate)) return up;
  const auto index = static_cast<std::size_t>(best - points.begin());
  if (const auto near = around_best(range, points, index)) return near;
  if (const auto hidden = after_rises(range, points, best->rate)) return hidden;
  return around_knee(range, points, best->rate);
}

}  // namespace batchtune
