// See curves.h: recording a curve. Which kinds there are is in curve_kinds.cpp.
#include "tests/support/curves.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace batchtune {
namespace {

constexpr std::size_t kPerRound = 8;  // batches beside the anchor, as many as a second holds
constexpr std::size_t kVisits = 80;   // of each batch: their mean is good to 0.1 to 0.3 %
constexpr Seconds kVisit = 0.03;      // timed runs of a visit fill about so much
constexpr int kMostRuns = 16;         // more would make tables large and tell nothing new
constexpr std::int64_t kAnchor = 4;

// The machine around a recording, from visit to visit.
class Disturbance {
 public:
  Disturbance(const CurveNoise& noise, Draw& draw)
      : noise_(noise), draw_(draw), neighbour_(draw.chance(noise.neighbour_share)) {}

  void next_round() {
    constexpr double kKept = 0.9;  // of the wandering level, from round to round
    wander_ = kKept * wander_ + std::sqrt(1 - kKept * kKept) * noise_.wander * draw_.normal();
    turn_over(1 / noise_.neighbour_rounds);
    if (noise_.step_share > 0 && draw_.chance(noise_.step_share))
      step_ = noise_.step * draw_.normal();
  }

  // `progress`: of the recording, 0 to 1; `octaves` above the anchor.
  double next_visit(double progress, double octaves) {
    turn_over(noise_.neighbour_switch);
    const double around = wander_ + noise_.drift * progress + step_ +
                          (neighbour_ ? std::log(noise_.neighbour_factor) : 0);
    return std::exp(around * (1 + noise_.unequal * octaves) + noise_.visit_jitter * draw_.normal());
  }

  double sample() {
    const double spike = draw_.chance(noise_.spike_share) ? draw_.uniform(1.2, 3) : 1;
    return std::exp(noise_.jitter * draw_.normal()) * spike;
  }

 private:
  // Whether it is there is drawn anew with this chance, so that its share stays.
  void turn_over(double chance) {
    if (draw_.chance(chance)) neighbour_ = draw_.chance(noise_.neighbour_share);
  }

  CurveNoise noise_;
  Draw& draw_;
  bool neighbour_;
  double wander_ = 0, step_ = 0;
};

double memory_of(const Curve& curve, std::int64_t batch) {
  return curve.group.instances *
         (curve.weight_bytes + curve.bytes_per_sample * static_cast<double>(batch));
}

RecordedTable empty_table(const Curve& curve, const std::string& name) {
  RecordedTable table;
  table.name = name;
  table.model = name;
  table.device = "made up";
  table.source = "tests/support/curves.cpp";
  table.group = curve.group;
  table.problem = curve.problem;
  if (curve.wall > 0 && curve.limit_known)
    table.memory_limit =
        static_cast<Bytes>((memory_of(curve, curve.wall) + memory_of(curve, curve.wall + 1)) / 2);
  for (const std::int64_t batch : batches_of(curve)) {
    TableRow& row = table.rows.emplace_back();
    row.batch = batch;
    row.prepare = curve.prepare(batch);
    if (curve.wall > 0 && batch > curve.wall) {
      row.status = TrialStatus::out_of_memory;
      continue;
    }
    row.memory = memory_of(curve, batch);
    row.truth = curve.latency(batch);
  }
  return table;
}

// The fitting row whose batch is nearest to kAnchor.
std::int64_t anchor_of(const RecordedTable& table) {
  std::int64_t anchor = table.rows.front().batch;
  for (const TableRow& row : table.rows)
    if (row.status == TrialStatus::ok && row.batch <= kAnchor) anchor = row.batch;
  return anchor;
}

struct RunnableRow {
  TableRow* row = nullptr;
  int instances = 1;
};

void shuffle(std::vector<RunnableRow>& rows, Draw& draw) {
  for (std::size_t left = rows.size(); left > 1; --left)
    std::swap(rows[left - 1],
              rows[static_cast<std::size_t>(draw.integer(0, static_cast<std::int64_t>(left) - 1))]);
}

void visit(const RunnableRow& runnable, int round, double progress, Disturbance& disturbance) {
  auto& [row, instances] = runnable;
  const double octaves = std::log2(static_cast<double>(row->batch) / kAnchor);
  const double factor = disturbance.next_visit(progress, octaves);
  const int runs =
      std::clamp(static_cast<int>(std::ceil(kVisit / *row->truth)), 1, kMostRuns) * instances;
  for (int run = 0; run < runs; ++run) {
    row->latency.push_back(*row->truth * factor * disturbance.sample());
    row->round.push_back(round);
  }
}

}  // namespace

