// See canary.h. The loops are those of the reference programs, in short; without AVX2 the portable
// ones of calibration, whose times are others. A burst judges the machine and not the program whose
// turn it was: multiply-adds warm up untimed, since wide units take a moment to wake, and of eight
// passes over the block, which the first ones bring back into the last cache, the fastest counts.
// The trap: that costs the programs their L2 and a good part of the last cache, which is one reason
// why visits begin with warm runs.
#include "kernels/probe/canary.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <thread>

#include "kernels/probe/cache_sizes.h"
#include "kernels/probe/loops.h"
#include "kernels/probe/pinned_team.h"
#include "kernels/probe/reference_loops.h"
#include "kernels/probe/reference_programs.h"
#include "kernels/probe/touched_memory.h"

namespace batchtune::probe {
namespace {

using Clock = std::chrono::steady_clock;

// Two multiply-adds a cycle at 4 GHz: 3 ns an iteration.
constexpr std::uint64_t kComputeIterations = 10'000;     // 30 us
constexpr std::uint64_t kComputeWarmIterations = 5'000;  // wide units take some 10 us to wake up
constexpr std::int64_t kPortableIterations = 10'000;     // 30 us of ten registers of four
constexpr std::int64_t kPortableWarmIterations = 1'000;

// The fastest of so many passes counts. After a program that streams through the last cache the
// first ones are slow: a cache that takes in victims keeps what is read once no more than that.
// Where a pass is long (a large, slow cache) time ends them.
constexpr int kReadPasses = 8, kFewestReadPasses = 3;
constexpr double kMostReading = 0.5e-3;

// A hypervisor moves its guests' CPUs between core complexes, each with a last cache of its own:
// what two CPUs hand to each other then takes several times as long, and nothing else shows it.
constexpr int kRoundTrips = 100;          // 8 us on one complex, 33 us between two
constexpr int kSpinsBeforeYield = 20000;  // the partner may wait for a CPU

constexpr int kChainCycles = 64;  // of one iteration: dependent additions, a cycle each
constexpr std::int64_t kChainIterations = 256;  // 4 us; the clock is read in some 20 ns
constexpr int kChains = 2;                      // the faster one counts: an interrupt spoils one
// The clock may change by a seventh within a millisecond (a core that leaves wide instructions), so
// it is measured on both sides of the arithmetic; where it changed meanwhile both are made again.
constexpr double kSameClock = 0.02;
constexpr int kComputeTries = 4;

double seconds_between(Clock::time_point start, Clock::time_point end) {
  return std::chrono::duration<double>(end - start).count();
}

// One register added to another takes one cycle on every processor; additions of constants do not
// (some fold them). Counting down goes on beside the chain.
void chain_of_additions(std::int64_t iterations) {
  std::uint64_t sum = 1;
  const std::uint64_t addend = 3;
  asm volatile(
      "1:\n"
      ".rept %c[cycles]\n"
      "addq %[addend], %[sum]\n"
      ".endr\n"
      "decq %[left]\n"
      "jnz 1b\n"
      : [sum] "+r"(sum), [left] "+r"(iterations)
      : [addend] "r"(addend), [cycles] "i"(kChainCycles)
      : "cc");
}

// What one CPU needs and finds; on cache lines of its own.
struct alignas(64) Perch {
  ComputeBlock compute_block;
  TouchedMemory memory;
  std::size_t bytes = 0;
  double compute = 0, cycles = 0, cache = 0, clock_hz = 0;
};

// What two CPUs hand to each other; on a cache line of its own.
struct alignas(64) Ball {
  std::atomic<std::uint32_t> hits{0};

  void await(std::uint32_t wanted) const {
    for (int spins = 0; hits.load(std::memory_order_acquire) != wanted;)
      if (++spins > kSpinsBeforeYield) std::this_thread::yield();
  }
};

double clock_now() {
  double clock_hz = 0;
  for (int chain = 0; chain < kChains; ++chain) {
    const Clock::time_point start = Clock::now();
    chain_of_additions(kChainIterations);
    const double seconds = seconds_between(start, Clock::now());
    constexpr double kCycles = static_cast<double>(kChainCycles * kChainIterations);
    if (seconds > 0) clock_hz = std::max(clock_hz, kCycles / seconds);
  }
  return clock_hz;
}

FmaOperands portable_operands() {
  FmaOperands operands{};
  std::fill(std::begin(operands.start), std::end(operands.start), ComputeBlock::kStart);
  std::fill(std::begin(operands.ratio), std::end(operands.ratio), ComputeBlock::kRatio);
  std::fill(std::begin(operands.step), std::end(operands.step), ComputeBlock::kStep);
  std::fill(std::begin(operands.inverse_ratio), std::end(operands.inverse_ratio),
            1 / ComputeBlock::kRatio);
  std::fill(std::begin(operands.inverse_step), std::end(operands.inverse_step),
            -ComputeBlock::kStep / ComputeBlock::kRatio);
  return operands;
}

}  // namespace

struct CanaryTeam::State {
  explicit State(const std::vector<int>& cpus)
      : team(cpus), perches(cpus.size()), balls(cpus.size() / 2), exchanges(cpus.size() / 2) {}

  void settle(const std::vector<int>& cpus);
  void compute(Perch& perch, bool warm) const;
  void read(const Perch& perch) const;
  void time_compute(Perch& perch) const;
  void time_reads(Perch& perch) const;
  void exchange(std::size_t cpu);

