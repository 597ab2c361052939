// A noisy neighbour: loads one CPU, or streams memory, on and off at random for seconds, as other
// guests of a shared machine do. For experiments; ends when it is killed or its time is over.
//   disturber core|stream [mean seconds on and off = 3] [seconds in all = 0: for ever] [seed = 1]
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <numeric>
#include <random>
#include <thread>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kStreamed = std::size_t{256} << 20;  // bytes: above every cache
constexpr double kSlice = 0.005;  // seconds of load between looks at the clock

volatile double sink = 0;  // keeps the loops from being removed

void load_core(double seconds) {
  const auto until = Clock::now() + std::chrono::duration<double>(seconds);
  double value = 1;
  while (Clock::now() < until)
    for (int i = 0; i < 10000; ++i) value = value * 0.999999 + 1e-6;
  sink = value;
}

void stream(std::vector<double>& memory, double seconds) {
  const auto until = Clock::now() + std::chrono::duration<double>(seconds);
  constexpr std::size_t kPiece = 1 << 20;  // elements: about a millisecond
  for (std::size_t at = 0; Clock::now() < until; at = (at + kPiece) % memory.size())
    sink = std::accumulate(memory.begin() + static_cast<std::ptrdiff_t>(at),
                           memory.begin() + static_cast<std::ptrdiff_t>(at + kPiece), 0.0);
}

double number(int argc, char** argv, int index, double otherwise) {
  return argc > index ? std::strtod(argv[index], nullptr) : otherwise;
}

}  // namespace

int main(int argc, char** argv) {
  const bool streams = argc > 1 && std::strcmp(argv[1], "stream") == 0;
  if (!streams && !(argc > 1 && std::strcmp(argv[1], "core") == 0)) {
    std::fprintf(stderr, "usage: disturber core|stream [mean seconds] [seconds in all] [seed]\n");
    return 2;
  }
  const double mean = number(argc, argv, 2, 3), total = number(argc, argv, 3, 0);
  std::mt19937_64 random(static_cast<std::uint64_t>(number(argc, argv, 4, 1)));
  std::exponential_distribution<double> duration(1 / mean);
  std::vector<double> memory(streams ? kStreamed / sizeof(double) : 0, 1.0);
  const auto end = Clock::now() + std::chrono::duration<double>(total);
  for (bool on = true; total == 0 || Clock::now() < end; on = !on) {
    const double seconds = duration(random);
    const auto until = Clock::now() + std::chrono::duration<double>(seconds);
    if (!on) std::this_thread::sleep_until(until);
    while (on && Clock::now() < until) streams ? stream(memory, kSlice) : load_core(kSlice);
  }
  return 0;
}
