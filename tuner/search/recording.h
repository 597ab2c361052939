// The recorded tables of one problem, read for replay: which row was visited in which round, and
// how disturbed each round was. Round numbers are common to all tables. Private to tuner/search; it
// draws nothing and judges nothing.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <span>
#include <vector>

#include "tuner/core/table.h"
#include "tuner/statistics/rounds.h"

namespace batchtune {

struct RecordedVisit {
  int round = 0;
  std::vector<Seconds> samples;  // timed ones, in order
  Seconds median = 0;
};

struct RecordedRow {
  Candidate candidate;
  const TableRow* row = nullptr;
  std::vector<RecordedVisit> visits;  // ascending round; empty: it cannot be run
  Seconds run = 0;                    // median of all its samples
  // The row that its rounds are compared with: its table's anchor, else the first that any table
  // has.
  std::optional<std::size_t> anchor;

  const RecordedVisit* find(int round) const;  // nullptr: not visited in it
};

// Points into the tables, which must outlive it.
class Recording {
 public:
  explicit Recording(std::span<const RecordedTable> tables);

  const std::vector<RecordedRow>& rows() const { return rows_; }
  const std::vector<int>& rounds() const { return rounds_; }  // ascending
  const RecordedRow* find(const Candidate& candidate) const;  // nullptr: no such row
  // How much slower the machine was in that round than when undisturbed, by the row's anchor; by
  // another one where that has no visit there. nullopt: no anchor was there.
  std::optional<double> disturbance(const RecordedRow& row, int round) const;
  // All rounds; row i is trial i + 1.
  std::vector<RoundMedians> medians() const;

 private:
  void read_disturbance(std::size_t anchor);

  std::vector<RecordedRow> rows_;
  std::vector<int> rounds_;
  std::map<std::size_t, std::map<int, double>> disturbance_;  // by anchor
};

}  // namespace batchtune
