// Which programs of a racing worker race now, where not all of them fit its memory together: some
// of them with the anchor, which chains the groups, for several rounds; then others. Pure, and
// without chance: the same calls give the same groups.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "tuner/core/observation.h"

namespace batchtune {

struct ProgramMemory {
  TrialId trial = 0;
  Bytes own = 0;
  int shared_by = 0;   // number of the load whose weights it shares; 0: it shares none
  Bytes shared = 0;    // these weights
  bool ready = false;  // it need not be prepared again
};

// What programs hold together: weights once for each load that shares them.
Bytes memory_together(const std::vector<ProgramMemory>& programs);

class MemoryGroups {
 public:
  // Those of `contenders` that race in the next round: all of them where they fit `limit` together
  // with the anchor (empty or one program), else a group that stays the same for some rounds (but
  // for contenders that go, and others that fit in their place). Of those that waited equally long
  // the ready ones come first. At least one contender, if there
  // is one, however large.
  std::set<TrialId> next(const std::vector<ProgramMemory>& contenders,
                         const std::vector<ProgramMemory>& anchor, Bytes limit);

 private:
  std::set<TrialId> group_;
  int rounds_left_ = 0;
  std::uint64_t round_ = 0;
  struct Raced {
    std::uint64_t last = 0, rounds = 0;  // number of the last round; how many
    auto operator<=>(const Raced&) const = default;
  };
  std::map<TrialId, Raced> raced_;
};

}  // namespace batchtune
