#include <algorithm>
#include <cmath>

#include "storage/detail/json.h"
#include "storage/detail/rows.h"

namespace batchtune::detail {
namespace {

void bind_memory(Statement& statement, const std::optional<MemoryUse>& memory) {
  if (!memory) {
    for (int column = 0; column < 4; ++column) statement.bind_null();
    return;
  }
  statement.bind(memory->weights)
      .bind(memory->activations)
      .bind(memory->workspace)
      .bind(name_of(memory->kind));
}

Result<std::optional<MemoryUse>> memory_at(const Database& database, const Statement& row,
                                           int column) {
  if (row.is_null(column + 3)) return std::nullopt;
  for (MemoryKind kind : kMemoryKinds)
    if (name_of(kind) == row.text(column + 3))
      return MemoryUse{row.integer(column), row.integer(column + 1), row.integer(column + 2), kind};
  return database.error(SQLITE_CORRUPT, "unknown memory kind");
}

Result<LimiterKind> limiter_at(const Database& database, const Statement& row, int column) {
  for (LimiterKind limiter : kLimiterKinds)
    if (name_of(limiter) == row.text(column)) return limiter;
  return database.error(SQLITE_CORRUPT, "unknown limiter '" + row.text(column) + "'");
}

Result<Ending> ending_at(const Database& database, const Statement& row, int column) {
  const auto status = parse_trial_status(row.text(column));
  if (!status) return database.error(SQLITE_CORRUPT, "unknown status '" + row.text(column) + "'");
  return Ending{*status, row.text(column + 1), row.text(column + 2), row.text(column + 3)};
}

std::optional<double> median_of_timed(const Visit& visit) {
  const auto warm =
      std::min(visit.seconds.size(), static_cast<std::size_t>(std::max(visit.warm, 0)));
  std::vector<double> timed(visit.seconds.begin() + static_cast<std::ptrdiff_t>(warm),
                            visit.seconds.end());
  if (timed.empty()) return std::nullopt;
  std::sort(timed.begin(), timed.end());
  return (timed[(timed.size() - 1) / 2] + timed[timed.size() / 2]) / 2;
}

// The trial as it stands after its preparation; one prepared again keeps its number.
Status upsert_trial(const Database& database, std::int64_t session,
                    const Preparation& preparation) {
  Statement upsert(
      database,
      "INSERT INTO trial(session, id, backend, dtype, threads, instances, dims, "
      "cores, variant, compiled_batch, batch, status, "
      "reason,"
      " evidence, place, prepare_seconds) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
      " ON CONFLICT(session, id) DO UPDATE SET status = excluded.status, reason = excluded.reason,"
      " evidence = excluded.evidence, place = excluded.place, prepare_seconds = "
      "excluded.prepare_seconds");
  upsert.bind(session).bind(preparation.trial);
  BT_TRY_VOID(bind_candidate(upsert, preparation.candidate));
  bind_ending(upsert, preparation.ending);
  return upsert.bind(preparation.prepare_seconds).run();
}

Status insert(const Database& database, std::int64_t session, std::int64_t id,
              const Preparation& preparation) {
  Statement insert(
      database,
      "INSERT INTO preparation(observation, trial, backend, dtype, threads, instances, dims, "
      "cores, variant, compiled_batch, batch,"
      " status, reason, evidence, place, prepare_seconds, load_seconds, first_run, memory_weights,"
      " memory_activations, memory_workspace, memory_kind, compile_seconds, compiled)"
      " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
  insert.bind(id).bind(preparation.trial);
  BT_TRY_VOID(bind_candidate(insert, preparation.candidate));
  bind_ending(insert, preparation.ending);
  insert.bind(preparation.prepare_seconds)
      .bind(preparation.load_seconds)
      .bind(preparation.first_run);
  bind_memory(insert, preparation.memory);
  insert.bind(preparation.compile_seconds);
  if (preparation.compiled.empty()) {
    insert.bind_null();
  } else {
    BT_TRY(compiled, encode(to_json(preparation.compiled)));
    insert.bind(compiled);
  }
  BT_TRY_VOID(insert.run());
  return upsert_trial(database, session, preparation);
}

Status insert_visit(const Database& database, std::int64_t id, int ordinal, const Visit& visit) {
  Statement insert(database,
                   "INSERT INTO visit(observation, ordinal, position, instance, trial, reference, "
                   "warm, disturbed,"
                   " host_state, samples, median) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
  insert.bind(id).bind(ordinal).bind(visit.position).bind(visit.instance);
  insert.bind(visit.trial != 0 ? std::optional(visit.trial) : std::nullopt);
  insert.bind(visit.reference.empty() ? std::nullopt : std::optional(visit.reference));
  insert.bind(visit.warm).bind(visit.disturbed);
  if (visit.host) {
    BT_TRY(host, encode(to_json(*visit.host)));
    insert.bind(host);
  } else {
    insert.bind_null();
  }
  return insert.bind(visit.seconds).bind(median_of_timed(visit)).run();
}

Status insert_failure(const Database& database, std::int64_t session, std::int64_t id, int ordinal,
                      const RoundFailure& failure) {
  Statement insert(
      database,
      "INSERT INTO round_failure(observation, ordinal, trial, status, reason, evidence, place)"
      " VALUES (?, ?, ?, ?, ?, ?, ?)");
  insert.bind(id).bind(ordinal).bind(failure.trial);
  bind_ending(insert, failure.ending);
  BT_TRY_VOID(insert.run());
  Statement update(database,
                   "UPDATE trial SET status = ?, reason = ?, evidence = ?, place = ? WHERE session "
                   "= ? AND id = ?");
  bind_ending(update, failure.ending);
  return update.bind(session).bind(failure.trial).run();
}

Status insert(const Database& database, std::int64_t session, std::int64_t id, const Round& round) {
  int ordinal = 0;
  for (const Visit& visit : round.visits) BT_TRY_VOID(insert_visit(database, id, ordinal++, visit));
  ordinal = 0;
  for (const RoundFailure& failure : round.failures)
    BT_TRY_VOID(insert_failure(database, session, id, ordinal++, failure));
  return {};
}

Status insert(const Database& database, std::int64_t /*session*/, std::int64_t id,
              const Probe& probe) {
  Statement insert(
      database,
      "INSERT INTO probe(observation, backend, dtype, threads, instances, dims, "
      "cores, variant, compiled_batch, batch, status, "
      "reason,"
      " evidence, place, memory_limit, limiter, seconds, memory_weights, memory_activations,"
      " memory_workspace, memory_kind, soak, runs, peak_resident, spill_swapped, "
      "spill_major_faults,"
      " killed) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
  insert.bind(id);
  BT_TRY_VOID(bind_candidate(insert, probe.candidate));
  bind_ending(insert, probe.ending);
  insert.bind(probe.limit).bind(name_of(probe.limiter)).bind(probe.seconds);
  bind_memory(insert, probe.memory);
  insert.bind(probe.soak).bind(probe.runs).bind(probe.peak_resident);
  insert.bind(probe.spill ? std::optional(probe.spill->swapped) : std::nullopt);
  insert.bind(probe.spill ? std::optional(probe.spill->major_faults) : std::nullopt);
  return insert.bind(probe.killed).run();
}

Result<Preparation> select_preparation(const Database& database, std::int64_t id) {
  Statement row(database,
                "SELECT trial, backend, dtype, threads, instances, dims, "
      "cores, variant, compiled_batch, batch, status, reason, "
                "evidence, place,"
                " prepare_seconds, load_seconds, first_run, memory_weights, memory_activations, "
                "memory_workspace,"
                " memory_kind, compile_seconds, compiled FROM preparation WHERE observation = ?");
  BT_TRY(found, row.bind(id).step());
  if (!found) return database.error(SQLITE_CORRUPT, "a preparation without its row");
  BT_TRY(candidate, candidate_at(database, row, 1));
  BT_TRY(ending, ending_at(database, row, 10));
  BT_TRY(memory, memory_at(database, row, 17));
  std::vector<std::int64_t> compiled;
  if (!row.is_null(22)) BT_TRY_VOID(decode(database, row.text(22), compiled));
  return Preparation{static_cast<TrialId>(row.integer(0)),
                     std::move(candidate),
                     std::move(ending),
                     row.real(14),
                     row.real(15),
                     row.optional_real(16),
                     memory,
                     row.optional_real(21),
                     std::move(compiled)};
}

Result<Probe> select_probe(const Database& database, std::int64_t id) {
  Statement row(
      database,
      "SELECT backend, dtype, threads, instances, dims, "
      "cores, variant, compiled_batch, batch, status, reason, evidence, place,"
      " memory_limit, limiter, seconds, memory_weights, memory_activations, memory_workspace, "
      "memory_kind, soak, runs, peak_resident, spill_swapped, spill_major_faults, killed"
      " FROM probe WHERE observation = ?");
  BT_TRY(found, row.bind(id).step());
  if (!found) return database.error(SQLITE_CORRUPT, "a probe without its row");
  Probe probe;
  BT_TRY(candidate, candidate_at(database, row, 0));
  BT_TRY(ending, ending_at(database, row, 9));
  BT_TRY(limiter, limiter_at(database, row, 14));
  BT_TRY(memory, memory_at(database, row, 16));
  probe.candidate = std::move(candidate);
  probe.ending = std::move(ending);
  probe.limit = row.optional_integer(13);
  probe.limiter = limiter;
  probe.seconds = row.real(15);
  probe.memory = memory;
  // NULL from before these columns reads as 0.
  probe.soak = row.real(20);
  probe.runs = static_cast<int>(row.integer(21));
  probe.peak_resident = row.optional_integer(22);
  if (!row.is_null(23)) probe.spill = Spill{row.integer(23), row.integer(24)};
  probe.killed = row.integer(25) != 0;
  return probe;
}

// What nobody writes: only a damaged file holds it, and it would lead readers astray.
Status check_visit(const Database& database, const Visit& visit) {
  if (visit.warm < 0 || visit.warm > std::ssize(visit.seconds))
    return database.error(SQLITE_CORRUPT, "a visit with " + std::to_string(visit.warm) +
                                              " warm-up runs of " +
                                              std::to_string(visit.seconds.size()));
  for (Seconds seconds : visit.seconds)
    if (!std::isfinite(seconds))
      return database.error(SQLITE_CORRUPT, "a sample that is no finite number");
  return {};
}

Result<Round> select_round(const Database& database, std::int64_t id) {
  Round round;
  Statement row(
      database,
      "SELECT trial, reference, position, instance, warm, disturbed, host_state, samples FROM visit"
      " WHERE observation = ? ORDER BY ordinal");
  row.bind(id);
  for (;;) {
    BT_TRY(more, row.step());
    if (!more) break;
    Visit& visit = round.visits.emplace_back();
    visit.trial = static_cast<TrialId>(row.integer(0));
    visit.reference = row.text(1);
    visit.position = static_cast<int>(row.integer(2));
    visit.instance = static_cast<int>(row.integer(3));
    visit.warm = static_cast<int>(row.integer(4));
    visit.disturbed = row.integer(5) != 0;
    if (!row.is_null(6)) BT_TRY_VOID(decode(database, row.text(6), visit.host.emplace()));
    visit.seconds = row.samples(7);
    BT_TRY_VOID(check_visit(database, visit));
  }
  Statement failure(database,
                    "SELECT trial, status, reason, evidence, place FROM round_failure"
                    " WHERE observation = ? ORDER BY ordinal");
  failure.bind(id);
  for (;;) {
    BT_TRY(more, failure.step());
    if (!more) break;
    BT_TRY(ending, ending_at(database, failure, 1));
    round.failures.push_back({static_cast<TrialId>(failure.integer(0)), std::move(ending)});
  }
  return round;
}

template <typename T>
Status assign(Observation& observation, Result<T> part) {
  if (!part) return tl::make_unexpected(part.error());
  observation.what = std::move(*part);
  return {};
}

Status read_content(const Database& database, std::int64_t id, const std::string& kind,
                    Observation& observation) {
  if (kind == "preparation") return assign(observation, select_preparation(database, id));
  if (kind == "round") return assign(observation, select_round(database, id));
  return assign(observation, select_probe(database, id));
}

}  // namespace

Status insert_observation(const Database& database, std::int64_t session, std::int64_t sequence,
                          const Observation& observation) {
  Statement insert_row(
      database,
      "INSERT INTO observation(session, seq, kind, started, device_time, wall, canaries)"
      " VALUES (?, ?, ?, ?, ?, ?, ?)");
  insert_row.bind(session)
      .bind(sequence)
      .bind(kind_of(observation))
      .bind(observation.started)
      .bind(observation.device_time)
      .bind(observation.wall)
      .bind(observation.canaries);
  BT_TRY_VOID(insert_row.run());
  const std::int64_t id = database.last_id();
  return std::visit([&](const auto& what) { return insert(database, session, id, what); },
                    observation.what);
}

Result<std::vector<Observation>> select_observations(const Database& database,
                                                     std::int64_t session) {
  std::vector<Observation> observations;
  Statement row(database,
                "SELECT id, kind, started, device_time, wall, canaries FROM observation"
                " WHERE session = ? ORDER BY seq");
  row.bind(session);
  for (;;) {
    BT_TRY(more, row.step());
    if (!more) return observations;
    Observation observation;
    observation.started = row.real(2);
    observation.device_time = row.real(3);
    observation.wall = row.real(4);  // NULL from before these columns reads as 0
    observation.canaries = row.real(5);
    BT_TRY_VOID(read_content(database, row.integer(0), row.text(1), observation));
    observations.push_back(std::move(observation));
  }
}

}  // namespace batchtune::detail
