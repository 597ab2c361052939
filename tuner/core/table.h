// A recorded table: every batch of one group with its raw samples, to be searched again without a
// device. Written by `tune --record` and by generators of curves with a known truth; read by
// `replay`. The format is storage/exchange/table_json.h's.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tuner/core/candidate.h"
#include "tuner/core/observation.h"
#include "tuner/core/units.h"

namespace batchtune {

struct TableRow {
  std::int64_t batch = 1;
  TrialStatus status = TrialStatus::ok;
  std::optional<Seconds> prepare;
  std::optional<double> memory;  // bytes
  // Timed samples in order; `round` and `start` have one entry for each, `start` may be empty.
  // Samples of one round share the machine's disturbance.
  std::vector<Seconds> latency;
  std::vector<int> round;
  std::vector<Seconds> start;    // since the recording began
  std::optional<Seconds> truth;  // undisturbed latency, where a generator knows it
  // Of `prepare`, waited for a compiler on other hardware; 0: it was compiled before. Absent: nothing is compiled.
  std::optional<Seconds> compile = {};
};

// What the roofline needs to guess the curve; absent where unknown.
struct TableProblem {
  std::optional<double> flops, activation_bytes;  // per sample
  std::optional<double> weight_bytes;
  std::optional<double> peak;       // FLOP/s
  std::optional<double> bandwidth;  // bytes/s

  bool operator==(const TableProblem&) const = default;
};

struct RecordedTable {
  std::string name;  // for reports: a file's stem
  std::string model, device, source;
  CandidateGroup group;                // its backend is "" where the table does not say
  std::optional<Bytes> memory_limit;   // that the recording ran under
  std::optional<std::int64_t> anchor;  // batch that has samples in every round
  TableProblem problem;
  std::vector<TableRow> rows;  // ascending batch
};

}  // namespace batchtune
