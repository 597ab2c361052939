// Golden-section search (Kiefer 1953) over log2(batch): right where throughput rises to one peak
// and falls from there; steps and holes lead it astray. One batch after the other.
#include <cmath>
#include <numbers>

#include "tuner/search/peers/peers.h"

namespace batchtune::peers {
namespace {

constexpr double kNarrow = 0.05;  // octaves: batches 3.5 % apart are alike where curves are smooth

class Golden final : public Policy {
 public:
  std::optional<Pick> next(const PeerView& view) override {
    for (std::size_t group = 0; group < view.groups.size(); ++group)
      if (const auto batch = next_of(view, group)) return Pick{group, *batch};
    return std::nullopt;
  }
  std::string why_done() const override { return "the golden section has closed in on a peak"; }

 private:
  // The sections so far are found again from what is known.
  static std::optional<std::int64_t> next_of(const PeerView& view, std::size_t group);
  static std::optional<std::int64_t> last_ones(const PeerView& view, std::size_t group, double low,
                                               double high);
};

std::optional<std::int64_t> Golden::next_of(const PeerView& view, std::size_t group) {
  double low = std::log2(static_cast<double>(view.smallest));
  double high = std::log2(static_cast<double>(view.groups[group].top));
  while (high - low > kNarrow) {
    const double section = (high - low) / std::numbers::phi;
    const Pick lower{group, view.nearest(high - section)};
    const Pick upper{group, view.nearest(low + section)};
    if (lower == upper) break;
    const auto low_standing = view.standing(lower), high_standing = view.standing(upper);
    if (!low_standing) return lower.batch;
    if (!high_standing) return upper.batch;
    // Equal ones: the smaller batch's side, where those that failed may run.
    if (*low_standing >= *high_standing)
      high = low + section;
    else
      low = high - section;
  }
  return last_ones(view, group, low, high);
}

// Where the two sections fall on one batch, its neighbours decide.
std::optional<std::int64_t> Golden::last_ones(const PeerView& view, std::size_t group, double low,
                                              double high) {
  for (const double exponent : {(low + high) / 2, low, high})
    if (const std::int64_t batch = view.nearest(exponent); !view.standing({group, batch}))
      return batch;
  return std::nullopt;
}

}  // namespace

std::unique_ptr<Policy> golden_policy() {
  return std::make_unique<Golden>();
}

}  // namespace batchtune::peers
