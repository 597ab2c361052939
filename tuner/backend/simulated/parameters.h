// What a simulated device is like, where it misbehaves and what disturbs it:
// "wall=2GiB,hump=8,crash=32@3,neighbour=30%".
#pragma once

#include <cstdint>
#include <string>

#include "tuner/backend/simulated/noise.h"
#include "tuner/core/error.h"
#include "tuner/core/units.h"

namespace batchtune::simulated {

// Misbehaves at exactly this batch, from the given run of a program on (counted from 1, the check
// included). Wrong is the last instance's output.
struct Trigger {
  std::int64_t batch = 0;  // 0: never
  int run = 1;

  bool fires(std::int64_t at_batch, int at_run) const { return batch == at_batch && at_run >= run; }
};

// Exactly this batch takes so much longer: a regression of a known size.
struct Slow {
  std::int64_t batch = 0;  // 0: none
  double factor = 1;
};

struct Parameters {
  Bytes wall = Bytes{16} << 30;  // memory of the device
  double rate = 100e9;       // f32 FLOP/s of one thread; narrower types are faster in proportion
  Seconds overhead = 20e-6;  // of launching one operation
  std::int64_t tile = 4;     // a batch costs as much as the next multiple of it
  std::int64_t hump = 0;     // samples that fit its cache: larger batches spill; 0: never
  Seconds load = 0.1;        // virtual, as all times here
  Seconds prepare = 0.01;
  double uneven = 0;  // each further instance is slower than the first by so much
  Slow slow;
  Trigger hang, crash, abort, exit, wrong;
  NoiseParameters noise;  // none unless told
};

// NAME=VALUE separated by commas. Errors name the parameter and what it takes.
Result<Parameters> parse_parameters(const std::string& text);

}  // namespace batchtune::simulated
