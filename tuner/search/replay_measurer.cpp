// ReplayMeasurer (replay.h). Every draw is seeded by the number of its round or trial, so that a
// resumed session gets the rounds that it would have had.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <set>

#include "tuner/measure/round_plan.h"
#include "tuner/search/recording.h"
#include "tuner/search/replay.h"
#include "tuner/search/virtual_compilers.h"

namespace batchtune {
namespace {

std::size_t pick(std::size_t count, RoundRandom& random) {
  return static_cast<std::size_t>(random() % count);
}

// How the row ends when it is prepared; `failing`: smallest batch of the table that ran out of
// memory.
Ending ending_of(const RecordedRow* recorded, std::int64_t batch,
                 std::optional<std::int64_t> failing) {
  if (!recorded || (recorded->visits.empty() && recorded->row->status == TrialStatus::ok)) {
    if (failing && batch > *failing)
      return {TrialStatus::out_of_memory, "above a batch that ran out of memory",
              fmt::format("recorded of batch {}", *failing), "device"};
    return {TrialStatus::unsupported, "the table has no samples of this batch", "", ""};
  }
  const TrialStatus status = recorded->row->status;
  if (!recorded->visits.empty()) return {};
  const bool memory = status == TrialStatus::out_of_memory;
  return {status, fmt::format("recorded as {}", name_of(status)), "", memory ? "device" : ""};
}

std::optional<std::int64_t> smallest_failing(const RecordedTable& table) {
  for (const TableRow& row : table.rows)
    if (row.status == TrialStatus::out_of_memory) return row.batch;
  return std::nullopt;
}

// Of the row, or on the line through the two nearest rows that say; nullopt: nothing is known.
std::optional<Bytes> memory_at(const RecordedTable& table, std::int64_t batch) {
  std::vector<const TableRow*> rows;
  for (const TableRow& row : table.rows)
    if (row.memory && row.status != TrialStatus::out_of_memory) rows.push_back(&row);
  if (rows.empty()) return std::nullopt;
  std::stable_sort(rows.begin(), rows.end(), [&](const TableRow* a, const TableRow* b) {
    return std::abs(a->batch - batch) < std::abs(b->batch - batch);
  });
  if (rows.front()->batch == batch || rows.size() == 1)
    return static_cast<Bytes>(*rows.front()->memory);
  const TableRow& near = *rows[0];
  const TableRow& far = *rows[1];
  const double slope = (*far.memory - *near.memory) / static_cast<double>(far.batch - near.batch);
  return static_cast<Bytes>(*near.memory + slope * static_cast<double>(batch - near.batch));
}

}  // namespace

struct ReplayMeasurer::Impl {
  const TableGroup& tables;
  std::uint64_t seed;
  Recording recording;
  std::map<TrialId, const RecordedRow*> live;
  BalancedDraws draws;
  const bool compiles;
  VirtualCompilers compilers;
  Seconds now = 0;  // virtual
  std::map<CandidateGroup, std::vector<std::int64_t>> untold;  // found compiled when it was loaded
  std::set<CandidateGroup> loaded;

  Impl(const TableGroup& group, std::uint64_t seed_given, const ReplayCompilers& given)
      : tables(group),
        seed(seed_given),
        recording(group),
        compiles(has_compiler(group)),
        compilers(given.count) {
    for (const RecordedTable& table : tables)
      for (const std::int64_t batch : given.compiled) compilers.know({table.group, batch});
  }

  void load(const CandidateGroup& group) {
    if (compiles && loaded.insert(group).second) untold[group] = compilers.ready(group, now);
  }
  // What preparing it takes now; `compile`: of that, waited for the compiler.
  struct Preparing {
    Seconds seconds = 0;
    std::optional<Seconds> compile;
  };
  Preparing preparing(const Candidate& candidate, const RecordedRow* recorded);
  Observation passed(Observation observation) {
    observation.started = now;
    observation.wall = observation.device_time;
    now += observation.wall;
    return observation;
  }

