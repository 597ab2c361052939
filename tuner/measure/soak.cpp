#include "tuner/measure/soak.h"

#include <algorithm>

#include "tuner/measure/visit.h"

namespace batchtune {

protocol::Soaked soak(Program& program, Seconds seconds, const std::function<bool()>& beat) {
  protocol::Soaked soaked;
  const Ending thrown = ending_of_exceptions([&] {
    do {
      const auto times = program.run(1);
      if (!times) {
        soaked.ending = times.error();
        return;
      }
      ++soaked.runs;
      if (!times->seconds.empty())
        soaked.spent += *std::max_element(times->seconds.begin(), times->seconds.end());
    } while (beat() && soaked.spent < seconds);
  });
  if (thrown.status != TrialStatus::ok) soaked.ending = thrown;
  return soaked;
}

}  // namespace batchtune
