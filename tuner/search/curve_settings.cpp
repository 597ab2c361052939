// See curve_settings.h. Units: logs of rates and octaves of the batch.
#include "tuner/search/curve_settings.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace batchtune {
namespace {

// Tile sizes of kernels; besides, the threads. A loss by whole tiles is felt from the second one
// on: below, it is like an overhead.
constexpr std::array<std::int64_t, 15> kTiles = {2,  3,  4,  5,  6,  7,  8, 10,
                                                 12, 14, 16, 20, 24, 28, 32};
constexpr std::size_t kThreads = kTiles.size();  // as an index of tiles
constexpr std::array<std::int64_t, 6> kPeriods = {3, 4, 5, 6, 7, 8};

// Where features stand: of each tile two, then of each period one.
constexpr std::size_t used_of(std::size_t tile) {
  return 2 * tile;
}
constexpr std::size_t odd_of(std::size_t tile) {
  return 2 * tile + 1;
}
constexpr std::size_t kFirstPeriod = 2 * (kTiles.size() + 1);

// What they cost: of the log of the used share of the last tile's samples, of no multiple at all,
// and of the samples that lack to the next multiple, as a share of the period.
constexpr double kTileShare = 0.6, kTileShareError = 0.4;
constexpr double kSlowPath = -0.03, kSlowPathError = 0.06;
constexpr double kSaw = -0.1, kSawError = 0.08;

constexpr double kOffset = 0.3;  // the anchor's level beside the corrected roofline's
constexpr double kFlatOffset = 1;
constexpr double kBetweenGroups = 0.6;
constexpr std::array<double, 2> kLengths = {1.2, 3};
constexpr double kKinkLength = 1;

// A guess with what it may be off by.
struct Guess {
  std::size_t mean = kByRoofline;
  double amplitude = 0;
  std::size_t length = 0;
  double weight = 0;
};
constexpr std::array<Guess, 15> kGuesses = {{{kByRoofline, 0.02, 0, 0.10},
                                             {kByRoofline, 0.04, 1, 0.10},
                                             {kByRoofline, 0.12, 0, 0.10},
                                             {kByRoofline, 0.12, 1, 0.10},
                                             {kByRoofline, 0.35, 0, 0.07},
                                             {kByRoofline, 0.35, 1, 0.07},
                                             {kByLine, 0.02, 0, 0.10},
                                             {kByLine, 0.04, 1, 0.06},
                                             {kByLine, 0.12, 0, 0.06},
                                             {kByLine, 0.12, 1, 0.06},
                                             {kByLevel, 0.02, 0, 0.05},
                                             {kByLevel, 0.12, 1, 0.04},
                                             {kByLevel, 0.35, 0, 0.03},
                                             {kByLevel, 0.35, 1, 0.03},
                                             {kByLevel, 1.0, 1, 0.03}}};
// With tiles these are enough.
constexpr std::array<Guess, 5> kTiledGuesses = {{{kByRoofline, 0.04, 0, 0.2},
                                                 {kByRoofline, 0.12, 0, 0.3},
                                                 {kByRoofline, 0.35, 0, 0.2},
                                                 {kByLine, 0.04, 0, 0.15},
                                                 {kByLevel, 0.35, 0, 0.15}}};

// What there is beside the smooth part: of each batch alone, and of kinks.
struct Texture {
  double rough = 0, kinks = 0;
  double weight = 0;
};
constexpr std::array<Texture, 3> kTextures = {
    {{0.0015, 0.003, 0.75}, {0.0060, 0.003, 0.03}, {0.0015, 0.060, 0.20}}};
constexpr std::array<Texture, 2> kTiledTextures = {{{0.0015, 0.003, 0.8}, {0.0015, 0.060, 0.2}}};
constexpr double kTileWeight = 0.12 / static_cast<double>(kTiles.size() + 1);  // of each
constexpr double kPeriodWeight = 0.06 / static_cast<double>(kPeriods.size());
constexpr double kNoTileWeight = 0.82;

// A hole is rare, and its depth is anything up to a third or so.
constexpr double kHoleShare = 0.08, kHoleDepth = 0.3;

void add_tile(std::vector<double>& features, std::size_t index, std::int64_t batch,
              std::int64_t tile) {
  if (tile < 2 || batch % tile == 0) return;
  features[odd_of(index)] = 1;
  const std::int64_t whole = (batch / tile + 1) * tile;
  if (batch > tile)
    features[used_of(index)] = std::log(static_cast<double>(batch) / static_cast<double>(whole));
}

}  // namespace