  bool wide = reference_programs_available();
  FmaOperands operands = portable_operands();
  PinnedTeam team;
  std::vector<Perch> perches;     // one per CPU
  std::vector<Ball> balls;        // one per pair of them
  std::vector<double> exchanges;  // seconds of a round trip, by pair
  std::string failure;
};

// Each thread touches its own block, so that the pages go to its memory node.
void CanaryTeam::State::settle(const std::vector<int>& cpus) {
  for (std::size_t i = 0; i < cpus.size(); ++i) {
    const CacheSizes sizes = cache_sizes(cpus[i]);
    const auto shares = [&](int cpu) { return std::ranges::count(sizes.sharing, cpu) > 0; };
    const auto readers = sizes.sharing.empty() ? static_cast<std::ptrdiff_t>(cpus.size())
                                               : std::ranges::count_if(cpus, shares);
    perches[i].bytes = canary_block(sizes, static_cast<int>(readers));
  }
  team.run(
      team.size(), [](int) {},
      [&](int i) {
        Perch& perch = perches[static_cast<std::size_t>(i)];
        perch.memory.reserve(perch.bytes);
        perch.memory.touch(perch.bytes);
      });
  for (const Perch& perch : perches)
    if (perch.memory.touched() < perch.bytes) failure = "no memory for the canaries' blocks";
}

void CanaryTeam::State::compute(Perch& perch, bool warm) const {
  if (wide) {
    bt_reference_compute(&perch.compute_block.lanes[0][0],
                         warm ? kComputeWarmIterations : kComputeIterations);
    return;
  }
  const float sum =
      reference::fma_f32(operands, warm ? kPortableWarmIterations : kPortableIterations);
  asm volatile("" : : "x"(sum));  // the result is used
}

// One pass over the block.
void CanaryTeam::State::read(const Perch& perch) const {
  if (wide) return bt_reference_cache(perch.memory.data(), perch.bytes, 1);
  const std::uint64_t word = reference::read(perch.memory.data(), perch.bytes, 1);
  asm volatile("" : : "r"(word));  // the result is used
}

void CanaryTeam::State::time_compute(Perch& perch) const {
  for (int i = 0; i < kComputeTries; ++i) {
    const double before = clock_now();
    const Clock::time_point start = Clock::now();
    compute(perch, false);
    perch.compute = seconds_between(start, Clock::now());
    const double after = clock_now();
    perch.clock_hz = std::min(before, after);
    perch.cycles = perch.compute * (before + after) / 2;
    if (std::max(before, after) <= perch.clock_hz * (1 + kSameClock)) return;
  }
}

void CanaryTeam::State::time_reads(Perch& perch) const {
  const Clock::time_point start = Clock::now();
  Clock::time_point pass = start;
  for (int i = 0; i < kReadPasses; ++i) {
    read(perch);
    const Clock::time_point end = Clock::now();
    const double seconds = seconds_between(pass, end);
    perch.cache = i == 0 ? seconds : std::min(perch.cache, seconds);
    pass = end;
    if (i + 1 >= kFewestReadPasses && seconds_between(start, end) > kMostReading) return;
  }
}

// The first round trip waits for the partner and is not timed.
void CanaryTeam::State::exchange(std::size_t cpu) {
  const std::size_t pair = cpu / 2;
  if (pair >= balls.size()) return;  // an odd number of CPUs: the last one is alone
  Ball& ball = balls[pair];
  Clock::time_point start;
  for (std::uint32_t trip = 0; trip <= kRoundTrips; ++trip) {
    if (trip == 1) start = Clock::now();
    if (cpu % 2 == 0) {
      ball.hits.store(2 * trip + 1, std::memory_order_release);
      ball.await(2 * trip + 2);
    } else {
      ball.await(2 * trip + 1);
      ball.hits.store(2 * trip + 2, std::memory_order_release);
    }
  }
  if (cpu % 2 == 0) exchanges[pair] = seconds_between(start, Clock::now()) / kRoundTrips;
}

CanaryTeam::CanaryTeam(const std::vector<int>& cpus) : state_(std::make_unique<State>(cpus)) {
  State& state = *state_;
  if (cpus.empty() || state.team.size() != static_cast<int>(cpus.size()) || !state.team.pinned())
    state.failure = "the system did not give one pinned thread per CPU";
  else
    state.settle(cpus);
}

CanaryTeam::~CanaryTeam() = default;

const std::string& CanaryTeam::failure() const {
  return state_->failure;
}

CanaryBurst CanaryTeam::burst() {
  State& state = *state_;
  CanaryBurst burst;
  if (!state.failure.empty()) return burst;
  for (Ball& ball : state.balls) ball.hits = 0;
  state.team.run(
      state.team.size(),
      [&](int i) { state.compute(state.perches[static_cast<std::size_t>(i)], true); },
      [&](int i) {
        state.time_compute(state.perches[static_cast<std::size_t>(i)]);
        state.time_reads(state.perches[static_cast<std::size_t>(i)]);
        state.exchange(static_cast<std::size_t>(i));
      });
  burst.exchange = state.exchanges;
  burst.clock_hz = state.perches.front().clock_hz;
  for (const Perch& perch : state.perches) {
    burst.compute.push_back(perch.compute);
    burst.compute_cycles.push_back(perch.cycles);
    burst.cache.push_back(perch.cache);
    burst.clock_hz = std::min(burst.clock_hz, perch.clock_hz);
  }
  return burst;
}

}  // namespace batchtune::probe
