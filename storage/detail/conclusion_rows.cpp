#include "storage/detail/json.h"
#include "storage/detail/rows.h"

namespace batchtune::detail {
namespace {

constexpr char kUpsertTrial[] =
    "INSERT INTO trial(session, id, backend, dtype, threads, instances, dims, cores, variant, "
    "compiled_batch, batch, status, "
    "reason, evidence,"
    " place, undisturbed, undisturbed_low, undisturbed_high, p50, p90, p95, p99, p99_9, max,"
    " throughput_undisturbed, throughput_as_seen, ratio_to_anchor, ratio_low, ratio_high, visits, "
    "samples, memory,"
    " memory_kind, prepare_seconds, on_front, front_probability, estimated_latency, "
    "estimated_memory, quiet_visits, autocorrelation)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, "
    "?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
    " ON CONFLICT(session, id) DO UPDATE SET status = excluded.status, reason = excluded.reason,"
    " evidence = excluded.evidence, place = excluded.place, undisturbed = excluded.undisturbed,"
    " undisturbed_low = excluded.undisturbed_low, undisturbed_high = excluded.undisturbed_high,"
    " p50 = excluded.p50, p90 = excluded.p90, p95 = excluded.p95, p99 = excluded.p99, p99_9 = "
    "excluded.p99_9,"
    " max = excluded.max, throughput_undisturbed = excluded.throughput_undisturbed,"
    " throughput_as_seen = excluded.throughput_as_seen, ratio_to_anchor = excluded.ratio_to_anchor,"
    " ratio_low = excluded.ratio_low, ratio_high = excluded.ratio_high, visits = excluded.visits,"
    " samples = excluded.samples, memory = excluded.memory, memory_kind = excluded.memory_kind,"
    " prepare_seconds = excluded.prepare_seconds, on_front = excluded.on_front,"
    " front_probability = excluded.front_probability, estimated_latency = "
    "excluded.estimated_latency,"
    " estimated_memory = excluded.estimated_memory, quiet_visits = excluded.quiet_visits,"
    " autocorrelation = excluded.autocorrelation";
constexpr int kMeasurementColumns = 16;
constexpr int kSoakedColumns = 7;

void bind_interval(Statement& statement, const std::optional<Interval>& interval) {
  statement.bind(interval ? std::optional(interval->low) : std::nullopt);
  statement.bind(interval ? std::optional(interval->high) : std::nullopt);
}

void bind_measurement(Statement& statement, const std::optional<Measurement>& measurement) {
  if (!measurement) {
    for (int column = 0; column < kMeasurementColumns; ++column) statement.bind_null();
    return;
  }
  const Measurement& m = *measurement;
  statement.bind(m.undisturbed);
  bind_interval(statement, m.undisturbed_ci95);
  statement.bind(m.p50).bind(m.p90).bind(m.p95).bind(m.p99).bind(m.p99_9).bind(m.max);
  statement.bind(m.throughput_undisturbed).bind(m.throughput_as_seen).bind(m.ratio_to_anchor);
  bind_interval(statement, m.ratio_ci95);
  statement.bind(m.visits).bind(m.samples);
}

Status insert_limits(const Database& database, std::int64_t session, const Trial& trial) {
  int ordinal = 0;
  for (const LimitVerdict& limit : trial.limits) {
    Statement insert(
        database,
        "INSERT INTO trial_limit(session, trial, ordinal, metric, seconds, decision, confidence,"
        " effective_samples, runs, over) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
    insert.bind(session).bind(trial.id).bind(ordinal++);
    insert.bind(name_of(limit.metric)).bind(limit.limit).bind(name_of(limit.decision));
    insert.bind(limit.confidence).bind(limit.samples).bind(limit.runs).bind(limit.over);
    BT_TRY_VOID(insert.run());
  }
  return {};
}

Status insert_trial(const Database& database, std::int64_t session, const Trial& trial) {
  Statement upsert(database, kUpsertTrial);
  upsert.bind(session).bind(trial.id);
  BT_TRY_VOID(bind_candidate(upsert, trial.candidate));
  bind_ending(upsert, trial.ending);
  bind_measurement(upsert, trial.measurement);
  upsert.bind(trial.memory);
  upsert.bind(trial.memory_kind ? std::optional(std::string(name_of(*trial.memory_kind)))
                                : std::nullopt);
  upsert.bind(trial.prepare_seconds).bind(trial.on_front).bind(trial.front_probability);
  upsert.bind(trial.estimate ? std::optional(trial.estimate->latency) : std::nullopt);
  upsert.bind(trial.estimate ? std::optional(trial.estimate->memory) : std::nullopt);
  upsert.bind(trial.measurement ? std::optional(trial.measurement->quiet_visits) : std::nullopt);
  upsert.bind(trial.measurement ? trial.measurement->autocorrelation : std::nullopt);
  BT_TRY_VOID(upsert.run());
  return insert_limits(database, session, trial);
}

Status insert_front(const Database& database, std::int64_t session, int ordinal,
                    const Front& front) {
  int position = 0;
  for (TrialId trial : front.trials) {
    Statement insert(database,
                     "INSERT INTO front(session, ordinal, position, trial) VALUES (?, ?, ?, ?)");
    BT_TRY_VOID(insert.bind(session).bind(ordinal).bind(position++).bind(trial).run());
  }
  return {};
}

Status insert_boundary(const Database& database, std::int64_t session, int ordinal,
                       const Boundary& boundary) {
  Statement insert(
      database,
      "INSERT INTO boundary(session, ordinal, backend, dtype, threads, instances, dims, cores, "
      "variant, compiled_batch, kind, limiter,"
      " largest_fitting, smallest_failing, evidence, exact, kills)"
      " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
  insert.bind(session).bind(ordinal);
  BT_TRY_VOID(bind_group(insert, boundary.group));
  insert.bind(name_of(boundary.kind)).bind(name_of(boundary.limiter));
  return insert.bind(boundary.largest_fitting)
      .bind(boundary.smallest_failing)
      .bind(boundary.evidence)
      .bind(boundary.exact)
      .bind(boundary.kills)
      .run();
}

void bind_soaked(Statement& statement, const std::optional<Soaked>& soaked) {
  if (!soaked) {
    for (int column = 0; column < kSoakedColumns; ++column) statement.bind_null();
    return;
  }
  statement.bind(soaked->seconds).bind(soaked->runs).bind(soaked->peak);
  bind_ending(statement, soaked->ending);
}

Status insert_verdict(const Database& database, std::int64_t session, int ordinal,
                      const Verdict& verdict) {
  Statement insert(
      database,
      "INSERT INTO verdict(session, ordinal, backend, trial, batch, objective, reason, runner_up,"
      " stability, headroom, headroom_share, soak_seconds, soak_runs, soak_peak, soak_status,"
      " soak_reason, soak_evidence, soak_place, nearest, gap, levers)"
      " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
  insert.bind(session).bind(ordinal).bind(verdict.backend).bind(verdict.trial);
  insert.bind(verdict.trial ? std::optional(verdict.batch) : std::nullopt);
  insert.bind(name_of(verdict.objective)).bind(verdict.reason).bind(verdict.runner_up);
  insert.bind(verdict.stability).bind(verdict.headroom).bind(verdict.headroom_share);
  bind_soaked(insert, verdict.soaked);
  if (!verdict.nothing_fits) return insert.bind_null().bind_null().bind_null().run();
  const NothingFits& nothing = *verdict.nothing_fits;
  BT_TRY(levers, encode(Json(nothing.levers)));
  insert.bind(nothing.nearest != 0 ? std::optional(nothing.nearest) : std::nullopt);
  return insert.bind(nothing.gap).bind(levers).run();
}

// What the session's own row says of the conclusion; without one, nothing.
Status set_summary(const Database& database, std::int64_t session, const Conclusion& conclusion,
                   bool concluded) {
  Statement update(database,
                   "UPDATE session SET best_trial = ?, best_backend = ?, best_batch = ?, "
                   "best_proven = ?, quiet_share = ?, kills = ? WHERE id = ?");
  if (const auto& best = conclusion.best)
    update.bind(best->trial).bind(best->backend).bind(best->batch).bind(best->proven);
  else
    update.bind_null().bind_null().bind_null().bind_null();
  update.bind(conclusion.quiet_share);
  update.bind(concluded ? std::optional(conclusion.kills) : std::nullopt);
  return update.bind(session).run();
}

}  // namespace

Status clear_conclusion(const Database& database, std::int64_t session) {
  for (const char* sql :
       {"DELETE FROM front WHERE session = ?", "DELETE FROM boundary WHERE session = ?",
        "DELETE FROM verdict WHERE session = ?", "DELETE FROM trial_limit WHERE session = ?"}) {
    Statement statement(database, sql);
    BT_TRY_VOID(statement.bind(session).run());
  }
  return set_summary(database, session, {}, false);
}

Status replace_conclusion(const Database& database, std::int64_t session,
                          const Conclusion& conclusion) {
  BT_TRY_VOID(clear_conclusion(database, session));
  for (const Trial& trial : conclusion.trials) BT_TRY_VOID(insert_trial(database, session, trial));
  int ordinal = 0;
  for (const Front& front : conclusion.fronts)
    BT_TRY_VOID(insert_front(database, session, ordinal++, front));
  ordinal = 0;
  for (const Boundary& boundary : conclusion.boundaries)
    BT_TRY_VOID(insert_boundary(database, session, ordinal++, boundary));
  ordinal = 0;
  for (const Verdict& verdict : conclusion.verdicts)
    BT_TRY_VOID(insert_verdict(database, session, ordinal++, verdict));
  return set_summary(database, session, conclusion, true);
}

}  // namespace batchtune::detail
