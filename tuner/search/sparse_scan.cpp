// See sparse_scan.h.
#include "tuner/search/sparse_scan.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "tuner/search/ascent.h"

namespace batchtune {
namespace {

constexpr double kFewOctaves = 2;  // upwards at once; one where the rise is about to end, ...
constexpr double kNearTheEnd = 0.5;     // ... so few octaves above, ...
constexpr int kFewLeft = 1;             // ... or where what lies between could not be looked at
constexpr std::int64_t kFirstStep = 4;  // times the smallest, where that is the seed
constexpr double kWideGap = 1.9;        // octaves
constexpr double kRarely = 0.1;         // of the curves have a peak within one
// An octave less of latency is worth as much of the best rate to whoever asks for the knee.
constexpr double kOctaveOfLatency = 0.05;
constexpr double kFinestOfFew = 0.5;  // octaves: what a finer gap hides is not worth minutes

bool did_run(const ScanPoint& point) {
  return point.rate > 0;
}

Seconds seconds_at(const ScanPoint& point) {
  return static_cast<double>(point.batch) / point.rate;
}

// The allowed batch strictly between two that is nearest to `wanted` by ratio.
std::optional<std::int64_t> nearest_between(const ScanRange& range, std::int64_t low,
                                            std::int64_t high, std::int64_t wanted) {
  high = std::min(high, range.largest + 1);
  if (low + 1 >= high) return std::nullopt;
  if (range.allowed.empty()) return std::clamp(wanted, low + 1, high - 1);
  std::optional<std::int64_t> nearest;
  for (const std::int64_t batch : range.allowed)
    if (low < batch && batch < high &&
        (!nearest || octaves_between(batch, wanted) < octaves_between(*nearest, wanted)))
      nearest = batch;
  return nearest;
}

// So far up that the rise would be within kStillGrowing of its end, if latency were a straight
// line: a curve that has nearly ended is not left behind by octaves.
double octaves_to_the_end(std::span<const ScanPoint> points) {
  std::vector<const ScanPoint*> good;
  for (const ScanPoint& point : points)
    if (did_run(point)) good.push_back(&point);
  if (good.size() < 2) return kFewOctaves;
  const ScanPoint &before = **(good.end() - 2), &top = *good.back();
  const double sample = (seconds_at(top) - seconds_at(before)) /
                        static_cast<double>(top.batch - before.batch);
  const Seconds fixed = seconds_at(top) - sample * static_cast<double>(top.batch);
  if (sample <= 0) return kFewOctaves;
  const double end = fixed / sample / (2 * kStillGrowing);
  return std::log2(std::max(1.0, end / static_cast<double>(top.batch)));
}

// A batch that may be better, and by how much of the best rate.
struct Hope {
  std::int64_t batch = 0;
  double gain = 0;
};

std::optional<Hope> upwards_of_few(const ScanRange& range, std::span<const ScanPoint> points,
                                   double best_rate, int left) {
  const ScanPoint& top = points.back();
  if (!did_run(top)) return std::nullopt;  // memory or the latency limit ends here
  const auto good = std::find_if(points.begin(), points.end(), [&](const ScanPoint& point) {
    return point.rate * (1 + kStillGrowing) >= best_rate;
  });
  if (top.batch >= 2 * good->batch) return std::nullopt;
  const bool far = left > kFewLeft && octaves_to_the_end(points) > kNearTheEnd;
  const double step = far ? kFewOctaves : 1;
  const auto wanted = std::llround(static_cast<double>(top.batch) * std::exp2(step));
  const auto batch = nearest_between(range, top.batch, kBeyond, wanted);
  if (!batch || octaves_between(top.batch, *batch) <= kFinestOfFew / 2) return std::nullopt;
  return Hope{*batch, std::max(kStillGrowing, likely_rate(range, points, *batch) / best_rate - 1)};
}

std::optional<std::int64_t> middle_of_gap(const ScanRange& range, std::int64_t low,
                                          std::int64_t high) {
  if (octaves_between(low, high) <= kFinestOfFew) return std::nullopt;
  const double middle = std::sqrt(static_cast<double>(low) * static_cast<double>(high));
  return nearest_between(range, low, high, std::llround(middle));
}

// The gaps beside the best: of a curve that bends one way the middle is at most on the line from
// the other side. Up to a wall the rise goes on.
std::optional<Hope> beside_best(const ScanRange& range, std::span<const ScanPoint> points,
                                std::size_t best) {
  const ScanPoint& peak = points[best];
  std::optional<Hope> most;
  const auto look = [&](const ScanPoint& low, const ScanPoint& high, const ScanPoint* other) {
    const auto middle = middle_of_gap(range, low.batch, high.batch);
    if (!middle) return;
    const bool bounded = other != nullptr && did_run(*other);
    const double gain = bounded ? extended(*other, peak, *middle) / peak.rate - 1 : 1;
    if (gain > kWorthALook && (!most || gain > most->gain)) most = Hope{*middle, gain};
  };
  const ScanPoint* left = best > 0 ? &points[best - 1] : nullptr;
  const ScanPoint* right = best + 1 < points.size() ? &points[best + 1] : nullptr;
  if (right) look(peak, *right, left);
  if (left && right && did_run(*right)) look(*left, peak, right);
  return most;
}

// A wide gap elsewhere may hide a peak before a cliff (memory on the chip that is full), where the
// line of the rise before it leads above the best; from the smallest batch on at most as far as no
// batch is faster than a smaller one.
std::optional<Hope> in_wide_gaps(const ScanRange& range, std::span<const ScanPoint> points,
                                 std::size_t best) {
  std::optional<Hope> most;
  for (std::size_t i = 0; i + 1 < points.size(); ++i) {
    const ScanPoint &low = points[i], &high = points[i + 1];
    if (!did_run(low) || !did_run(high) || octaves_between(low.batch, high.batch) < kWideGap) continue;
    const auto middle = middle_of_gap(range, low.batch, high.batch);
    if (!middle || (best > 0 && i == best)) continue;
    const bool has_rise = i > 0 && did_run(points[i - 1]);
    const double bound = has_rise ? extended(points[i - 1], low, *middle)
                                  : static_cast<double>(*middle) / seconds_at(low);
    const double gain = kRarely * (bound / points[best].rate - 1);
    if (gain > kRarely * kWorthALook && (!most || gain > most->gain)) most = Hope{*middle, gain};
  }
  return most;
}

// Between the smallest batch that is good enough and the largest below it that is not, where the
// middle is likely to be good enough as well: then latency is what may be gained.
std::optional<Hope> below_knee(const ScanRange& range, std::span<const ScanPoint> points,
                               double best_rate) {
  constexpr double kDoubt = 0.02;  // of the line
  if (range.objective != Objective::knee) return std::nullopt;
  const double needed = best_rate * (1 - range.give_up);
  const auto good = std::find_if(points.begin(), points.end(),
                                 [&](const ScanPoint& point) { return point.rate >= needed; });
  if (good == points.begin()) return std::nullopt;
  const auto middle = middle_of_gap(range, (good - 1)->batch, good->batch);
  if (!middle || likely_rate(range, points, *middle) < needed * (1 - kDoubt)) return std::nullopt;
  return Hope{*middle, kOctaveOfLatency * octaves_between(*middle, good->batch)};
}

}  // namespace

Gap gap_around(std::span<const ScanPoint> points, std::int64_t batch) {
  Gap gap{0, kBeyond};
  for (const ScanPoint& point : points) {
    if (point.batch < batch) gap.low = point.batch;
    if (point.batch > batch && gap.high == kBeyond) gap.high = point.batch;
  }
  return gap;
}

double likely_rate(const ScanRange& range, std::span<const ScanPoint> points, std::int64_t batch) {
  const ScanPoint *before = nullptr, *below = nullptr, *above = nullptr;
  for (const ScanPoint& point : points) {
    if (!did_run(point)) continue;
    if (point.batch <= batch) {
      before = below;
      below = &point;
    } else if (above == nullptr) {
      above = &point;
    }
  }
  const auto samples = static_cast<double>(batch);
  if (!below) return samples / (samples + static_cast<double>(range.seed));
  const ScanPoint* other = above ? above : before;
  // Of one batch alone half the time is taken to be the run's, whatever its size.
  const double sample = other ? (seconds_at(*other) - seconds_at(*below)) /
                                    static_cast<double>(other->batch - below->batch)
                              : seconds_at(*below) / (2 * static_cast<double>(below->batch));
  const Seconds latency =
      seconds_at(*below) + sample * static_cast<double>(batch - below->batch);
  return samples / std::max(latency, seconds_at(*below));
}

std::optional<std::int64_t> next_of_few(const ScanRange& range, std::span<const ScanPoint> points,
                                        int left) {
  if (points.empty() || points.front().batch > range.smallest) return range.smallest;
  const auto best =
      std::max_element(points.begin(), points.end(),
                       [](const ScanPoint& a, const ScanPoint& b) { return a.rate < b.rate; });
  if (points.size() == 1) {
    const std::int64_t far = kFirstStep * range.smallest;
    return nearest_between(range, range.smallest, kBeyond,
                           range.seed > range.smallest ? range.seed : far);
  }
  if (!did_run(*best)) {
    // Nothing may be chosen so far: downwards, to where latency is lowest and memory least.
    const std::int64_t lowest = points[1].batch;
    return middle_of_gap(range, points.front().batch, lowest);
  }
  const auto index = static_cast<std::size_t>(best - points.begin());
  std::optional<Hope> most;
  for (const auto& hope :
       {upwards_of_few(range, points, best->rate, left), beside_best(range, points, index),
        in_wide_gaps(range, points, index), below_knee(range, points, best->rate)})
    if (hope && (!most || hope->gain > most->gain)) most = hope;
  return most ? std::optional(most->batch) : std::nullopt;
}

}  // namespace batchtune
