#include "tuner/core/clock.h"

#include <chrono>

namespace batchtune {

double SteadyClock::now() const {
  using Duration = std::chrono::duration<double>;
  return Duration(std::chrono::steady_clock::now().time_since_epoch()).count();
}

}  // namespace batchtune
