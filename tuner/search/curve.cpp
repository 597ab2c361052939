// See curve.h.
#include "tuner/search/curve.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>

namespace batchtune {
namespace {

// Tile sizes of kernels. A loss is felt from the second tile on: below, it is like an overhead.
constexpr std::array<std::int64_t, 9> kTiles = {2, 4, 6, 8, 12, 14, 16, 24, 32};
constexpr double kTileLoss = 0.5;   // share of the time that is spent in whole tiles
constexpr double kSlowPath = 0.08;  // log of what a batch loses that is no multiple
constexpr double kKinkLength = 1;   // octaves

// What settings are made of. Units: logs of rates and octaves of the batch.
constexpr double kOffset = 0.3;  // the anchor's level beside the corrected roofline's
constexpr double kFlatOffset = 1;
constexpr std::array<double, 3> kAmplitudes = {0.04, 0.12, 0.35};
constexpr std::array<double, 2> kFlatAmplitudes = {0.35, 1.0};
constexpr std::array<double, 2> kLengths = {1.2, 3};
// What there is beside the smooth part: of each batch alone, and of kinks.
struct Texture {
  double rough = 0, kinks = 0;
  double weight = 0;
};
constexpr std::array<Texture, 5> kTextures = {{{0.001, 0.003, 0.70},
                                               {0.006, 0.003, 0.05},
                                               {0.030, 0.003, 0.02},
                                               {0.001, 0.060, 0.10},
                                               {0.006, 0.060, 0.03}}};
constexpr std::array<std::size_t, 3> kTiled = {0, 1, 3};  // textures that tiles come with
constexpr double kTileWeight = 0.0033;                    // of one tile with one texture
constexpr std::size_t kNoTile = kTiles.size() + 1;        // as an index
constexpr double kBetweenGroups = 0.6;
constexpr double kFlatWeight = 0.15;   // a roofline is mostly worth something
constexpr double kLeastWeight = 0.02;  // settings that are less likely are left out

std::int64_t batch_at(const ProcessInput& point) {
  return std::llround(std::exp2(point.x));
}

// What a batch has to do with tiles: the log of the share of its last tile that is used, and
// whether it is no multiple.
struct TileFeatures {
  std::array<double, kTiles.size() + 1> used{}, odd{};
};

TileFeatures features_of(std::int64_t batch, int threads) {
  TileFeatures features;
  for (std::size_t i = 0; i <= kTiles.size(); ++i) {
    const std::int64_t tile = i < kTiles.size() ? kTiles[i] : threads;
    const bool again = i == kTiles.size() &&
                       (tile < 2 || std::find(kTiles.begin(), kTiles.end(), tile) != kTiles.end());
    if (again || batch % tile == 0) continue;
    features.odd[i] = 1;
    const std::int64_t whole = (batch / tile + 1) * tile;
    if (batch > tile)
      features.used[i] = std::log(static_cast<double>(batch) / static_cast<double>(whole));
  }
  return features;
}

// Remembers the features, which are asked for again and again.
class Tiles {
 public:
  explicit Tiles(const std::vector<Estimate>& groups) {
    for (const Estimate& group : groups) threads_.push_back(group.group.threads);
  }
  const TileFeatures& of(const ProcessInput& point) {
    const auto key = std::pair(point.group, point.x);
    auto found = known_.find(key);
    if (found == known_.end()) {
      const int threads = threads_[static_cast<std::size_t>(point.group)];
      found = known_.emplace(key, features_of(batch_at(point), threads)).first;
    }
    return found->second;
  }
  // What is expected to be lost, as a logarithm of the rate; the tile is an index.
  double loss(const ProcessInput& point, std::size_t tile) {
    const TileFeatures& features = of(point);
    return kTileLoss * features.used[tile] - kSlowPath / 2 * features.odd[tile];
  }
  double covariance(const ProcessInput& a, const ProcessInput& b, std::size_t tile) {
    const TileFeatures &left = of(a), &right = of(b);
    return kTileLoss * kTileLoss * left.used[tile] * right.used[tile] +
           kSlowPath * kSlowPath * left.odd[tile] * right.odd[tile];
  }

