// Triton Model Analyzer's quick search, as its documentation describes it and its sources of 2023
// have it. Coordinates: the exponent of the batch, and the number of instances (here: the groups of
// one backend by instances). From the home it measures three neighbours within a radius of 3 that
// cover new values; each pulls by its relative gain; the pull per step, against the thresholds
// 0.09, 0.3 and 1.0, makes a step of 1, 2 or 3 along each coordinate. Where some neighbours pass
// and some fail it measures all adjacent ones and goes to the best. It ends where a home repeats.
// One candidate after the other, from the smallest coordinates.
#include <algorithm>
#include <array>
#include <cmath>
#include <map>

#include "tuner/search/peers/peers.h"

namespace batchtune::peers {
namespace {

constexpr int kRadius = 3;
constexpr std::size_t kFewestMeasured = 3;
constexpr double kThresholds[] = {0.09, 0.3, 1.0};
constexpr int kMostVisits = 2;  // of a home

struct Place {
  int exponent = 0;  // index into the powers of two
  int row = 0;       // index into the groups of a chain

  auto operator<=>(const Place&) const = default;
};

// The hill of one chain: groups that differ in instances alone.
class Hill {
 public:
  explicit Hill(std::vector<std::size_t> groups) : groups_(std::move(groups)) {}

  std::optional<Pick> next(const PeerView& view);

 private:
  Pick pick_of(const PeerView& view, const Place& place) const {
    return {groups_[static_cast<std::size_t>(place.row)],
            view.powers_of_two()[static_cast<std::size_t>(place.exponent)]};
  }
  bool is_inside(const PeerView& view, const Place& place) const {
    return place.exponent >= 0 && place.exponent < std::ssize(view.powers_of_two()) &&
           place.row >= 0 && place.row < std::ssize(groups_);
  }
  std::optional<Standing> standing(const PeerView& view, const Place& place) const {
    return view.standing(pick_of(view, place));
  }
  void step(const PeerView& view);
  void step_back(const PeerView& view);
  void move_home(const Place& place);
  std::vector<Place> neighbours(const PeerView& view) const;
  std::vector<Place> adjacent(const PeerView& view) const;
  std::vector<Place> ran(const PeerView& view) const;
  bool is_slow(const PeerView& view) const;
  std::optional<Place> unmeasured(const PeerView& view) const;
  Place best_of(const PeerView& view, std::vector<Place> places) const;
  Place new_home(const PeerView& view) const;
  Place pulled_home(const PeerView& view) const;

