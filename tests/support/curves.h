// Recorded tables with a known truth, made up: for each kind of curve that searching has met or may
// meet as many tables as there are seeds, each with parameters and noise of its own. A search must
// be good for the kind, not for one table. Nothing here is taken from the estimate, so that guess
// and truth stay apart.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tuner/core/table.h"

namespace batchtune {

// The same numbers on every platform (std:: distributions are not).
class Draw {
 public:
  explicit Draw(std::uint64_t seed) : state_(seed) {}
  double uniform(double low = 0, double high = 1);
  double scale(double low, double high);                      // its logarithm is uniform
  std::int64_t integer(std::int64_t low, std::int64_t high);  // both included
  double normal();
  bool chance(double probability) { return uniform() < probability; }

 private:
  std::uint64_t next();
  std::uint64_t state_;
};

// What disturbs a recording; factors are on latency.
struct CurveNoise {
  double jitter = 0.02;           // of the log of each sample
  double visit_jitter = 0.006;    // of the log of each visit: alignment, caches
  double wander = 0.02;           // of the log of whole rounds, slowly
  double spike_share = 0.01;      // of samples, each 1.2 to 3 times as long
  double neighbour_share = 0.25;  // of the time in which a neighbour is there
  double neighbour_factor = 1.4;
  double neighbour_rounds = 8;  // that it stays for, in the mean
  double neighbour_switch = 0;  // chance that it comes or goes between two visits of a round
  double drift = 0;             // of the log over the whole recording, upwards
  double step_share = 0;        // of rounds, each begins another level: ...
  double step = 0;              // ... the standard deviation of its log
  double unequal = 0;  // all of this is felt by the power 1 + this x octaves above the anchor
};

// One group's curve, quiet; latency is that of one batch.
struct Curve {
  CandidateGroup group;
  std::function<Seconds(std::int64_t)> latency;
  std::function<Seconds(std::int64_t)> prepare;
  std::int64_t dense = 64;     // every batch up to here is a row, above ever fewer
  std::int64_t largest = 512;  // last row
  std::int64_t wall = 0;       // largest batch that fits; 0: all do
  bool limit_known = false;    // the wall is a memory limit that the table states
  double weight_bytes = 50e6;
  double bytes_per_sample = 2e6;
  TableProblem problem;
};

struct CurveGroup {
  std::vector<Curve> curves;  // of one problem; the first one's has the anchor
  CurveNoise noise;
};

// Batches that a curve has rows for, ascending; those beside the wall are among them.
std::vector<std::int64_t> batches_of(const Curve& curve);

// Rounds with some of the batches each, in random order; the anchor is in all.
std::vector<RecordedTable> record(const CurveGroup& group, std::string name, Draw& draw);

struct CurveKind {
  std::string_view name;
  std::string_view description;
  CurveGroup (*make)(Draw& draw);
};
std::span<const CurveKind> curve_kinds();
// Kinds that no search was tuned on: to see what it does where nobody looked.
std::span<const CurveKind> strange_kinds();

// Recorded tables of a kind, one for each group, named "kind#seed". Another seed: another curve of
// that kind.
std::vector<RecordedTable> tables_of(const CurveKind& kind, std::uint64_t seed);

}  // namespace batchtune
