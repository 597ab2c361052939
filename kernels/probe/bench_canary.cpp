// What the canaries' bursts take on this machine, part by part: least, median and 95th percentile
// over many bursts, with a pause between them like a visit's, so that threads have to be woken.
// Usage: bench_canary [bursts [pause_ms]]
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <thread>
#include <vector>

#include "kernels/probe/canary.h"
#include "kernels/probe/pinned_team.h"

namespace {

using Clock = std::chrono::steady_clock;

constexpr int kDefaultBursts = 1000;
constexpr int kDefaultPauseMs = 5;

void print_row(const char* name, std::vector<double> values, double scale, const char* unit) {
  std::ranges::sort(values);
  const auto at = [&](std::size_t percent) {
    return scale * values[std::min(values.size() - 1, values.size() * percent / 100)];
  };
  std::printf("%-10s %10.3f %10.3f %10.3f  %s\n", name, at(0), at(50), at(95), unit);
}

}  // namespace

int main(int argc, char** argv) {
  const int bursts = std::max(1, argc > 1 ? std::atoi(argv[1]) : kDefaultBursts);
  const int pause_ms = argc > 2 ? std::atoi(argv[2]) : kDefaultPauseMs;
  batchtune::probe::CanaryTeam team(batchtune::probe::allowed_cpus());
  if (!team.failure().empty()) {
    std::fprintf(stderr, "%s\n", team.failure().c_str());
    return EXIT_FAILURE;
  }
  std::vector<double> compute, cycles, cache, exchange, clock, whole;
  for (int i = 0; i < bursts; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(pause_ms));
    const Clock::time_point start = Clock::now();
    const batchtune::probe::CanaryBurst burst = team.burst();
    whole.push_back(std::chrono::duration<double>(Clock::now() - start).count());
    compute.push_back(*std::ranges::max_element(burst.compute));
    cycles.push_back(*std::ranges::max_element(burst.compute_cycles));
    cache.push_back(*std::ranges::max_element(burst.cache));
    if (!burst.exchange.empty()) exchange.push_back(*std::ranges::max_element(burst.exchange));
    clock.push_back(burst.clock_hz);
  }
  std::printf("%-10s %10s %10s %10s  (slowest CPU of each burst)\n", "part", "least", "median",
              "p95");
  print_row("compute", compute, 1e6, "us");
  print_row("its cycles", cycles, 1e-3, "thousand");
  print_row("cache", cache, 1e6, "us");
  if (!exchange.empty()) print_row("exchange", exchange, 1e9, "ns");
  print_row("clock", clock, 1e-9, "GHz");
  print_row("burst()", whole, 1e6, "us");
  return EXIT_SUCCESS;
}
