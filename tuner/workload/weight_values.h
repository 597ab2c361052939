// Where a loader gets the values of a model's weights from: generated, or from the file that the
// model was read from.
#pragma once

#include <cstdint>
#include <span>

#include "tuner/workload/weights.h"

namespace batchtune {

class WeightValues {
 public:
  virtual ~WeightValues() = default;
  // Elements `first` and on of a weight of `op`, in the layout of fill_weight(). From several
  // threads at once.
  virtual void fill(const Op& op, WeightRole role, std::span<float> values,
                    std::int64_t first = 0) const = 0;
  // The operation's weights are packed: nobody asks for them again, and their bytes may go.
  virtual void release(const Op& op) { static_cast<void>(op); }
};

// fill_weight() of one seed. The model must outlive it.
class SeededWeights final : public WeightValues {
 public:
  SeededWeights(std::uint64_t seed, const Model& model) : seed_(seed), model_(model) {}
  void fill(const Op& op, WeightRole role, std::span<float> values,
            std::int64_t first = 0) const override {
    fill_weight(seed_, model_, op, role, values, first);
  }

 private:
  std::uint64_t seed_;
  const Model& model_;
};

}  // namespace batchtune