  Result<const RecordedTable*> table_of(const CandidateGroup& group) const;
  Status check_batch(std::int64_t batch) const;
  std::vector<PricedContender> plan(const RoundRequest& request, Round& round, RoundRandom& random);
  std::vector<Seconds> samples_of(const RecordedRow& row, int round, RoundRandom& random) const;
};

Result<const RecordedTable*> ReplayMeasurer::Impl::table_of(const CandidateGroup& group) const {
  for (const RecordedTable& table : tables)
    if (table.group == group) return &table;
  return bad_input("a candidate of a recorded table", to_string(group), "replay",
                   "Add the table of this group.");
}

Status ReplayMeasurer::Impl::check_batch(std::int64_t batch) const {
  for (const RecordedRow& row : recording.rows())
    if (row.candidate.batch == batch) return {};
  return bad_input("a batch of the table", std::to_string(batch), tables.front().name,
                   "Ask for allowed batches alone.");
}

// The anchor first, then contenders for the time left, in random order.
std::vector<PricedContender> ReplayMeasurer::Impl::plan(const RoundRequest& request, Round& round,
                                                        RoundRandom& random) {
  std::vector<PricedContender> visits, candidates;
  const auto is_live = [&](TrialId trial) {
    if (live.count(trial) > 0) return true;
    round.failures.push_back({trial, {TrialStatus::failed, "not prepared", "", ""}});
    return false;
  };
  Seconds left = request.seconds;
  Contender anchor{request.anchor, 1, 0};
  for (const Contender& contender : request.contenders)
    if (contender.trial == request.anchor) anchor = contender;
  if (request.anchor != 0 && is_live(request.anchor)) {
    visits.push_back(price(anchor, live.at(anchor.trial)->run, 0, request.seconds));
    left -= visits.back().visit_seconds();
  }
  for (const Contender& contender : request.contenders)
    if (contender.trial != request.anchor && is_live(contender.trial))
      candidates.push_back(price(contender, live.at(contender.trial)->run, 0, left));
  for (const PricedContender& drawn : draws.draw(candidates, left, random)) visits.push_back(drawn);
  shuffle_in_place(visits, random);
  return visits;
}

// What the row shows in a recorded round, as replay.h says.
std::vector<Seconds> ReplayMeasurer::Impl::samples_of(const RecordedRow& row, int round,
                                                      RoundRandom& random) const {
  if (const RecordedVisit* visit = row.find(round)) return visit->samples;
  const RecordedVisit& visit = row.visits[pick(row.visits.size(), random)];
  std::vector<Seconds> samples = visit.samples;
  const auto there = recording.disturbance(row, round);
  const auto here = recording.disturbance(row, visit.round);
  if (there && here)
    for (Seconds& sample : samples) sample *= *there / *here;
  return samples;
}

ReplayMeasurer::Impl::Preparing ReplayMeasurer::Impl::preparing(const Candidate& candidate,
                                                                const RecordedRow* recorded) {
  Preparing result;
  if (recorded) result.seconds = recorded->row->prepare.value_or(0);
  if (!compiles) return result;
  const Seconds takes = recorded ? recorded->row->compile.value_or(0) : 0;
  result.compile = compilers.wait(candidate, takes, now);
  result.seconds += *result.compile - takes;
  return result;
}

bool has_compiler(const TableGroup& tables) {
  for (const RecordedTable& table : tables)
    for (const TableRow& row : table.rows)
      if (row.compile) return true;
  return false;
}

ReplayMeasurer::ReplayMeasurer(const TableGroup& tables, std::uint64_t seed,
                               const ReplayCompilers& compilers)
    : impl_(std::make_unique<Impl>(tables, seed, compilers)) {}

ReplayMeasurer::~ReplayMeasurer() = default;

Result<Observation> ReplayMeasurer::prepare(TrialId trial, const Candidate& candidate) {
  BT_TRY(table, impl_->table_of(candidate.group));
  BT_TRY_VOID(impl_->check_batch(candidate.batch));
  const RecordedRow* recorded = impl_->recording.find(candidate);
  Preparation preparation;
  preparation.trial = trial;
  preparation.candidate = candidate;
  preparation.ending = ending_of(recorded, candidate.batch, smallest_failing(*table));
  impl_->load(candidate.group);
  if (const auto told = impl_->untold.extract(candidate.group); !told.empty())
    preparation.compiled = told.mapped();
  const auto preparing = impl_->preparing(candidate, recorded);
  preparation.prepare_seconds = preparing.seconds;
  preparation.compile_seconds = preparing.compile;
  Observation observation;
  observation.device_time = preparation.prepare_seconds;
  impl_->live.erase(trial);
  if (preparation.ending.status == TrialStatus::ok) {
    RoundRandom random = round_random(impl_->seed, static_cast<std::uint64_t>(trial) << 32);
    const auto& latency = recorded->row->latency;
    preparation.first_run = latency[pick(latency.size(), random)];
    observation.device_time += *preparation.first_run;
    if (recorded->row->memory)
      preparation.memory =
          MemoryUse{0, static_cast<Bytes>(*recorded->row->memory), 0, MemoryKind::account};
    impl_->live[trial] = recorded;
  }
  observation.what = preparation;
  return impl_->passed(std::move(observation));
}

// Samples are dealt to the instances in turn, which run side by side.
Result<Observation> ReplayMeasurer::run_round(const RoundRequest& request) {
  RoundRandom random = round_random(impl_->seed, request.sequence);
  Round round;
  Observation observation;
  const auto visits = impl_->plan(request, round, random);
  const auto& recorded = impl_->recording.rounds();
  const int drawn = visits.empty() ? 0 : recorded[pick(recorded.size(), random)];
  for (std::size_t position = 0; position < visits.size(); ++position) {
    const TrialId trial = visits[position].trial;
    const VisitLength length = visits[position].length;
    const RecordedRow& row = *impl_->live.at(trial);
    const auto samples = impl_->samples_of(row, drawn, random);
    const auto instances = static_cast<std::size_t>(row.candidate.group.instances);
    Seconds longest = 0;
    for (std::size_t instance = 0; instance < std::min(instances, samples.size()); ++instance) {
      Visit& visit = round.visits.emplace_back();
      visit.trial = trial;
      visit.position = static_cast<int>(position);
      visit.instance = static_cast<int>(instance);
      visit.warm = length.warm;
      visit.seconds.assign(static_cast<std::size_t>(length.warm), samples[instance]);
      for (std::size_t i = instance; i < samples.size(); i += instances)
        if (visit.seconds.size() < static_cast<std::size_t>(length.runs()))
          visit.seconds.push_back(samples[i]);
      longest = std::max(longest,
                         std::accumulate(visit.seconds.begin(), visit.seconds.end(), Seconds{0}));
    }
    observation.device_time += longest;
  }
  observation.what = round;
  return impl_->passed(std::move(observation));
}

Result<Observation> ReplayMeasurer::probe(const ProbeRequest& request) {
  BT_TRY(table, impl_->table_of(request.candidate.group));
  const std::int64_t batch = request.candidate.batch;
  const RecordedRow* recorded = impl_->recording.find(request.candidate);
  const auto failing = smallest_failing(*table);
  const auto memory = memory_at(*table, batch);
  Probe probe;
  probe.candidate = request.candidate;
  probe.limit = request.limit;
  probe.limiter = request.limit ? LimiterKind::account : LimiterKind::none;
  probe.soak = request.soak;
  probe.seconds = impl_->preparing(request.candidate, recorded).seconds;
  if ((failing && batch >= *failing) || (request.limit && memory.value_or(0) > *request.limit)) {
    probe.ending = {TrialStatus::out_of_memory, "recorded as out_of_memory",
                    fmt::format("wanted {} bytes", memory.value_or(0)), "device"};
  } else {
    const Seconds run = recorded ? recorded->run : 0;
    if (recorded && recorded->visits.empty()) probe.ending = ending_of(recorded, batch, failing);
    if (memory) probe.memory = MemoryUse{0, *memory, 0, MemoryKind::account};
    probe.peak_resident = memory;
    probe.runs = run > 0 ? std::max(1, static_cast<int>(request.soak / run)) : 1;
    probe.seconds += std::max(request.soak, run);
  }
  Observation observation;
  observation.device_time = probe.seconds;
  observation.what = probe;
  return impl_->passed(std::move(observation));
}

void ReplayMeasurer::compile_ahead(const Candidate& candidate) {
  impl_->load(candidate.group);
  const RecordedRow* recorded = impl_->recording.find(candidate);
  const Seconds takes = recorded ? recorded->row->compile.value_or(0) : 0;
  if (impl_->compiles) impl_->compilers.begin(candidate, takes, impl_->now);
}

int ReplayMeasurer::compiled() const {
  return impl_->compilers.begun();
}

void ReplayMeasurer::release(TrialId trial) {
  impl_->live.erase(trial);
  impl_->draws.forget(trial);
}

}  // namespace batchtune
