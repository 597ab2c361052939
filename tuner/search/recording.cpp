// See recording.h.
#include "tuner/search/recording.h"

#include <algorithm>

#include "tuner/statistics/location.h"

namespace batchtune {
namespace {

// Only rows that ended well can be run again, whatever was sampled before they ended otherwise.
bool ran(const TableRow& row) {
  return row.status == TrialStatus::ok || row.status == TrialStatus::unstable;
}

RecordedRow read_row(const CandidateGroup& group, const TableRow& row) {
  RecordedRow recorded;
  recorded.candidate = {group, row.batch};
  recorded.row = &row;
  if (!ran(row) || row.latency.empty()) return recorded;
  std::map<int, std::vector<Seconds>> rounds;
  for (std::size_t i = 0; i < row.latency.size(); ++i)
    rounds[row.round[i]].push_back(row.latency[i]);
  for (auto& [round, samples] : rounds) {
    const Seconds middle = median(samples);
    recorded.visits.push_back({round, std::move(samples), middle});
  }
  recorded.run = median(row.latency);
  return recorded;
}

}  // namespace

Recording::Recording(std::span<const RecordedTable> tables) {
  std::optional<std::size_t> first_anchor;
  for (const RecordedTable& table : tables) {
    const std::size_t begin = rows_.size();
    std::optional<std::size_t> own;
    for (const TableRow& row : table.rows) {
      if (table.anchor == row.batch) own = rows_.size();
      rows_.push_back(read_row(table.group, row));
      for (const RecordedVisit& visit : rows_.back().visits) rounds_.push_back(visit.round);
    }
    if (own) read_disturbance(*own);
    if (own && !first_anchor) first_anchor = own;
    for (std::size_t i = begin; i < rows_.size(); ++i) rows_[i].anchor = own;
  }
  for (RecordedRow& row : rows_)
    if (!row.anchor) row.anchor = first_anchor;
  std::sort(rounds_.begin(), rounds_.end());
  rounds_.erase(std::unique(rounds_.begin(), rounds_.end()), rounds_.end());
}

void Recording::read_disturbance(std::size_t anchor) {
  const RecordedRow& row = rows_[anchor];
  std::vector<double> medians;
  for (const RecordedVisit& visit : row.visits) medians.push_back(visit.median);
  const auto level = row.row->truth ? row.row->truth : undisturbed_of(medians);
  auto& by_round = disturbance_[anchor];
  for (const RecordedVisit& visit : row.visits) by_round[visit.round] = visit.median / *level;
}

const RecordedRow* Recording::find(const Candidate& candidate) const {
  for (const RecordedRow& row : rows_)
    if (row.candidate == candidate) return &row;
  return nullptr;
}

std::optional<double> Recording::disturbance(const RecordedRow& row, int round) const {
  const auto in = [&](const std::map<int, double>& by_round) -> std::optional<double> {
    const auto found = by_round.find(round);
    return found == by_round.end() ? std::nullopt : std::optional(found->second);
  };
  if (row.anchor)
    if (const auto own = in(disturbance_.at(*row.anchor))) return own;
  for (const auto& [anchor, by_round] : disturbance_)
    if (const auto other = in(by_round)) return other;
  return std::nullopt;
}

std::vector<RoundMedians> Recording::medians() const {
  std::vector<RoundMedians> result(rounds_.size());
  for (std::size_t i = 0; i < rows_.size(); ++i)
    for (const RecordedVisit& visit : rows_[i].visits) {
      const auto at = std::lower_bound(rounds_.begin(), rounds_.end(), visit.round);
      result[static_cast<std::size_t>(at - rounds_.begin())].push_back(
          {static_cast<TrialId>(i) + 1, "", visit.median, false});
    }
  return result;
}

const RecordedVisit* RecordedRow::find(int round) const {
  const auto found =
      std::lower_bound(visits.begin(), visits.end(), round,
                       [](const RecordedVisit& visit, int wanted) { return visit.round < wanted; });
  return found != visits.end() && found->round == round ? &*found : nullptr;
}

}  // namespace batchtune
