// Real seconds since it was made. For budgets and waits; runs are timed by their backends.
#pragma once

#include <chrono>

#include "tuner/core/units.h"

namespace batchtune {

class Stopwatch {
 public:
  Seconds seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

}  // namespace batchtune
