// Weights of a lowered model: the file's values, in the layouts that fill_weight() has.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <utility>

#include "tuner/workload/weight_values.h"

namespace batchtune::imported {

class FileWeights final : public WeightValues {
 public:
  // Writes elements `first` and on.
  using Fill = std::function<void(std::span<float> values, std::int64_t first)>;

  void set(const std::string& op, WeightRole role, Fill fill) {
    fills_[op][role] = std::move(fill);
  }
  void fill(const Op& op, WeightRole role, std::span<float> values,
            std::int64_t first = 0) const override {
    fills_.at(op.name).at(role)(values, first);
  }
  // The last operation that is released takes the file's bytes along.
  void release(const Op& op) override { fills_.erase(op.name); }

 private:
  std::map<std::string, std::map<WeightRole, Fill>> fills_;
};

}  // namespace batchtune::imported
