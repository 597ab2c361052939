#include "tuner/backend/simulated/machine.h"

#include <algorithm>
#include <tuple>

namespace batchtune::simulated {

RunTimes Machine::run(int n, const std::vector<Seconds>& undisturbed) {
  RunTimes times;
  times.clock = ClockKind::virtual_clock;
  struct Instance {
    Seconds now;
    int left;
  };
  std::vector<Instance> instances(undisturbed.size(), {now_, n});
  // In the order of their starts, since time must not fall.
  for (int left = n * static_cast<int>(instances.size()); left > 0; --left) {
    const auto next = std::min_element(
        instances.begin(), instances.end(), [](const Instance& a, const Instance& b) {
          return std::tuple(a.left == 0, a.now) < std::tuple(b.left == 0, b.now);
        });
    const auto number = static_cast<std::size_t>(next - instances.begin());
    times.seconds.push_back(undisturbed[number] * noise_.factor(next->now));
    times.instance.push_back(static_cast<int>(number));
    next->now += times.seconds.back();
    --next->left;
    now_ = std::max(now_, next->now);
  }
  return times;
}

}  // namespace batchtune::simulated
