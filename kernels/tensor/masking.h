// What is added to a row of attention's scores: the mask, and minus infinity where a key is hidden.
// Internal to this folder.
#pragma once

#include <limits>
#include <vector>

#include "kernels/tensor/attention.h"
#include "kernels/tensor/floats.h"
#include "kernels/tensor/wide.h"

namespace batchtune::kernels::tensor {

class Masking {
 public:
  // `scores`: [batch][heads][queries][keys], `past` of the keys from a cache.
  Masking(const Context& context, const Visibility& visible, const Shape& scores,
          const ConstTensor* mask, const ConstTensor* lengths, std::int64_t past)
      : visible_(visible),
        queries_(scores[2]),
        keys_(scores[3]),
        past_(past),
        lengths_(lengths),
        floats_(context, is_added(mask) ? *mask : ConstTensor{}) {
    if (mask != nullptr) take(*mask, scores);
    if (lengths != nullptr && (!is_integer(lengths->type) || lengths->elements() != scores[0])) {
      outcome_ = {"not one length for each sample"};
    }
  }
  const Outcome& outcome() const { return outcome_; }

  // Of one query, `out` of a number for each key; false: it sees none of them.
  bool row(std::int64_t sample, std::int64_t head, std::int64_t query, float* out) const {
    const std::int64_t length =
        lengths_ == nullptr ? keys_ : load_one<std::int64_t>(*lengths_, sample);
    const std::int64_t place =
        query + (lengths_ != nullptr && past_ == 0 ? length - queries_ : past_);
    std::int64_t begin = 0, end = length < keys_ ? length : keys_;
    const auto hide_from = [&end](std::int64_t first) { end = first < end ? first : end; };
    hide_from(mask_keys_);
    if (visible_.causal) hide_from(place + 1);
    if (visible_.right_window >= 0) hide_from(place + visible_.right_window + 1);
    if (visible_.left_window >= 0 && place > visible_.left_window)
      begin = place - visible_.left_window;
    const std::int64_t first = sample * stride_[0] + head * stride_[1] + query * stride_[2];
    bool sees = false;
    for (std::int64_t j = 0; j < keys_; ++j) {
      out[j] = j < begin || j >= end ? kHidden : value(first + j);
      sees = sees || out[j] != kHidden;
    }
    return sees;
  }

 private:
  static constexpr float kHidden = -std::numeric_limits<float>::infinity();

  static bool is_added(const ConstTensor* mask) { return mask != nullptr && is_float(mask->type); }

  float value(std::int64_t at) const {
    if (seen_ != nullptr) return seen_[at] != 0 ? 0 : kHidden;
    return added_ == nullptr ? 0 : added_[at];
  }

  // Broadcasts but for the last axis, which may be short.
  void take(const ConstTensor& mask, const Shape& scores) {
    const std::size_t rank = mask.shape.size();
    const bool fits = rank >= 1 && rank <= 4 && mask.shape.back() <= keys_ &&
                      (is_float(mask.type) || mask.type == ElementType::boolean);
    outcome_ = fits ? kDone : Outcome{"the mask does not fit the scores"};
    if (!fits) return;
    mask_keys_ = mask.shape.back();
    std::int64_t stride = mask_keys_;
    for (std::size_t i = rank - 1; i-- > 0;) {
      const std::size_t axis = i + 4 - rank;
      if (mask.shape[i] != 1 && mask.shape[i] != scores[axis])
        outcome_ = {"the mask does not broadcast to the scores"};
      stride_[axis] = mask.shape[i] == 1 ? 0 : stride;
      stride *= mask.shape[i];
    }
    if (is_float(mask.type)) added_ = floats_.data();
    if (!is_float(mask.type)) seen_ = static_cast<const std::uint8_t*>(mask.data);
  }

  Visibility visible_;
  std::int64_t queries_, keys_, past_, mask_keys_ = std::numeric_limits<std::int64_t>::max();
  std::int64_t stride_[3] = {0, 0, 0};
  const ConstTensor* lengths_;
  Floats floats_;
  const float* added_ = nullptr;
  const std::uint8_t* seen_ = nullptr;
  Outcome outcome_;
};

}  // namespace batchtune::kernels::tensor
