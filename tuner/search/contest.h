// One backend's candidates as the adaptive search sees them: every batch of its groups that may be
// chosen, what looks at it would cost, who leads, and how sure that is. Private to tuner/search.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tuner/search/ledger.h"
#include "tuner/search/prospects.h"
#include "tuner/search/strategy.h"

namespace batchtune {

struct Contest {
  std::vector<Prospect> prospects;
  std::optional<std::size_t> choice;  // what would be recommended
  Standing standing;
  double trust = 1;        // in the roofline's shape
  bool has_curve = false;  // some group has a roofline
  Seconds longest = 0;     // of one batch, by the latency limits; infinite without
  // Above it batches fit that are no prospects, as a look would take too much of the whole budget;
  // 0: there are none. It does not fall as the budget is spent.
  std::int64_t up_to = 0;
  std::string cause;  // why the roofline's shape is not trusted, in words; "": it is, or unknown
};

inline constexpr std::int64_t kFarAbove = 4;  // times the choice: how far must have been looked

// `left`: racing seconds; nothing is affordable that would take most of them. `seed`: of the draws.
Contest contest_of(const Ledger& ledger, const Problem& problem, const std::string& backend,
                   Seconds left, std::uint64_t seed);

// What must be looked at before the choice is believed, whatever the model says: its neighbours
// (one look may be a lucky one, and steps of tiles are steepest between them), no gap of more than
// an octave around it (looks that happen to miss a step or a hole look smooth), and a batch far
// above it. Not what the latency limits forbid, nor where the model leaves nothing to hope for.
// nullptr: all were seen.
const Prospect* must_see(const Contest& contest, const Ledger& ledger);

// Batches that the search considers: those allowed, or all to 64 and above in steps of a
// sixteenth of the octave (multiples of 4, 8, ...), up to `largest`.
std::vector<std::int64_t> considered(const Problem& problem, std::int64_t largest);

// Where no memory limit is known: the next batch of the group on the way up to far above the best
// so far, from the smallest on. nullopt: one is known, or it is far enough.
std::optional<std::int64_t> next_up(const Ledger& ledger, const Problem& problem,
                                    const CandidateGroup& group, Seconds left);

// Cost of one visit with its warm runs.
Seconds visit_seconds(const Ledger& ledger, const Candidate& candidate);

}  // namespace batchtune
