// Random search: the honest control of every other way. One batch after the other.
#include <fmt/format.h>

#include <cmath>
#include <random>

#include "tuner/search/peers/peers.h"
#include "tuner/search/peers/trials.h"

namespace batchtune::peers {
namespace {

class Random final : public Policy {
 public:
  explicit Random(std::uint64_t seed) : engine_(seed) {}

  std::optional<Pick> next(const PeerView& view) override {
    if (trials_ == 0) trials_ = trials_of(view);
    if (view.points.size() >= trials_) return std::nullopt;
    return draw_unknown(view, engine_);
  }
  std::string why_done() const override {
    return fmt::format("{} trials were to be made", trials_);
  }

 private:
  std::mt19937_64 engine_;
  std::size_t trials_ = 0;
};

}  // namespace

std::unique_ptr<Policy> random_policy(std::uint64_t seed) {
  return std::make_unique<Random>(seed);
}

}  // namespace batchtune::peers
