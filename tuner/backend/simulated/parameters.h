// What a simulated device is like, where it misbehaves and what disturbs it:
// "wall=2GiB,hump=8,crash=32@3,neighbour=30%", or an accelerator with what differs from it: "trn1,jitter=0",
// "./mydevice.json,compile=2m".
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tuner/backend/runtime/parameters.h"
#include "tuner/backend/simulated/accelerator.h"
#include "tuner/backend/simulated/noise.h"
#include "tuner/core/error.h"
#include "tuner/core/units.h"

namespace batchtune::simulated {

inline constexpr char kWhere[] = "simulated";  // of errors in parameters

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
  std::optional<Accelerator> accelerator;  // nullopt: the plain device, whose figures are the next five

  double rate = 100e9;       // f32 FLOP/s of one thread; narrower types are faster in proportion
  Seconds overhead = 20e-6;  // of launching one operation
  std::int64_t tile = 4;     // a batch costs as much as the next multiple of it
  std::int64_t hump = 0;     // samples that fit its cache: larger batches spill; 0: never
  Seconds load = 0.1;        // virtual, as all times here; an accelerator's: to start the device

  Bytes wall = Bytes{16} << 30;  // memory of the device; an accelerator's: that programs really get
  Seconds prepare = 0.01;
  double uneven = 0;  // each further instance is slower than the first by so much
  Slow slow;
  Trigger hang, crash, abort, exit, wrong;
  NoiseParameters noise;  // none unless told; an accelerator has its own

  // Compiling, on other hardware than the device's. The plain device does so where `compile` is told.
  std::optional<Seconds> compile;        // each batch takes so long; nullopt: by the formula
  int compilers = 1;                     // at a time
  std::vector<std::int64_t> compiled;    // batches of every group that were compiled before
  std::string cache;                     // folder that keeps what was compiled; "" for none

  bool compiles() const { return accelerator.has_value() || compile.has_value(); }
};

// NAME=VALUE separated by commas; before them, there may be an accelerator's name or the path of its description
// (.json). Errors name the parameter and what it takes.
Result<Parameters> parse_parameters(const std::string& text);

// All of them, for the user.
std::vector<runtime::Parameter> known_parameters();

}  // namespace batchtune::simulated