std::vector<double> tile_features(std::int64_t batch, int threads) {
  std::vector<double> features(kFirstPeriod + kPeriods.size());
  for (std::size_t i = 0; i < kTiles.size(); ++i) add_tile(features, i, batch, kTiles[i]);
  if (std::find(kTiles.begin(), kTiles.end(), threads) == kTiles.end())
    add_tile(features, kThreads, batch, threads);
  for (std::size_t i = 0; i < kPeriods.size(); ++i) {
    const std::int64_t missing = (kPeriods[i] - batch % kPeriods[i]) % kPeriods[i];
    features[kFirstPeriod + i] =
        static_cast<double>(missing) / static_cast<double>(kPeriods[i] - 1);
  }
  return features;
}

MixtureFamily curve_family() {
  return {{kLengths.begin(), kLengths.end()},
          kKinkLength,
          kBetweenGroups,
          std::log(kHoleShare / kHoleDepth)};
}

std::vector<MixtureSetting> curve_settings(bool doubtful) {
  std::vector<MixtureSetting> settings;
  const auto add = [&](const Guess& guess, const Texture& texture,
                       std::vector<MixtureCoefficient> coefficients, double weight) {
    MixtureSetting setting;
    setting.mean = guess.mean;
    setting.offset = guess.mean == kByLevel ? kFlatOffset : kOffset;
    setting.amplitude = guess.amplitude;
    setting.length = guess.length;
    setting.kinks = texture.kinks;
    setting.rough = texture.rough;
    setting.coefficients = std::move(coefficients);
    setting.weight = guess.weight * texture.weight * weight;
    settings.push_back(setting);
    if (!doubtful) return;
    settings.back().weight /= 2;
    setting.weight /= 2;
    setting.leaves_doubted = true;
    settings.push_back(std::move(setting));
  };
  const auto add_tiled = [&](const std::vector<MixtureCoefficient>& coefficients, double weight) {
    for (const Guess& guess : kTiledGuesses)
      for (const Texture& texture : kTiledTextures) add(guess, texture, coefficients, weight);
  };
  for (const Guess& guess : kGuesses)
    for (const Texture& texture : kTextures) add(guess, texture, {}, kNoTileWeight);
  for (std::size_t tile = 0; tile <= kThreads; ++tile)
    add_tiled(
        {{used_of(tile), kTileShare, kTileShareError}, {odd_of(tile), kSlowPath, kSlowPathError}},
        kTileWeight);
  for (std::size_t i = 0; i < kPeriods.size(); ++i)
    add_tiled({{kFirstPeriod + i, kSaw, kSawError}}, kPeriodWeight);
  return settings;
}

std::string tile_words(const MixtureSetting& setting) {
  if (setting.coefficients.empty()) return "";
  const std::size_t feature = setting.coefficients.front().feature;
  if (feature >= kFirstPeriod)
    return fmt::format("batches are better the less they lack to a multiple of {}",
                       kPeriods[feature - kFirstPeriod]);
  const std::size_t tile = feature / 2;
  if (tile == kThreads) return "batches that are no multiples of the threads lose";
  return fmt::format("batches that are no multiples of {} lose", kTiles[tile]);
}

}  // namespace batchtune
