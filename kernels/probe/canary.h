// Bursts that show whether the machine is quiet: register arithmetic (slower while another guest
// shares the core), reads of a block that lies in the last cache (slower while that is shared), a
// chain of dependent additions of known cycles (the clock), and a cache line handed to and fro
// between two CPUs (where they are). All CPUs at once, 0.4 to 0.8 ms in all;
// threads are parked in between. Links without oneTBB. Without AVX2 the loops are portable ones:
// times are then others, and comparable with themselves all the same.
#pragma once

#include <memory>
#include <string>
#include <vector>

namespace batchtune::probe {

struct CanaryBurst {
  std::vector<double> compute, cache;  // seconds, by CPU
  // Of the register arithmetic, by CPU: its seconds times the clock that the CPU had beside it.
  std::vector<double> compute_cycles;
  double clock_hz = 0;  // of the slowest CPU, beside the register arithmetic
  // Seconds of a round trip of one cache line between two CPUs, the first and the second, the third
  // and the fourth ...: several times as long when the two share no last cache.
  std::vector<double> exchange;
};

class CanaryTeam {
 public:
  explicit CanaryTeam(const std::vector<int>& cpus);  // one pinned thread each
  ~CanaryTeam();
  CanaryTeam(const CanaryTeam&) = delete;
  CanaryTeam& operator=(const CanaryTeam&) = delete;

  const std::string& failure() const;  // why bursts are impossible; empty otherwise
  // Empty after a failure. Each thread warms up before its times start.
  CanaryBurst burst();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace batchtune::probe