  std::vector<std::size_t> groups_;  // by instances
  Place home_, wanted_;
  bool home_passed_ = false;  // of the home before
  bool forced_slow_ = false;
  bool done_ = false;
  std::map<Place, int> visits_;
};

std::optional<Pick> Hill::next(const PeerView& view) {
  while (!done_) {
    if (!standing(view, wanted_)) return pick_of(view, wanted_);
    ++visits_[wanted_];
    step(view);
  }
  return std::nullopt;
}

void Hill::step(const PeerView& view) {
  const Standing home = *standing(view, home_);
  const bool at_home = wanted_ == home_;
  const bool lost = home == Standing{} || (home_passed_ && !home.passes);
  if (at_home && lost) return step_back(view);
  if (const auto place = unmeasured(view)) {
    wanted_ = *place;
    return;
  }
  const bool enough = is_slow(view) || ran(view).size() >= kFewestMeasured;
  const Place place = enough ? new_home(view) : home_;
  done_ = place == home_ || visits_[place] >= kMostVisits;
  home_passed_ = home.passes;
  forced_slow_ = false;
  move_home(place);
}

// To the best so far, and on from there in small steps.
void Hill::step_back(const PeerView& view) {
  std::vector<Place> known;
  for (const auto& [place, visits] : visits_) known.push_back(place);
  const Place best = best_of(view, known);
  done_ = best == home_ || visits_[best] >= kMostVisits;
  home_passed_ = standing(view, best)->passes;
  forced_slow_ = true;
  move_home(best);
}

void Hill::move_home(const Place& place) {
  home_ = place;
  wanted_ = place;
}

// Within the radius, nearest exponents first, upwards before downwards; without the home.
std::vector<Place> Hill::neighbours(const PeerView& view) const {
  constexpr std::array<int, 2 * kRadius + 1> kSteps{0, 1, -1, 2, -2, 3, -3};
  std::vector<Place> places;
  for (const int along : kSteps)
    for (const int across : kSteps) {
      const Place place{home_.exponent + along, home_.row + across};
      if (along * along + across * across > kRadius * kRadius || place == home_) continue;
      if (is_inside(view, place)) places.push_back(place);
    }
  return places;
}

std::vector<Place> Hill::adjacent(const PeerView& view) const {
  std::vector<Place> places = neighbours(view);
  std::erase_if(places, [&](const Place& place) {
    return std::abs(place.exponent - home_.exponent) + std::abs(place.row - home_.row) != 1;
  });
  return places;
}

std::vector<Place> Hill::ran(const PeerView& view) const {
  std::vector<Place> places = neighbours(view);
  std::erase_if(places, [&](const Place& place) {
    return standing(view, place).value_or(Standing{}) == Standing{};
  });
  return places;
}

bool Hill::is_slow(const PeerView& view) const {
  if (forced_slow_) return true;
  std::size_t passing = 0;
  const std::vector<Place> places = ran(view);
  for (const Place& place : places) passing += standing(view, place)->passes;
  return standing(view, home_)->passes ? passing < places.size() : passing > 0;
}

// Whom to measure before a step; nullopt: enough are, or none is left.
std::optional<Place> Hill::unmeasured(const PeerView& view) const {
  if (is_slow(view)) {
    for (const Place& place : adjacent(view))
      if (!standing(view, place)) return place;
    return std::nullopt;
  }
  const std::vector<Place> measured = ran(view);
  if (measured.size() >= kFewestMeasured) return std::nullopt;
  std::optional<Place> best;
  int most_new = -1;
  for (const Place& place : neighbours(view)) {
    if (standing(view, place)) continue;
    const auto is_new = [&](auto Place::*coordinate) {
      return std::none_of(measured.begin(), measured.end(), [&](const Place& known) {
        return known.*coordinate == place.*coordinate;
      });
    };
    const int fresh = is_new(&Place::exponent) + is_new(&Place::row);
    if (fresh <= most_new) continue;
    most_new = fresh;
    best = place;
  }
  return best;
}

// Equal ones: the first.
Place Hill::best_of(const PeerView& view, std::vector<Place> places) const {
  Place best = places.front();
  for (const Place& place : places)
    if (*standing(view, place) > *standing(view, best)) best = place;
  return best;
}

Place Hill::new_home(const PeerView& view) const {
  if (!is_slow(view)) return pulled_home(view);
  std::vector<Place> places = ran(view);
  places.insert(places.begin(), home_);
  return best_of(view, places);
}

// All pass, or none does: gains are of the objective, or of the nearness to passing.
Place Hill::pulled_home(const PeerView& view) const {
  const double home = standing(view, home_)->worth;
  double along = 0, across = 0, along_steps = 0, across_steps = 0;
  for (const Place& place : ran(view)) {
    const double worth = standing(view, place)->worth;
    const double gain = (worth - home) / ((worth + home) / 2);
    const int exponents = place.exponent - home_.exponent, rows = place.row - home_.row;
    along += exponents == 0 ? 0 : std::copysign(1.0, exponents) * gain;
    across += rows == 0 ? 0 : std::copysign(1.0, rows) * gain;
    along_steps += std::abs(exponents);
    across_steps += std::abs(rows);
  }
  const auto steps_of = [](double pull, double steps) {
    if (steps == 0) return 0;
    const double mean = pull / steps;
    const auto passed = std::count_if(std::begin(kThresholds), std::end(kThresholds),
                                      [&](double threshold) { return std::abs(mean) > threshold; });
    return static_cast<int>(mean < 0 ? -passed : passed);
  };
  const auto clamped = [](int value, std::ptrdiff_t count) {
    return static_cast<int>(std::clamp<std::ptrdiff_t>(value, 0, count - 1));
  };
  return {clamped(home_.exponent + steps_of(along, along_steps), std::ssize(view.powers_of_two())),
          clamped(home_.row + steps_of(across, across_steps), std::ssize(groups_))};
}

class HillClimb final : public Policy {
 public:
  std::optional<Pick> next(const PeerView& view) override {
    if (hills_.empty()) begin(view);
    for (Hill& hill : hills_)
      if (auto pick = hill.next(view)) return pick;
    return std::nullopt;
  }
  std::string why_done() const override { return "the hill climb came back to its home"; }

 private:
  void begin(const PeerView& view);

  std::vector<Hill> hills_;
};

// Groups that are alike but for threads and instances make one hill.
void HillClimb::begin(const PeerView& view) {
  std::map<CandidateGroup, std::vector<std::size_t>> chains;
  for (std::size_t i = 0; i < view.groups.size(); ++i) {
    CandidateGroup alike = view.groups[i].group;
    alike.threads = alike.instances = 0;
    chains[alike].push_back(i);
  }
  for (auto& [alike, chain] : chains) {
    std::stable_sort(chain.begin(), chain.end(), [&](std::size_t a, std::size_t b) {
      return view.groups[a].group.instances < view.groups[b].group.instances;
    });
    hills_.emplace_back(chain);
  }
}

}  // namespace

std::unique_ptr<Policy> hill_climb_policy() {
  return std::make_unique<HillClimb>();
}

}  // namespace batchtune::peers
