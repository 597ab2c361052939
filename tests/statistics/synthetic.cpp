// See synthetic.h.
#include "tests/statistics/synthetic.h"

#include <cmath>
#include <random>
#include <utility>

namespace batchtune::synthetic {
namespace {

using simulated::NoiseParameters;

NoiseKind kind(std::string name, void (*change)(NoiseParameters&)) {
  NoiseParameters parameters;
  parameters.jitter = 0.02;
  change(parameters);
  return {std::move(name), parameters};
}

// One visit at `now`, which moves on.
Visit visit_to(const Program& program, const Plan& plan, simulated::Noise& noise, Seconds& now,
               std::mt19937_64& random) {
  std::uniform_real_distribution<double> chance(0, 1);
  Visit visit;
  visit.trial = program.trial;
  visit.reference = program.reference;
  visit.warm = 1;
  bool disturbed = false;
  for (int run = 0; run < plan.runs; ++run) {
    visit.seconds.push_back(program.seconds * std::pow(noise.factor(now), program.sensitivity));
    disturbed |= noise.disturbed();
    now += visit.seconds.back();
  }
  visit.disturbed = chance(random) < (disturbed ? plan.seen : plan.false_alarm);
  return visit;
}

}  // namespace

std::vector<Round> rounds_of(const Plan& plan, std::uint64_t seed) {
  simulated::Noise noise(plan.noise, seed);
  std::mt19937_64 random(seed * 7919 + 13);
  std::vector<Program> order = plan.programs;
  std::vector<Round> rounds(static_cast<std::size_t>(plan.rounds));
  Seconds now = plan.begin;
  for (Round& round : rounds) {
    for (std::size_t i = order.size() - 1; i > 0; --i)
      std::swap(order[i], order[random() % (i + 1)]);
    for (const Program& program : order) {
      now += plan.others / static_cast<double>(order.size());
      round.visits.push_back(visit_to(program, plan, noise, now, random));
      round.visits.back().position = static_cast<int>(round.visits.size()) - 1;
    }
  }
  return rounds;
}

std::vector<NoiseKind> noise_kinds() {
  return {
      kind("jitter 2 %", [](NoiseParameters&) {}),
      kind("neighbour 30 % of the time, 3 s",
           [](NoiseParameters& p) {
             p.neighbour = 0.3;
             p.neighbour_seconds = 3;
           }),
      kind("neighbour 50 % of the time, 1 s",
           [](NoiseParameters& p) {
             p.neighbour = 0.5;
             p.neighbour_seconds = 1;
           }),
      kind("drift 20 % a minute", [](NoiseParameters& p) { p.drift = 0.2; }),
      kind("spikes 5 %, 3 x", [](NoiseParameters& p) { p.spikes = 0.05; }),
      kind("three speeds, 5 s",
           [](NoiseParameters& p) {
             p.speed_levels = 3;
             p.speed_seconds = 5;
           }),
      kind("wander 8 %, 5 s", [](NoiseParameters& p) { p.wander = 0.08; }),
      kind("all at once",
           [](NoiseParameters& p) {
             p.neighbour = 0.3;
             p.neighbour_seconds = 3;
             p.drift = 0.1;
             p.spikes = 0.03;
             p.speed_levels = 3;
             p.speed_seconds = 5;
             p.wander = 0.05;
           }),
  };
}

}  // namespace batchtune::synthetic
