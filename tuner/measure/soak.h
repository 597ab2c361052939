// One program under sustained load: what a deployment will do to it all day, for some seconds. A
// program that keeps taking memory, or slows down as it gets warm, is told of in words.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "tuner/backend/backend.h"
#include "tuner/measure/protocol.h"

namespace batchtune {

// Runs it again and again until `seconds` are over, of reported time or of real time (a run may
// report next to nothing); at least one run. `beat` is called after each. Ending unstable: see
// judge_soak().
protocol::Soaked soak(Program& program, Seconds seconds, const std::function<void()>& beat);

// What a soak saw of its process. It must not grow itself, so it keeps at most some thousand runs:
// all of them, or every second, every fourth and so on.
struct SoakRecord {
  std::vector<Seconds> runs;    // durations, in order
  std::vector<Bytes> resident;  // at the quarters of its seconds
  std::int64_t seen = 0;        // runs
  std::int64_t stride = 1;      // of the kept ones

  SoakRecord();
  void add(Seconds run);
};

// ok, or unstable: resident memory grew from each quarter to the next, or the fast runs of the last
// third are slower than those of the first. Neighbours slow single runs down, so the fast ones of
// each third are held against each other.
Ending judge_soak(const SoakRecord& record);

}  // namespace batchtune
