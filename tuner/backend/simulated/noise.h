// Disturbances with a known truth: what a shared machine does to run times, as a factor on the
// undisturbed ones. Common to all programs of a process, since it is the machine that is disturbed.
// Pure arithmetic over a virtual time, seeded; used by the simulated device and by tests of the
// statistics. The trap: a run is judged by its start alone, whatever happens before it ends.
#pragma once

#include <cstdint>
#include <memory>

#include "tuner/core/units.h"

namespace batchtune::simulated {

struct NoiseParameters {
  double jitter = 0;              // standard deviation of the log of each run, independent
  double wander = 0;              // standard deviation of the log of a slow part (AR(1) over time)
  Seconds wander_seconds = 5;     // time over which the slow part forgets itself
  double neighbour = 0;           // a neighbour is there for so large a share of the time ...
  Seconds neighbour_seconds = 3;  // ... for so long at a time (mean; exponential)
  double neighbour_factor = 1.5;  // and makes every run so much slower
  double drift = 0;               // relative slowing per minute
  double spikes = 0;              // share of runs that are hit by an interrupt ...
  double spike_factor = 3;        // ... and take so much longer
  int speed_levels = 1;           // the machine has so many speeds, 8 % apart, changed at random
  Seconds speed_seconds = 20;     // ... about so often

  bool operator==(const NoiseParameters&) const = default;
};

class Noise {
 public:
  Noise(const NoiseParameters& parameters, std::uint64_t seed);
  ~Noise();
  Noise(Noise&&) noexcept;
  Noise& operator=(Noise&&) noexcept;

  // Factor on the undisturbed seconds of a run that starts at `now` (virtual seconds, never
  // falling): above 1 when disturbed. Only jitter and wander, both around 1, take it below 1.
  double factor(Seconds now);
  // Whether a neighbour or another than the fastest speed is there at the last `now`: the truth
  // that a canary would be held against.
  bool disturbed() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace batchtune::simulated