 private:
  std::vector<int> threads_;
  std::map<std::pair<int, double>, TileFeatures> known_;
};

// A rate without an estimate: overheads are shared out until the seed.
double log_rate_without_curve(std::int64_t batch, std::int64_t seed) {
  const auto b = static_cast<double>(batch);
  return std::log(b / (b + static_cast<double>(seed) / 3));
}

}  // namespace

CurveModel::CurveModel(std::vector<Estimate> given, std::span<const Look> looks,
                       const Correction& earlier) {
  for (Estimate& estimate : given) tell_parts_apart(estimate.curve);
  groups_ = std::make_shared<const std::vector<Estimate>>(std::move(given));
  const std::vector<Estimate>& groups = *groups_;
  double sum = 0;
  for (const Look& look : looks)
    for (std::size_t i = 0; i < groups.size(); ++i)
      if (groups[i].group == look.candidate.group) {
        const double x = std::log2(static_cast<double>(look.candidate.batch));
        values_.push_back({{x, static_cast<int>(i)}, look.log_rate, look.error});
        sum += look.log_rate;
      }
  if (!values_.empty()) level_ = sum / static_cast<double>(values_.size());
  correct_roofline(looks, earlier);

  const auto tiles = std::make_shared<Tiles>(groups);
  std::vector<Setting> settings;
  const auto add = [&](bool by_roofline, double amplitude, const Texture& texture, std::size_t tile,
                       double weight) {
    for (const double length : kLengths) {
      ProcessPrior prior{amplitude, length, by_roofline ? kOffset : kFlatOffset, texture.rough,
                         kBetweenGroups};
      prior.extra = [tiles, kinks = texture.kinks * texture.kinks, tile](const ProcessInput& a,
                                                                         const ProcessInput& b) {
        const double kinked = kinks * std::exp(-std::abs(a.x - b.x) / kKinkLength);
        const double alike = a.group == b.group ? 1 : kBetweenGroups;
        return alike * (kinked + (tile != kNoTile ? tiles->covariance(a, b, tile) : 0));
      };
      ProcessMean mean = mean_of(by_roofline);
      if (tile != kNoTile)
        mean = [mean, tiles, tile](const ProcessInput& point) {
          return mean(point) + tiles->loss(point, tile);
        };
      settings.push_back({prior, std::move(mean), by_roofline, weight});
    }
  };
  const auto add_all = [&](bool by_roofline, double amplitude, double weight) {
    for (const Texture& texture : kTextures)
      add(by_roofline, amplitude, texture, kNoTile, weight * texture.weight);
    for (std::size_t tile = 0; tile < kNoTile; ++tile)
      for (const std::size_t texture : kTiled)
        add(by_roofline, amplitude, kTextures[texture], tile, weight * kTileWeight);
  };
  for (const double amplitude : kAmplitudes)
    add_all(true, amplitude, (1 - kFlatWeight) / kAmplitudes.size());
  for (const double amplitude : kFlatAmplitudes)
    add_all(false, amplitude, kFlatWeight / kFlatAmplitudes.size());
  weigh(std::move(settings));
}

// One correction for all groups: they are one device and model.
void CurveModel::correct_roofline(std::span<const Look> looks, const Correction& earlier) {
  correction_ = earlier;
  for (const Estimate& estimate : *groups_) {
    if (estimate.curve.empty()) continue;
    std::vector<MeasuredLatency> measured;
    for (const Look& look : looks)
      if (look.candidate.group == estimate.group)
        measured.push_back({look.candidate.batch,
                            static_cast<double>(look.candidate.batch) * estimate.group.instances /
                                std::exp(look.log_rate),
                            look.error});
    if (!measured.empty()) correction_ = fit_correction(estimate.curve, measured, correction_);
  }
}

ProcessMean CurveModel::mean_of(bool by_roofline) const {
  if (!by_roofline) return [level = level_](const ProcessInput&) { return level; };
  return [groups = groups_, level = level_, correction = correction_](const ProcessInput& point) {
    const Estimate& estimate = (*groups)[static_cast<std::size_t>(point.group)];
    const std::int64_t batch = batch_at(point);
    if (estimate.curve.empty()) return level + log_rate_without_curve(batch, estimate.batch);
    const PointEstimate at = read_curve(estimate.curve, batch, estimate.group.instances);
    return std::log(corrected(at, correction).throughput);
  };
}

void CurveModel::weigh(std::vector<Setting> settings) {
  std::vector<GaussianProcess> all;
  double likeliest = -1e300;
  for (Setting& setting : settings) {
    all.emplace_back(setting.prior, setting.mean, values_);
    setting.weight = std::log(setting.weight) + all.back().log_likelihood();
    likeliest = std::max(likeliest, setting.weight);
  }
  double sum = 0, trusted = 0;
  for (Setting& setting : settings) {
    setting.weight = std::exp(setting.weight - likeliest);
    sum += setting.weight;
    if (setting.by_roofline) trusted += setting.weight;
  }
  trust_ = trusted / sum;
  double kept = 0;
  for (std::size_t i = 0; i < settings.size(); ++i) {
    const double weight = settings[i].weight / sum;
    if (weight < kLeastWeight && settings[i].weight < 1) continue;
    processes_.push_back({weight, std::move(all[i])});
    kept += weight;
  }
  for (Weighted& weighted : processes_) weighted.weight /= kept;
}

std::vector<ProcessInput> CurveModel::inputs_of(std::span<const Candidate> candidates) const {
  std::vector<ProcessInput> inputs;
  for (const Candidate& candidate : candidates)
    for (std::size_t i = 0; i < groups_->size(); ++i)
      if ((*groups_)[i].group == candidate.group)
        inputs.push_back({std::log2(static_cast<double>(candidate.batch)), static_cast<int>(i)});
  return inputs;
}

CurveView CurveModel::view(std::span<const Candidate> candidates) const {
  const auto inputs = inputs_of(candidates);
  std::vector<double> mean(inputs.size()), square(inputs.size());
  for (const Weighted& weighted : processes_) {
    const ProcessMarginals at = weighted.process.marginals(inputs);
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      mean[i] += weighted.weight * at.mean[i];
      square[i] += weighted.weight * (at.mean[i] * at.mean[i] + at.deviation[i] * at.deviation[i]);
    }
  }
  CurveView view{mean, {}};
  for (std::size_t i = 0; i < inputs.size(); ++i)
    view.deviation.push_back(std::sqrt(std::max(0.0, square[i] - mean[i] * mean[i])));
  return view;
}

std::vector<std::vector<double>> CurveModel::draws(std::span<const Candidate> candidates, int count,
                                                   std::uint64_t seed) const {
  const auto inputs = inputs_of(candidates);
  std::vector<std::vector<double>> curves;
  for (const Weighted& weighted : processes_) {
    const int share = static_cast<int>(std::ceil(weighted.weight * count));
    for (auto& curve : weighted.process.draws(inputs, share, seed + curves.size()))
      curves.push_back(std::move(curve));
  }
  return curves;
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

std::vector<Look> without_holes(std::vector<Look> looks) {
  std::sort(looks.begin(), looks.end(),
            [](const Look& a, const Look& b) { return a.candidate < b.candidate; });
  std::vector<Look> kept;
  for (std::size_t i = 0; i < looks.size(); ++i)
    if (i == 0 || i + 1 == looks.size() || !is_hole(looks[i - 1], looks[i], looks[i + 1]))
      kept.push_back(looks[i]);
  return kept;
}

}  // namespace

std::vector<Look> leading(std::vector<Look> looks, const std::string& backend) {
  std::erase_if(looks, [&](const Look& look) { return look.candidate.group.backend != backend; });
  looks = without_holes(std::move(looks));
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
