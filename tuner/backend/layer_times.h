// Times of layers, gathered over profiled runs: what Program::profile() is made of.
#pragma once

#include <algorithm>
#include <cstddef>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "tuner/backend/backend.h"

namespace batchtune {

class LayerTimes {
 public:
  void begin_run() { ++runs_; }

  // In the run that was begun; what a layer has in several parts is added up.
  void add(const std::string& name, const std::string& kind, Seconds seconds) {
    const auto [place, is_new] = place_of_.try_emplace({name, kind}, layers_.size());
    if (is_new) layers_.push_back({{name, kind, 0}, {}});
    std::vector<Seconds>& of_runs = layers_[place->second].of_runs;
    of_runs.resize(runs_, 0);
    of_runs.back() += seconds;
  }

  // Of each layer the median over all runs, in the order in which they were first seen.
  std::vector<LayerTime> medians() const {
    std::vector<LayerTime> times;
    for (Layer layer : layers_) {
      layer.of_runs.resize(runs_, 0);
      const auto middle = layer.of_runs.begin() + static_cast<std::ptrdiff_t>(runs_ / 2);
      std::nth_element(layer.of_runs.begin(), middle, layer.of_runs.end());
      layer.time.seconds = *middle;
      times.push_back(std::move(layer.time));
    }
    return times;
  }

 private:
  struct Layer {
    LayerTime time;
    std::vector<Seconds> of_runs;
  };
  std::size_t runs_ = 0;
  std::vector<Layer> layers_;
  std::map<std::pair<std::string, std::string>, std::size_t> place_of_;
};

}  // namespace batchtune
