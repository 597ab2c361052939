// What all programs of a backend run on: one virtual time, which passes while they run and while somebody waits for
// them; the disturbances of that machine, common to all; and its compiler, which works on while they run.
#pragma once

#include <cstdint>
#include <vector>

#include "tuner/backend/backend.h"
#include "tuner/backend/simulated/compiler.h"
#include "tuner/backend/simulated/noise.h"

namespace batchtune::simulated {

class Machine {
 public:
  Machine(const NoiseParameters& noise, int compilers, std::uint64_t seed)
      : compiler(compilers), noise_(noise, seed) {}

  // n runs of each instance side by side, none waiting for another. `undisturbed`: of a run, by
  // instance.
  RunTimes run(int n, const std::vector<Seconds>& undisturbed);

  void wait(Seconds seconds) { now_ += seconds; }
  Seconds now() const { return now_; }

  Compiler compiler;  // takes this machine's now()

 private:
  Noise noise_;
  Seconds now_ = 0;
};

}  // namespace batchtune::simulated
