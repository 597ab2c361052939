// The kinds of curves (curves.h), each one function. `s` is the time of a sample on a well used
// device; shapes are what they cost relative to that.
#include <algorithm>
#include <array>
#include <cmath>
#include <set>

#include "tests/support/curves.h"

namespace batchtune {
namespace {

using Shape = std::function<double(std::int64_t)>;  // latency of a batch, in seconds of a sample

// How far the guess of the roofline's knee is off.
struct Guess {
  double knee = 16;
  double error = 1;
};

constexpr double kHonestGuess = 2;  // times too high or too low

// Figures whose roofline bends at the guess. What a sample takes is guessed to be shorter than it
// is: no kernel reaches the peak.
TableProblem problem_of_guess(const Guess& guess, Seconds sample, double weight_bytes, Draw& draw) {
  constexpr double kPeak = 1e11;            // FLOP/s; only ratios count
  constexpr double kActivationShare = 0.2;  // of a sample's time: bytes move beside arithmetic
  const Seconds guessed = sample / draw.scale(1.2, 3);
  const double knee = std::max(1.0, guess.knee * guess.error);
  TableProblem problem;
  problem.peak = kPeak;
  problem.flops = guessed * kPeak;
  problem.weight_bytes = weight_bytes;
  problem.bandwidth = weight_bytes / (guessed * (1 - kActivationShare) * knee);
  problem.activation_bytes = kActivationShare * guessed * *problem.bandwidth;
  return problem;
}

CurveNoise usual_noise(Draw& draw) {
  CurveNoise noise;
  noise.jitter = draw.uniform(0.01, 0.03);
  noise.visit_jitter = draw.scale(0.003, 0.02);
  noise.wander = draw.uniform(0.01, 0.04);
  noise.spike_share = draw.uniform(0, 0.02);
  noise.neighbour_share = draw.uniform(0.05, 0.35);
  noise.neighbour_factor = draw.uniform(1.2, 1.6);
  noise.neighbour_rounds = draw.uniform(3, 20);
  return noise;
}

Curve curve_of(Shape shape, Guess guess, Draw& draw, Seconds sample = 0) {
  if (sample == 0) sample = draw.scale(0.2e-3, 5e-3);
  Curve curve;
  curve.group.backend = "cpu";
  curve.group.threads = 2;
  curve.latency = [=](std::int64_t batch) { return sample * shape(batch); };
  const Seconds prepare = draw.scale(0.02, 0.5);
  curve.prepare = [=](std::int64_t batch) { return prepare + sample * static_cast<double>(batch); };
  curve.dense = draw.chance(0.5) ? 64 : 128;
  curve.weight_bytes = draw.scale(5e6, 200e6);
  curve.bytes_per_sample = draw.scale(0.2e6, 10e6);
  curve.problem = problem_of_guess(guess, sample, curve.weight_bytes, draw);
  return curve;
}

CurveGroup usual(Shape shape, double knee, Draw& draw) {
  const Guess guess{knee, draw.scale(1 / kHonestGuess, kHonestGuess)};
  return {{curve_of(std::move(shape), guess, draw)}, usual_noise(draw)};
}

double log2_above(std::int64_t batch, double from) {
  return std::max(0.0, std::log2(static_cast<double>(batch) / from));
}

// Rises with some overhead, then falls slowly.
Shape hump(Draw& draw, double knee) {
  const double overhead = draw.uniform(0.03, 0.15) * knee;
  const double loss = draw.uniform(0.02, 0.08);
  return [=](std::int64_t batch) {
    return (static_cast<double>(batch) + overhead) * (1 + loss * log2_above(batch, knee));
  };
}

CurveGroup smooth(Draw& draw) {
  const double overhead = draw.scale(0.3, 6);
  return usual([=](std::int64_t batch) { return static_cast<double>(batch) + overhead; },
               10 * overhead, draw);
}

CurveGroup memory_bound(Draw& draw) {
  const double knee = draw.scale(20, 45);
  const double sharpness = draw.uniform(3, 10);
  const double loss = draw.uniform(0, 0.04);
  return usual(
      [=](std::int64_t batch) {
        const double both =
            std::pow(static_cast<double>(batch), sharpness) + std::pow(knee, sharpness);
        return std::pow(both, 1 / sharpness) * (1 + loss * log2_above(batch, 2 * knee));
      },
      knee, draw);
}

CurveGroup plateau(Draw& draw) {
  const double from = std::round(draw.scale(3, 40));
  return usual([=](std::int64_t batch) { return std::max(static_cast<double>(batch), from); }, from,
               draw);
}

CurveGroup flat(Draw& draw) {
  return usual([](std::int64_t batch) { return static_cast<double>(batch); }, draw.scale(1, 30),
               draw);
}

// Whole tiles are computed, however few samples the last one has.
CurveGroup tile_cliffs(Draw& draw) {
  constexpr std::int64_t kTiles[] = {4, 6, 8, 12, 14, 16, 24, 32};
  const std::int64_t tile = kTiles[draw.integer(0, std::size(kTiles) - 1)];
  const double overhead = draw.uniform(0.1, 1) * static_cast<double>(tile);
  const double full = static_cast<double>(tile * draw.integer(1, 4));
  const double loss = draw.uniform(0.01, 0.06);
  return usual(
      [=](std::int64_t batch) {
        const auto tiles = static_cast<double>((batch + tile - 1) / tile * tile);
        return (tiles + overhead) * (1 + loss * log2_above(batch, full));
      },
      full, draw);
}

CurveGroup sawtooth(Draw& draw) {
  const std::int64_t period = draw.integer(2, 8);
  const double depth = draw.uniform(0.05, 0.2);
  const double knee = draw.scale(6, 60);
  const Shape base = hump(draw, knee);
  return usual(
      [=](std::int64_t batch) {
        const std::int64_t missing = (period - batch % period) % period;
        return base(batch) *
               (1 + depth * static_cast<double>(missing) / static_cast<double>(period - 1));
      },
      knee, draw);
}

CurveGroup dips(Draw& draw) {
  struct Dip {
    double centre, width, depth;
  };
  std::vector<Dip> all;
  for (std::int64_t count = draw.integer(2, 5); count > 0; --count)
    all.push_back({draw.scale(2, 300), draw.uniform(0.05, 0.25), draw.uniform(0.1, 0.35)});
  const double knee = draw.scale(6, 60);
  const Shape base = hump(draw, knee);
  return usual(
      [=](std::int64_t batch) {
        double slower = 1;
        for (const Dip& dip : all) {
          const double away = std::log(static_cast<double>(batch) / dip.centre) / dip.width;
          slower += dip.depth * std::exp(-away * away / 2);
        }
        return base(batch) * slower;
      },
      knee, draw);
}

// Best at 2 to 12, where all fits the cache; large batches lose 35 %.
Shape cache_fit(Draw& draw) {
  constexpr double kLoss = 0.35;
  const double best = draw.scale(2.2, 11);
  const double overhead = draw.uniform(0.2, 0.5);
  const double width = draw.uniform(0.25, 0.6);
  const double middle = std::log(best) + width * draw.uniform(2, 3);
  return [=](std::int64_t batch) {
    const auto size = static_cast<double>(batch);
    const double lost = kLoss / (1 + std::exp(-(std::log(size) - middle) / width));
    return (size + overhead) / (1 - lost);
  };
}

std::int64_t best_of(const Shape& shape, std::int64_t largest) {
  std::int64_t best = 1;
  const auto rate = [&](std::int64_t batch) { return static_cast<double>(batch) / shape(batch); };
  for (std::int64_t batch = 2; batch <= largest; ++batch)
    if (rate(batch) > rate(best)) best = batch;
  return best;
}

Shape small_best(Draw& draw) {
  while (true) {
    Shape shape = cache_fit(draw);
    const std::int64_t best = best_of(shape, 512);
    if (best >= 2 && best <= 12) return shape;
  }
}

CurveGroup cache_hump(Draw& draw) {
  const Shape shape = small_best(draw);
  return usual(shape, 2 * static_cast<double>(best_of(shape, 64)), draw);
}

// Powers of two, and some others: strides that meet the same cache sets.
CurveGroup holes(Draw& draw) {
  std::map<std::int64_t, double> slower;
  for (std::int64_t batch = 2; batch <= 512; ++batch) {
    const bool power = (batch & (batch - 1)) == 0;
    if (draw.chance(power ? 0.5 : 0.1)) slower[batch] = draw.uniform(1.1, 1.6);
  }
  const double knee = draw.scale(6, 60);
  const Shape base = hump(draw, knee);
  return usual(
      [=](std::int64_t batch) {
        const auto hole = slower.find(batch);
        return base(batch) * (hole == slower.end() ? 1 : hole->second);
      },
      knee, draw);
}

CurveGroup on_off(Draw& draw) {
  const double knee = draw.scale(4, 60);
  CurveGroup group = usual(hump(draw, knee), knee, draw);
  group.noise.neighbour_share = draw.uniform(0.3, 0.6);
  group.noise.neighbour_factor = draw.uniform(1.3, 2);
  return group;
}

CurveGroup switching(Draw& draw) {
  CurveGroup group = on_off(draw);
  group.noise.neighbour_switch = draw.uniform(0.02, 0.06);
  return group;
}

CurveGroup walled(Draw& draw, std::int64_t wall, std::int64_t largest, Seconds sample) {
  const double overhead = draw.scale(0.3, 6);
  const Guess guess{10 * overhead, draw.scale(1 / kHonestGuess, kHonestGuess)};
  Curve curve = curve_of([=](std::int64_t batch) { return static_cast<double>(batch) + overhead; },
                         guess, draw, sample);
  curve.wall = wall;
  curve.largest = largest;
  curve.limit_known = draw.chance(0.5);
  return {{curve}, usual_noise(draw)};
}

CurveGroup wall_1(Draw& draw) {
  return walled(draw, 1, 128, 0);
}

CurveGroup wall_3(Draw& draw) {
  return walled(draw, 3, 128, 0);
}

CurveGroup wall_100000(Draw& draw) {
  CurveGroup group = walled(draw, 100'000, std::int64_t{1} << 17, draw.scale(2e-6, 10e-6));
  group.curves[0].bytes_per_sample = draw.scale(1e3, 20e3);
  return group;
}

CurveGroup no_wall(Draw& draw) {
  CurveGroup group = walled(draw, 0, 4096, draw.scale(20e-6, 200e-6));
  return group;
}

CurveGroup compile(Draw& draw) {
  CurveGroup group = draw.chance(0.5) ? tile_cliffs(draw) : memory_bound(draw);
  const Seconds least = draw.uniform(60, 180);
  for (Curve& curve : group.curves)
    curve.prepare = [=](std::int64_t batch) {
      return least * (1 + 0.1 * std::log2(static_cast<double>(batch)));
    };
  return group;
}

// Each thread computes whole samples.
CurveGroup threads(Draw& draw) {
  constexpr int kThreads[] = {4, 6, 8, 12, 16};
  const int count = kThreads[draw.integer(0, std::size(kThreads) - 1)];
  const double overhead = draw.uniform(0.05, 0.4) * count;
  const double full = count * static_cast<double>(draw.integer(1, 3));
  const double loss = draw.uniform(0.02, 0.08);
  CurveGroup group = usual(
      [=](std::int64_t batch) {
        const auto busy = static_cast<double>((batch + count - 1) / count * count);
        return (busy + overhead) * (1 + loss * log2_above(batch, full));
      },
      full, draw);
  group.curves[0].group.threads = count;
  return group;
}

CurveGroup misled(Draw& draw, double error) {
  const bool small = draw.chance(0.5);
  const double knee = draw.scale(20, 45);
  const Shape shape = small ? small_best(draw) : hump(draw, knee);
  const Guess guess{small ? static_cast<double>(best_of(shape, 64)) : knee, error};
  return {{curve_of(shape, guess, draw)}, usual_noise(draw)};
}

CurveGroup misled_high(Draw& draw) {
  return misled(draw, 10);
}

CurveGroup misled_low(Draw& draw) {
  return misled(draw, 0.1);
}

// The same CPUs split otherwise: with k instances each has its own batch, a k-th of the threads and
// of the best batch, and all together some percent more or fewer samples a second.
CurveGroup split(Draw& draw, int cpus) {
  const double knee = draw.scale(6, 40);
  const Seconds sample = draw.scale(0.2e-3, 5e-3);
  CurveGroup group;
  group.noise = usual_noise(draw);
  for (int instances = 1; instances <= cpus; instances *= 2) {
    const double own_knee = std::max(2.0, knee / instances * draw.uniform(0.7, 1.5));
    const Shape base = draw.chance(0.3) ? small_best(draw) : hump(draw, own_knee);
    const double gain = instances == 1 ? 0 : draw.uniform(-0.05, 0.14);
    const Guess guess{own_knee, draw.scale(1 / kHonestGuess, kHonestGuess)};
    Curve curve = curve_of([=](std::int64_t batch) { return instances * base(batch) / (1 + gain); },
                           guess, draw, sample);
    curve.group.instances = instances;
    curve.group.threads = cpus / instances;
    curve.dense = 64;
    curve.largest = 256;
    group.curves.push_back(curve);
  }
  return group;
}

CurveGroup split_2(Draw& draw) {
  return split(draw, 2);
}

CurveGroup split_4(Draw& draw) {
  return split(draw, 4);
}

// Two regions that are good, far apart, the better one on either side.
CurveGroup two_humps(Draw& draw) {
  const double first = draw.scale(3, 10), second = first * draw.scale(8, 20);
  const double lower = draw.uniform(0.02, 0.10), between = draw.uniform(0.15, 0.35);
  const bool small_wins = draw.chance(0.5);
  const double width = draw.uniform(0.5, 0.9);  // octaves
  return usual(
      [=](std::int64_t batch) {
        const auto size = static_cast<double>(batch);
        const auto near = [&](double centre) {
          const double away = std::log2(size / centre) / width;
          return std::exp(-away * away / 2);
        };
        const double rate = (1 - between) + (between - (small_wins ? 0 : lower)) * near(first) +
                            (between - (small_wins ? lower : 0)) * near(second);
        return size / rate;
      },
      first * draw.scale(1, 4), draw);
}

// Rises until some batch that is no multiple of anything, and loses much from the next one on.
CurveGroup odd_cliff(Draw& draw) {
  constexpr std::int64_t kLast[] = {7, 11, 13, 19, 23, 29, 37, 41, 47, 53, 59, 61};
  const std::int64_t last = kLast[draw.integer(0, std::size(kLast) - 1)];
  const double overhead = draw.uniform(0.05, 0.4) * static_cast<double>(last);
  const double lost = draw.uniform(0.1, 0.4);
  return usual(
      [=](std::int64_t batch) {
        return (static_cast<double>(batch) + overhead) * (batch > last ? 1 + lost : 1);
      },
      static_cast<double>(last), draw);
}

// The machine becomes slower throughout, with steps, and large batches feel more of it.
CurveGroup drifting(Draw& draw) {
  const double knee = draw.scale(4, 60);
  CurveGroup group = usual(hump(draw, knee), knee, draw);
  group.noise.drift = draw.uniform(0.1, 0.3);
  group.noise.step_share = draw.uniform(0.01, 0.05);
  group.noise.step = draw.uniform(0.05, 0.15);
  group.noise.unequal = draw.uniform(-0.02, 0.04);
  return group;
}

// Batches differ by themselves, up and down, as addresses and alignment would have it.
CurveGroup rough(Draw& draw) {
  std::map<std::int64_t, double> own;
  const double deviation = draw.uniform(0.005, 0.02);
  for (std::int64_t batch = 1; batch <= 512; ++batch) own[batch] = deviation * draw.normal();
  const double knee = draw.scale(6, 60);
  const Shape base = hump(draw, knee);
  return usual([=](std::int64_t batch) { return base(batch) * std::exp(own.at(batch)); }, knee,
               draw);
}

constexpr CurveKind kStrange[] = {
    {"two-humps", "two good regions three to four octaves apart", &two_humps},
    {"odd-cliff", "rises to a batch that is no multiple, then loses 10 to 40 %", &odd_cliff},
    {"drifting", "slower throughout, with steps, large batches more so", &drifting},
    {"rough", "each batch by itself 0.5 to 2 % up or down", &rough},
};

constexpr CurveKind kKinds[] = {
    {"smooth", "overhead, then ever better", &smooth},
    {"memory-bound", "weights until a knee at 20 to 45", &memory_bound},
    {"plateau", "all batches from some on are alike", &plateau},
    {"flat", "all batches are alike", &flat},
    {"tile-cliffs", "whole tiles of 4 to 32 samples", &tile_cliffs},
    {"sawtooth", "every second to eighth batch is better than those between", &sawtooth},
    {"dips", "slow stretches here and there", &dips},
    {"cache-hump", "best at 2 to 12, 35 % less at large batches", &cache_hump},
    {"holes", "single slow batches, half of the powers of two among them", &holes},
    {"on-off", "a neighbour for half of the time, common to a round", &on_off},
    {"switching", "a neighbour that comes and goes within rounds", &switching},
    {"wall-1", "memory ends after batch 1", &wall_1},
    {"wall-3", "memory ends after batch 3", &wall_3},
    {"wall-100000", "memory ends after batch 100 000", &wall_100000},
    {"no-wall", "batches to 4096, the largest is best", &no_wall},
    {"compile", "minutes of compilation for each batch", &compile},
    {"threads", "each of 4 to 16 threads computes whole samples", &threads},
    {"misled-high", "the roofline's knee is ten times too high", &misled_high},
    {"misled-low", "the roofline's knee is ten times too low", &misled_low},
    {"split-2", "two CPUs as 1 x 2 or 2 x 1 (instances x threads)", &split_2},
    {"split-4", "four CPUs as 1 x 4, 2 x 2 or 4 x 1", &split_4},
};

}  // namespace

std::span<const CurveKind> curve_kinds() {
  return kKinds;
}

std::span<const CurveKind> strange_kinds() {
  return kStrange;
}

}  // namespace batchtune
