// A burst is a few milliseconds of one loop on some threads; its rates are what calibration keeps.
// Internal to kernels/probe.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "kernels/probe/calibration.h"
#include "kernels/probe/pinned_team.h"

namespace batchtune::probe {

inline constexpr double kBurstSeconds =
    2e-3;  // thousands of clock ticks, and short against disturbances

struct Burst {
  int threads = 1;
  double work = 0;          // FLOP or bytes of one repeat, all threads together
  bool whole_warm = false;  // warms up with one whole repeat (a working set), else with a sixteenth
  std::function<void(int member, std::int64_t repeats)> loop;

  std::int64_t repeats = 1;   // so that a burst takes about kBurstSeconds; fit() sets it
  double spent = 0;           // seconds in all
  std::vector<double> rates;  // one per burst
};

// Finds `repeats`, keeping the last tries as the first rates.
void fit(PinnedTeam& team, Burst& burst);
void visit(PinnedTeam& team, Burst& burst);
Rate rate_of(const Burst& burst);

// The bursts of multiply-adds that this machine can run: all rows of the table with 1 and with all
// threads, the widest f32 one with every count of `thread_counts`.
struct PeakBurst {
  kernels::Dtype dtype;
  kernels::Isa isa;
  Burst burst;
};
std::vector<PeakBurst> peak_bursts(const std::vector<int>& thread_counts);

}  // namespace batchtune::probe
