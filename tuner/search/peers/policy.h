// How the ways of other tuners see a search: what was measured, and which batch they want next.
// One batch after the other; what to prepare, visit and release is the same for all (peer.h).
// Private to tuner/search.
#pragma once

#include <compare>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "tuner/core/candidate.h"
#include "tuner/core/limits.h"

namespace batchtune::peers {

struct Pick {
  std::size_t group = 0;  // index
  std::int64_t batch = 1;

  bool operator==(const Pick&) const = default;
};

// Keeping the limits comes first. `worth`, higher is better: by the objective where they are kept;
// else how near it is to keeping them, below 1; 0: it did not run.
struct Standing {
  bool passes = false;
  double worth = 0;

  auto operator<=>(const Standing&) const = default;
};

struct PeerPoint {
  Pick pick;
  Standing standing;
  double rate = 0;      // samples/s, all instances; 0: it did not run
  Seconds latency = 0;  // undisturbed
  double error = 0;     // standard error of log latency against the anchor's
};

struct PeerGroup {
  CandidateGroup group;
  std::int64_t top = 1;      // of the range to search in, chosen once
  std::int64_t largest = 1;  // above it nothing fits, or can be paid for; falls as that is learned
};

struct PeerView {
  const Wishes& wishes;
  std::span<const std::int64_t> allowed;  // ascending; empty: every batch
  std::int64_t smallest = 1;
  std::vector<PeerGroup> groups;
  // In the order of measuring. The first one may be in no round yet: it passes with worth 0.
  std::vector<PeerPoint> points;

  const PeerPoint* find(const Pick& pick) const;
  // Above `largest`: as if it had failed. nullopt: not known, and may be picked.
  std::optional<Standing> standing(const Pick& pick) const;
  // The allowed batch nearest to 2^exponent by ratio; equally near: the smaller. Not limited by
  // any group.
  std::int64_t nearest(double exponent) const;
  // Those of a group worth telling apart, ascending up to its top: the allowed ones; without a
  // list every batch to 64, then sixteen an octave.
  std::vector<std::int64_t> batches(std::size_t group) const;
  // Powers of two up to the top of the allowed ones (or 2^20); of a list the nearest to each.
  std::vector<std::int64_t> powers_of_two() const;
};

// The same views in the same order give the same picks.
class Policy {
 public:
  virtual ~Policy() = default;
  // Asked when the last pick was answered: it is among the points, or above `largest` now. nullopt:
  // done. REQUIRES of what is returned: allowed, and standing() does not know it.
  virtual std::optional<Pick> next(const PeerView& view) = 0;
  virtual std::string why_done() const = 0;  // in words
};

}  // namespace batchtune::peers
