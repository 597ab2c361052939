// See curve.h.
#include "tuner/search/curve.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "tuner/search/curve_settings.h"

namespace batchtune {
namespace {

// A rate without an estimate: overheads are shared out until the seed.
double log_rate_without_curve(std::int64_t batch, std::int64_t seed) {
  const auto b = static_cast<double>(batch);
  return std::log(b / (b + static_cast<double>(seed) / 3));
}

}  // namespace

CurveModel::CurveModel(std::vector<Estimate> groups, std::span<const Look> looks,
                       const Correction& earlier)
    : groups_(std::move(groups)) {
  for (Estimate& estimate : groups_) tell_parts_apart(estimate.curve);
  double sum = 0;
  for (const Look& look : looks)
    for (const Estimate& estimate : groups_)
      if (estimate.group == look.candidate.group) {
        looks_.push_back(look);
        sum += look.log_rate;
      }
  if (!looks_.empty()) level_ = sum / static_cast<double>(looks_.size());
  correct_roofline(looks, earlier);
  fit_lines();

  std::vector<MixtureValue> values;
  bool doubtful = false;
  for (const Look& look : looks_) {
    values.push_back({points({&look.candidate, 1}).front(), look.log_rate, look.error, look.hole});
    doubtful |= look.hole;
  }
  mixture_ = std::make_unique<const ProcessMixture>(curve_family(), curve_settings(doubtful),
                                                    std::move(values));
  for (std::size_t i = 0; i < mixture_->settings().size(); ++i)
    if (mixture_->settings()[i].mean == kByRoofline) trust_ += mixture_->weights()[i];
}

// Relative least squares; a line whose run costs nothing is flat in the rate.
void CurveModel::fit_lines() {
  constexpr double kOwn = 0.02;  // of a line's shape, beside the looks' errors
  lines_.resize(groups_.size());
  for (std::size_t i = 0; i < groups_.size(); ++i) {
    double w = 0, wx = 0, wy = 0, wxx = 0, wxy = 0;
    int count = 0;
    for (const Look& look : looks_) {
      if (look.candidate.group != groups_[i].group || look.hole) continue;
      const auto x = static_cast<double>(look.candidate.batch);
      const double y = x * groups_[i].group.instances / std::exp(look.log_rate);
      const double weight = 1 / (y * y * (look.error * look.error + kOwn * kOwn));
      w += weight;
      wx += weight * x;
      wy += weight * y;
      wxx += weight * x * x;
      wxy += weight * x * y;
      ++count;
    }
    const double spread = w * wxx - wx * wx;
    if (count < 2 || spread <= 0) continue;
    const double sample = (w * wxy - wx * wy) / spread;
    const double fixed = (wy - sample * wx) / w;
    if (fixed < 0)
      lines_[i] = {0, wxy / wxx};
    else if (sample > 0)
      lines_[i] = {fixed, sample};
  }
}

// One correction for all groups: they are one device and model.
void CurveModel::correct_roofline(std::span<const Look> looks, const Correction& earlier) {
  correction_ = earlier;
  for (const Estimate& estimate : groups_) {
    if (estimate.curve.empty()) continue;
    std::vector<MeasuredLatency> measured;
    for (const Look& look : looks)
      if (look.candidate.group == estimate.group && !look.hole)
        measured.push_back({look.candidate.batch,
                            static_cast<double>(look.candidate.batch) * estimate.group.instances /
                                std::exp(look.log_rate),
                            look.error});
    if (!measured.empty()) correction_ = fit_correction(estimate.curve, measured, correction_);
  }
}

double CurveModel::by_roofline(std::size_t group, std::int64_t batch) const {
  const Estimate& estimate = groups_[group];
  if (estimate.curve.empty()) return level_ + log_rate_without_curve(batch, estimate.batch);
  const PointEstimate at = read_curve(estimate.curve, batch, estimate.group.instances);
  return std::log(corrected(at, correction_).throughput);
}

MixturePoint CurveModel::point(std::size_t group, std::int64_t batch) const {
  const auto size = static_cast<double>(batch);
  const double guessed = by_roofline(group, batch);
  const LatencyLine& line = lines_[group];
  const double by_line =
      line.sample > 0
          ? std::log(size * groups_[group].group.instances / (line.fixed + line.sample * size))
          : guessed;
  return {std::log2(size),
          static_cast<int>(group),
          {guessed, level_, by_line},
          tile_features(batch, groups_[group].group.threads)};
}

std::vector<MixturePoint> CurveModel::points(std::span<const Candidate> candidates) const {
  std::vector<MixturePoint> points;
  for (const Candidate& candidate : candidates)
    for (std::size_t i = 0; i < groups_.size(); ++i)
      if (groups_[i].group == candidate.group) points.push_back(point(i, candidate.batch));
  return points;
}

CurveView CurveModel::view(std::span<const Candidate> candidates) const {
  ProcessMarginals at = mixture_->marginals(points(candidates));
  return {std::move(at.mean), std::move(at.deviation)};
}

std::vector<std::vector<double>> CurveModel::draws(std::span<const Candidate> candidates, int count,
                                                   std::uint64_t seed) const {
  return mixture_->draws(points(candidates), count, seed);
}

std::string CurveModel::cause() const {
  constexpr double kLikely = 0.5;
  constexpr double kLost = 0.07;      // of the rate, at the largest batch
  constexpr double kManyTimes = 2.0;  // the overheads that were estimated
  std::map<std::string, double> tiles;
  for (std::size_t i = 0; i < mixture_->settings().size(); ++i)
    tiles[tile_words(mixture_->settings()[i])] += mixture_->weights()[i];
  for (const auto& [words, weight] : tiles)
    if (!words.empty() && weight > kLikely) return words;
  const Look *best = nullptr, *largest = nullptr;
  for (const Look& look : looks_) {
    if (!best || look.log_rate > best->log_rate) best = &look;
    if (!largest || look.candidate.batch > largest->candidate.batch) largest = &look;
  }
  if (best && largest->candidate.batch >= 2 * best->candidate.batch) {
    const double lost = 1 - std::exp(largest->log_rate - best->log_rate);
    if (lost > kLost)
      return fmt::format(
          "batch {} loses {:.0f} % to {}, as where what it works on does not fit a cache any more",
          largest->candidate.batch, 100 * lost, best->candidate.batch);
  }
  if (correction_.overhead.low() > kManyTimes)
    return fmt::format("overheads are {:.1f} times those estimated", correction_.overhead.factor());
  return "";
}

std::vector<Estimate> of_backend(const std::vector<Estimate>& groups, const std::string& backend) {
  std::vector<Estimate> own;
  for (const Estimate& estimate : groups)
    if (estimate.group.backend == backend) own.push_back(estimate);
  return own;
}

namespace {

bool is_hole(const Look& low, const Look& at, const Look& high) {
  constexpr double kDeep = 0.02;  // log of a rate
  constexpr double kErrors = 3;
  constexpr std::int64_t kNear = 2;  // times the batch
  const bool neighbours = low.candidate.group == at.candidate.group &&
                          high.candidate.group == at.candidate.group &&
                          at.candidate.batch <= kNear * low.candidate.batch &&
                          high.candidate.batch <= kNear * at.candidate.batch;
  const double error = std::hypot(at.error, std::max(low.error, high.error));
  return neighbours &&
         std::min(low.log_rate, high.log_rate) - at.log_rate > kDeep + kErrors * error;
}

// Held against neighbours that are none themselves, so that two holes side by side are both found.
void mark_holes(std::vector<Look>& looks) {
  std::sort(looks.begin(), looks.end(),
            [](const Look& a, const Look& b) { return a.candidate < b.candidate; });
  bool found = true;
  while (found) {
    found = false;
    std::vector<Look*> kept;
    for (Look& look : looks)
      if (!look.hole) kept.push_back(&look);
    for (std::size_t i = 1; i + 1 < kept.size(); ++i)
      if (is_hole(*kept[i - 1], *kept[i], *kept[i + 1])) found = kept[i]->hole = true;
  }
}

}  // namespace

std::vector<Look> leading(std::vector<Look> looks, const std::string& backend) {
  std::erase_if(looks, [&](const Look& look) { return look.candidate.group.backend != backend; });
  mark_holes(looks);
  std::stable_sort(looks.begin(), looks.end(),
                   [](const Look& a, const Look& b) { return a.log_rate > b.log_rate; });
  if (looks.size() > kMostPooled) looks.resize(kMostPooled);
  return looks;
}

std::map<TrialId, double> pooled_rates(
    const std::vector<Look>& looks,
    const std::function<const CurveModel&(const std::string&)>& curve_of) {
  std::map<TrialId, double> rates;
  std::map<std::string, std::vector<Candidate>> candidates;
  std::map<std::string, std::vector<TrialId>> trials;
  for (const Look& look : looks) {
    const std::string& backend = look.candidate.group.backend;
    if (candidates.count(backend) > 0) continue;
    for (const Look& leader : leading(looks, backend)) {
      if (leader.hole) continue;
      candidates[backend].push_back(leader.candidate);
      trials[backend].push_back(leader.trial);
    }
  }
  for (const Look& look : looks) rates[look.trial] = std::exp(look.log_rate);
  for (const auto& [backend, own] : candidates) {
    const CurveView view = curve_of(backend).view(own);
    for (std::size_t i = 0; i < view.mean.size(); ++i)
      rates[trials[backend][i]] = std::exp(view.mean[i]);
  }
  return rates;
}

}  // namespace batchtune
