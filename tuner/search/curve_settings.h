// What curves of rates may be like before any was looked at: the settings of the model of the curve
// (curve.h) and the features of a batch that they speak of. Private to tuner/search.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tuner/statistics/process_mixture.h"

namespace batchtune {

// As indices of MixturePoint::means.
inline constexpr std::size_t kByRoofline = 0, kByLevel = 1, kByLine = 2;

// What a batch has to do with tiles, as settings multiply it.
std::vector<double> tile_features(std::int64_t batch, int threads);

MixtureFamily curve_family();

// `doubtful`: some look may be a hole. The weights' sum is 1.
std::vector<MixtureSetting> curve_settings(bool doubtful);

// "tiles of 12 samples", "every 7th batch is better", ...; "": the setting has no tile.
std::string tile_words(const MixtureSetting& setting);

}  // namespace batchtune
