// Whether the machine is quiet: short fixed bursts on every CPU between visits, and the level that
// they have in quiet moments. cli supplies the bursts (kernels/probe). A canary sees only part of
// what disturbs; it flags visits and never replaces rounds.
#pragma once

#include <optional>
#include <vector>

#include "tuner/core/observation.h"

namespace batchtune {

// One burst of each kind, all CPUs at once: seconds by CPU.
struct CanaryReading {
  std::vector<Seconds> compute;        // multiply-adds in registers: slower when the core is shared
  std::vector<Seconds> cache;          // reads from the last cache: slower when that is shared
  std::optional<double> clock_hz;      // of the slowest CPU
  std::vector<Seconds> exchange = {};  // a cache line's round trip, by pair of CPUs: see HostState
  std::vector<double> compute_cycles = {};  // of `compute`, by CPU; empty: no clock is known

  bool operator==(const CanaryReading&) const = default;
};

class Canaries {
 public:
  virtual ~Canaries() = default;
  virtual CanaryReading burst() = 0;  // below a millisecond
};

// Each burst in quiet moments, by CPU; learned, and remembered from session to session. Empty:
// nothing is known yet.
struct QuietLevels {
  // Cycles of the burst: programs are slower at a lower clock as well, all alike. Seconds on a
  // machine that tells no clock.
  std::vector<double> compute;
  std::vector<Seconds> cache;
  std::vector<Seconds> exchange = {};  // by pair of CPUs

  bool operator==(const QuietLevels&) const = default;
};

// The quiet level of each burst is a low quantile of its readings, never one lucky burst alone. It
// falls at once, and rises by 1 % in some 256 bursts at most: one that was too low does not stay
// for ever, and a neighbour that stays for an hour is not taken for quiet.
class QuietLearner {
 public:
  explicit QuietLearner(QuietLevels known = {});
  void add(const CanaryReading& reading);
  const QuietLevels& levels() const { return levels_; }
  // Whether a burst was slower than in quiet moments by more than canaries vary by themselves, some
  // task waited for a CPU, or workers ran that should have been parked.
  bool disturbed(const HostState& host) const;

 private:
  QuietLevels known_, levels_;
  std::vector<CanaryReading> recent_;
};

}  // namespace batchtune
