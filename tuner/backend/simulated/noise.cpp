// See noise.h. Every disturbance draws from a generator of its own, so that switching one on leaves
// the others as they were. Generators and distributions are written out: those of the standard
// library differ between implementations.
#include "tuner/backend/simulated/noise.h"

#include <algorithm>
#include <cmath>

namespace batchtune::simulated {
namespace {

constexpr double kSpeedStep = 1.08;      // from one speed level to the next slower one
constexpr Seconds kShortestMean = 1e-6;  // of a duration: shorter ones would only take computing
constexpr double kForgotten = 100;       // means after which a state says nothing of the next one

class Random {
 public:
  // Neighbouring seeds and streams are scattered first: the generator counts up, and would else
  // give the same values one step later.
  Random(std::uint64_t seed, std::uint64_t stream) : state_(mixed(mixed(seed) + stream)) {}

  // In (0, 1).
  double uniform() {
    constexpr double kSteps = static_cast<double>(std::uint64_t{1} << 52);
    return (static_cast<double>(next() >> 12) + 0.5) / kSteps;
  }
  double exponential(double mean) { return -mean * std::log(uniform()); }
  // Of mean 0 and standard deviation 1 (Marsaglia's polar method; the second value is let go).
  double normal() {
    for (;;) {
      const double x = 2 * uniform() - 1, y = 2 * uniform() - 1;
      const double square = x * x + y * y;
      if (square < 1) return x * std::sqrt(-2 * std::log(square) / square);
    }
  }
  int below(int count) { return static_cast<int>(uniform() * count); }

 private:
  static std::uint64_t mixed(std::uint64_t x) {  // splitmix64's last steps
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
    return x ^ (x >> 31);
  }
  std::uint64_t next() { return mixed(state_ += 0x9E3779B97F4A7C15u); }

  std::uint64_t state_;
};

// There for a share of the time, for exponential times; begins as if it had always been running.
class OnOff {
 public:
  OnOff(double share, Seconds mean_on, Random random)
      : share_(share),
        mean_on_(std::max(mean_on, kShortestMean)),
        mean_off_(mean_on_ * (1 - share) / share),
        random_(random) {
    restart(0);
  }
  bool at(Seconds now) {
    if (share_ <= 0 || share_ >= 1) return share_ >= 1;
    if (now - until_ > kForgotten * (mean_on_ + mean_off_)) restart(now);
    while (until_ < now) {
      on_ = !on_;
      until_ += random_.exponential(on_ ? mean_on_ : mean_off_);
    }
    return on_;
  }

 private:
  void restart(Seconds now) {
    if (share_ <= 0 || share_ >= 1) return;
    on_ = random_.uniform() < share_;
    until_ = now + random_.exponential(on_ ? mean_on_ : mean_off_);
  }

  double share_;
  Seconds mean_on_, mean_off_;
  Random random_;
  bool on_ = false;
  Seconds until_ = 0;
};

// One of several levels, all equally likely; each change is to another one.
class Levels {
 public:
  Levels(int count, Seconds mean, Random random)
      : count_(count), mean_(std::max(mean, kShortestMean)), random_(random) {
    if (count_ > 1) restart(0);
  }
  int at(Seconds now) {
    if (count_ <= 1) return 0;
    if (now - until_ > kForgotten * mean_) restart(now);
    while (until_ < now) {
      level_ = (level_ + 1 + random_.below(count_ - 1)) % count_;
      until_ += random_.exponential(mean_);
    }
    return level_;
  }

 private:
  void restart(Seconds now) {
    level_ = random_.below(count_);
    until_ = now + random_.exponential(mean_);
  }

  int count_;
  Seconds mean_;
  Random random_;
  int level_ = 0;
  Seconds until_ = 0;
};

// AR(1) over continuous time (Ornstein-Uhlenbeck), standard deviation 1: values that lie t apart
// correlate by exp(-t / memory), however often it is asked in between.
class Wander {
 public:
  Wander(Seconds memory, Random random)
      : memory_(std::max(memory, kShortestMean)), random_(random), value_(random_.normal()) {}
  double at(Seconds now) {
    if (now <= last_) return value_;
    const double kept = std::exp(-(now - last_) / memory_);
    value_ = kept * value_ + std::sqrt(1 - kept * kept) * random_.normal();
    last_ = now;
    return value_;
  }

 private:
  Seconds memory_;
  Random random_;
  double value_;
  Seconds last_ = 0;
};

}  // namespace

struct Noise::State {
  State(const NoiseParameters& given, std::uint64_t seed)
      : parameters(given),
        jitter(seed, 0),
        spikes(seed, 1),
        wander(given.wander_seconds, Random(seed, 2)),
        neighbour(given.neighbour, given.neighbour_seconds, Random(seed, 3)),
        speed(given.speed_levels, given.speed_seconds, Random(seed, 4)) {}

  NoiseParameters parameters;
  Random jitter, spikes;
  Wander wander;
  OnOff neighbour;
  Levels speed;
  bool disturbed = false;
};

Noise::Noise(const NoiseParameters& parameters, std::uint64_t seed)
    : state_(std::make_unique<State>(parameters, seed)) {}
Noise::~Noise() = default;
Noise::Noise(Noise&&) noexcept = default;
Noise& Noise::operator=(Noise&&) noexcept = default;

double Noise::factor(Seconds now) {
  constexpr Seconds kMinute = 60;
  State& state = *state_;
  const NoiseParameters& parameters = state.parameters;
  const bool neighbour = state.neighbour.at(now);
  const int level = state.speed.at(now);
  state.disturbed = neighbour || level > 0;

  double factor = 1 + parameters.drift * now / kMinute;
  for (int step = 0; step < level; ++step) factor *= kSpeedStep;
  if (neighbour) factor *= parameters.neighbour_factor;
  if (parameters.wander > 0) factor *= std::exp(parameters.wander * state.wander.at(now));
  if (parameters.jitter > 0) factor *= std::exp(parameters.jitter * state.jitter.normal());
  if (parameters.spikes > 0 && state.spikes.uniform() < parameters.spikes)
    factor *= parameters.spike_factor;
  return factor;
}

bool Noise::disturbed() const {
  return state_->disturbed;
}

}  // namespace batchtune::simulated