std::uint64_t Draw::next() {  // splitmix64: https://prng.di.unimi.it/splitmix64.c
  std::uint64_t z = state_ += 0x9E3779B97F4A7C15u;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return z ^ (z >> 31);
}

double Draw::uniform(double low, double high) {
  return low + (high - low) * static_cast<double>(next() >> 11) * 0x1p-53;
}

double Draw::scale(double low, double high) {
  return low * std::exp(uniform(0, std::log(high / low)));
}

std::int64_t Draw::integer(std::int64_t low, std::int64_t high) {
  return low + static_cast<std::int64_t>(next() % static_cast<std::uint64_t>(high - low + 1));
}

double Draw::normal() {  // Box and Muller
  const double radius = std::sqrt(-2 * std::log(1 - uniform()));
  return radius * std::cos(2 * std::numbers::pi * uniform());
}

std::vector<std::int64_t> batches_of(const Curve& curve) {
  constexpr std::int64_t kStepsPerDoubling = 8;
  constexpr std::int64_t kFewer = 8;  // times `dense`: from there on two steps a doubling
  std::vector<std::int64_t> batches;
  for (std::int64_t batch = 1; batch <= std::min(curve.dense, curve.largest); ++batch)
    batches.push_back(batch);
  for (std::int64_t octave = curve.dense; octave < curve.largest; octave *= 2) {
    const std::int64_t step = octave / (octave < kFewer * curve.dense ? kStepsPerDoubling : 2);
    for (std::int64_t batch = octave + step; batch <= std::min(2 * octave, curve.largest);
         batch += step)
      batches.push_back(batch);
  }
  for (const std::int64_t batch : {curve.wall, curve.wall + 1})
    if (curve.wall > 0) batches.push_back(batch);
  std::sort(batches.begin(), batches.end());
  batches.erase(std::unique(batches.begin(), batches.end()), batches.end());
  return batches;
}

std::vector<RecordedTable> record(const CurveGroup& group, std::string name, Draw& draw) {
  std::vector<RecordedTable> tables;
  for (const Curve& curve : group.curves) tables.push_back(empty_table(curve, name));
  tables.front().anchor = anchor_of(tables.front());
  std::vector<RunnableRow> rows;
  for (RecordedTable& table : tables)
    for (TableRow& row : table.rows)
      if (row.truth && row.batch != table.anchor) rows.push_back({&row, table.group.instances});
  RecordedTable& first = tables.front();
  const auto anchor = std::find_if(first.rows.begin(), first.rows.end(),
                                   [&](const TableRow& row) { return row.batch == first.anchor; });
  Disturbance disturbance(group.noise, draw);
  const std::size_t rounds = std::max(kVisits, rows.size() * kVisits / kPerRound);
  for (std::size_t round = 0; round < rounds; ++round) {
    shuffle(rows, draw);
    std::vector<RunnableRow> order(
        rows.begin(), rows.begin() + static_cast<std::ptrdiff_t>(std::min(kPerRound, rows.size())));
    order.push_back({&*anchor, first.group.instances});
    shuffle(order, draw);
    disturbance.next_round();
    const double progress = static_cast<double>(round) / static_cast<double>(rounds);
    for (const RunnableRow& each : order)
      visit(each, static_cast<int>(round), progress, disturbance);
  }
  return tables;
}

std::vector<RecordedTable> tables_of(const CurveKind& kind, std::uint64_t seed) {
  std::uint64_t mixed = seed;
  for (const char letter : kind.name) mixed = mixed * 31 + static_cast<unsigned char>(letter);
  Draw draw(mixed);
  const CurveGroup group = kind.make(draw);
  return record(group, std::string(kind.name) + "#" + std::to_string(seed), draw);
}

}  // namespace batchtune
