// What to do next, as ask and tell. A strategy is made from the problem and a seed; the same tells
// give the same asks, on a device, on the simulated device, on a recorded table and when a session
// is resumed.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "tuner/core/estimate.h"
#include "tuner/core/limits.h"
#include "tuner/core/observation.h"
#include "tuner/core/session.h"
#include "tuner/measure/measurer.h"

namespace batchtune {

struct Budget {
  Seconds racing =
      60;  // prepare, warm, timed and reference runs of racing workers (reported seconds)
  Seconds probing = 60;  // solo workers
};

enum class BoundaryWish { predicted, probed, none };

// Where memory ended in an earlier session, for the same device, model and limit: verified, not
// searched again.
struct Ceiling {
  CandidateGroup group;
  Bytes limit = 0;
  std::int64_t fits = 0, fails = 0;
};

struct Problem {
  std::vector<Estimate> groups;       // one per group; its batch is the seed, its curve the guess
  std::vector<std::int64_t> batches;  // allowed, ascending; empty: every batch from 1 on
  std::int64_t largest_batch = std::int64_t{1} << 20;  // never asked above
  std::vector<Candidate> candidates;  // of `exhaustive`: these alone, in their order; empty: all of the above
  Wishes wishes;
  int most_compiles = 0;     // preparations that wait for a compiler at most; 0: no such limit
  bool compiles_elsewhere = false;  // DeviceInfo's, of all groups: compiling ahead disturbs nothing
  int most_batches = 0;      // distinct candidates that are prepared at most; 0: no such limit
  double confidence = 0.95;  // that no batch is better by more than wishes.tolerance, to converge
  std::string stop_rule = "interval";  // of `exhaustive`, a name in stop_rules()
  Budget budget;
  BoundaryWish boundary = BoundaryWish::predicted;
  std::vector<Ceiling> ceilings;
  // Predicted bytes above which nothing is probed without a limit that holds: the system itself
  // might run out. nullopt: anything may be probed.
  std::optional<Bytes> safe_memory;
  Seconds soak = 0;  // of the recommended candidate; 0: none
};

struct AskPrepare {
  TrialId trial = 0;
  Candidate candidate;
};
struct AskRound {
  RoundRequest request;
};
struct AskProbe {
  ProbeRequest request;
};
struct AskRelease {
  TrialId trial = 0;
};
struct AskCompile {  // in the background: it is likely to be prepared soon
  Candidate candidate;
};
struct AskStop {
  SessionEnd end = SessionEnd::converged;
  std::string reason;
};
using Ask = std::variant<AskPrepare, AskRound, AskProbe, AskRelease, AskCompile, AskStop>;

class Strategy {
 public:
  virtual ~Strategy() = default;
  virtual Ask ask() = 0;  // the answer to AskRelease, AskCompile and AskStop is not told
  virtual void tell(const Observation& observation) = 0;
};

struct StrategyEntry {
  std::string_view name;
  std::string_view description;
  std::unique_ptr<Strategy> (*create)(const Problem& problem, std::uint64_t seed);
};
std::span<const StrategyEntry> strategies();  // the default is first

}  // namespace batchtune
