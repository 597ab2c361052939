#include "storage/detail/json.h"
#include "storage/detail/rows.h"
#include "tuner/core/hash.h"

namespace batchtune::detail {
namespace {

constexpr char kInsertSession[] =
    "INSERT INTO session(uuid, command, started_at, seed, strategy, model, model_hash, model_json, "
    "parameters,"
    " flops_per_sample, dense_parameters, dense_flops_per_sample, activation_bytes_per_sample, "
    "wishes, settings,"
    " environment, reference_hash, simulated, revision, branch, label)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";

constexpr char kSelectSession[] =
    "SELECT s.uuid, command, started_at, seed, strategy, model, model_hash, model_json, parameters,"
    " flops_per_sample, dense_parameters, dense_flops_per_sample, activation_bytes_per_sample, "
    "wishes, settings,"
    " e.json, reference_hash, simulated, revision, branch, label, end, end_reason, anchor,"
    " overhead_in_interval, overhead_between_visits, overhead_outside_share"
    " FROM session s JOIN environment e ON e.id = s.environment WHERE s.id = ?";

std::optional<std::string> entry(const Environment& environment, std::string_view name) {
  for (const auto& [key, value] : environment)
    if (key == name) return to_string(value);
  return std::nullopt;
}

Result<std::int64_t> environment_row(const Database& database, const Environment& environment) {
  BT_TRY(json, encode(to_json(environment)));
  const std::string hash = hex64(fnv1a(json));
  Statement insert(database,
                   "INSERT INTO environment(hash, cpu_model, kernel, json) VALUES (?, ?, ?, ?)"
                   " ON CONFLICT(hash) DO NOTHING");
  insert.bind(hash).bind(entry(environment, "cpu.model")).bind(entry(environment, "kernel"));
  BT_TRY_VOID(insert.bind(json).run());
  Statement select(database, "SELECT id FROM environment WHERE hash = ?");
  BT_TRY_VOID(select.bind(hash).step());
  return select.integer(0);
}

Status insert_devices(const Database& database, std::int64_t session, const SessionHeader& header) {
  int ordinal = 0;
  for (const DeviceInfo& device : header.devices) {
    BT_TRY(json, encode(to_json(device)));
    Statement insert(
        database,
        "INSERT INTO device(session, ordinal, backend, name, version, memory_bytes, json)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)");
    insert.bind(session)
        .bind(ordinal++)
        .bind(device.backend)
        .bind(device.name)
        .bind(device.version);
    BT_TRY_VOID(insert.bind(device.memory_bytes).bind(json).run());
  }
  return {};
}

Status insert_estimates(const Database& database, std::int64_t session,
                        const SessionHeader& header) {
  int ordinal = 0;
  for (const Estimate& estimate : header.estimates) {
    BT_TRY(json, encode(to_json(estimate)));
    const auto& formula = estimate.formula;
    Statement insert(
        database,
        "INSERT INTO estimate(session, ordinal, backend, dtype, threads, instances, dims,"
        " cores, variant, compiled_batch, batch, formula_batch, guide_batch, bound, json)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
    insert.bind(session).bind(ordinal++);
    BT_TRY_VOID(bind_candidate(insert, {estimate.group, estimate.batch}));
    insert.bind(formula ? std::optional(formula->batch) : std::nullopt);
    insert.bind(formula ? formula->guide_batch : std::nullopt);
    BT_TRY_VOID(insert.bind(std::string(name_of(estimate.bound))).bind(json).run());
  }
  return {};
}

Status select_devices(const Database& database, SessionHeader& header) {
  Statement select(database, "SELECT json FROM device WHERE session = ? ORDER BY ordinal");
  select.bind(header.number);
  for (;;) {
    BT_TRY(row, select.step());
    if (!row) return {};
    BT_TRY_VOID(decode(database, select.text(0), header.devices.emplace_back()));
  }
}

Status select_estimates(const Database& database, SessionHeader& header) {
  Statement select(database,
                   "SELECT json, backend, dtype, threads, instances, dims, cores, variant, compiled_batch FROM estimate"
                   " WHERE session = ? ORDER BY ordinal");
  select.bind(header.number);
  for (;;) {
    BT_TRY(row, select.step());
    if (!row) return {};
    Estimate& estimate = header.estimates.emplace_back();
    BT_TRY_VOID(decode(database, select.text(0), estimate));
    BT_TRY(group, group_at(database, select, 1));
    estimate.group = std::move(group);
  }
}

Status read_header(const Database& database, const Statement& row, SessionHeader& header) {
  header.database = database.path();
  header.uuid = row.text(0);
  header.command = row.text(1);
  header.started_at = row.text(2);
  header.seed = static_cast<std::uint64_t>(row.integer(3));
  header.strategy = row.text(4);
  header.model = {.name = row.text(5),
                  .hash = row.text(6),
                  .parameters = row.real(8),
                  .flops_per_sample = row.real(9),
                  .dense_parameters = row.real(10),
                  .dense_flops_per_sample = row.real(11),
                  .activation_bytes_per_sample = row.real(12)};
  header.model_json = row.text(7);
  BT_TRY_VOID(decode(database, row.text(13), header.wishes));
  BT_TRY_VOID(decode(database, row.text(14), header.settings));
  BT_TRY_VOID(decode(database, row.text(15), header.environment));
  header.reference_hash = row.text(16);
  header.simulated = row.integer(17) != 0;
  header.revision = row.text(18);
  header.branch = row.text(19);
  header.label = row.text(20);
  return {};
}

Status select_device_names(const Database& database, SessionHeader& header) {
  Statement select(database,
                   "SELECT backend, name, version FROM device WHERE session = ? ORDER BY ordinal");
  select.bind(header.number);
  for (;;) {
    BT_TRY(row, select.step());
    if (!row) return {};
    DeviceInfo& device = header.devices.emplace_back();
    device.backend = select.text(0);
    device.name = select.text(1);
    device.version = select.text(2);
  }
}

Status select_groups(const Database& database, SessionHeader& header) {
  Statement select(database,
                   "SELECT backend, dtype, threads, instances, dims, cores, variant, compiled_batch FROM estimate"
                   " WHERE session = ? ORDER BY ordinal");
  select.bind(header.number);
  for (;;) {
    BT_TRY(row, select.step());
    if (!row) return {};
    BT_TRY(group, group_at(database, select, 0));
    header.estimates.emplace_back().group = std::move(group);
  }
}

}  // namespace

Result<std::vector<SessionHeader>> select_finished(const Database& database) {
  Statement select(database,
                   "SELECT id, uuid, command, started_at, model, model_hash, wishes, settings,"
                   " simulated FROM session WHERE command = 'tune' AND end IN ('converged',"
                   " 'budget') ORDER BY id DESC");
  std::vector<SessionHeader> headers;
  for (;;) {
    BT_TRY(row, select.step());
    if (!row) return headers;
    SessionHeader& header = headers.emplace_back();
    header.database = database.path();
    header.number = select.integer(0);
    header.uuid = select.text(1);
    header.command = select.text(2);
    header.started_at = select.text(3);
    header.model.name = select.text(4);
    header.model.hash = select.text(5);
    BT_TRY_VOID(decode(database, select.text(6), header.wishes));
    BT_TRY_VOID(decode(database, select.text(7), header.settings));
    header.simulated = select.integer(8) != 0;
    BT_TRY_VOID(select_device_names(database, header));
    BT_TRY_VOID(select_groups(database, header));
  }
}

Result<std::int64_t> insert_session(const Database& database, const SessionHeader& header) {
  BT_TRY(wishes, encode(to_json(header.wishes)));
  BT_TRY(settings, encode(to_json(header.settings)));
  BT_TRY(environment, environment_row(database, header.environment));
  const ModelSummary& model = header.model;
  Statement insert(database, kInsertSession);
  insert.bind(header.uuid).bind(header.command).bind(header.started_at);
  insert.bind(static_cast<std::int64_t>(header.seed)).bind(header.strategy);
  insert.bind(model.name).bind(model.hash).bind(header.model_json).bind(model.parameters);
  insert.bind(model.flops_per_sample)
      .bind(model.dense_parameters)
      .bind(model.dense_flops_per_sample);
  insert.bind(model.activation_bytes_per_sample).bind(wishes).bind(settings).bind(environment);
  insert.bind(header.reference_hash).bind(header.simulated);
  BT_TRY_VOID(insert.bind(header.revision).bind(header.branch).bind(header.label).run());
  const std::int64_t session = database.last_id();
  BT_TRY_VOID(insert_devices(database, session, header));
  BT_TRY_VOID(insert_estimates(database, session, header));
  return session;
}

Result<SessionRecord> select_session(const Database& database, std::int64_t session) {
  Statement select(database, kSelectSession);
  BT_TRY(found, select.bind(session).step());
  if (!found)
    return bad_input("a session of this database", "number " + std::to_string(session),
                     database.path(), "`batchtune list sessions` shows what there is");
  SessionRecord record;
  record.header.number = session;
  BT_TRY_VOID(read_header(database, select, record.header));
  const auto end = parse_session_end(select.text(21));
  if (!end) return database.error(SQLITE_CORRUPT, "unknown end '" + select.text(21) + "'");
  record.end = *end;
  record.end_reason = select.text(22);
  record.anchor = static_cast<TrialId>(select.integer(23));  // NULL reads as 0: none
  if (!select.is_null(24))
    record.overhead = Overhead{select.real(24), select.real(25), select.optional_real(26)};
  BT_TRY_VOID(select_devices(database, record.header));
  BT_TRY_VOID(select_estimates(database, record.header));
  return record;
}

Status bind_group(Statement& statement, const CandidateGroup& group) {
  BT_TRY(dims, encode(to_json(group.dims)));
  statement.bind(group.backend)
      .bind(name_of(group.dtype))
      .bind(group.threads)
      .bind(group.instances)
      .bind(dims)
      .bind(group.cores)
      .bind(group.variant)
      .bind(group.compiled_batch > 0 ? std::optional(group.compiled_batch) : std::nullopt);
  return {};
}

Status bind_candidate(Statement& statement, const Candidate& candidate) {
  BT_TRY_VOID(bind_group(statement, candidate.group));
  statement.bind(candidate.batch);
  return {};
}

void bind_ending(Statement& statement, const Ending& ending) {
  statement.bind(name_of(ending.status))
      .bind(ending.reason)
      .bind(ending.evidence)
      .bind(ending.where);
}

Result<CandidateGroup> group_at(const Database& database, const Statement& statement, int column) {
  CandidateGroup group;
  group.backend = statement.text(column);
  const auto dtype = parse_dtype(statement.text(column + 1));
  if (!dtype)
    return database.error(SQLITE_CORRUPT, "unknown dtype '" + statement.text(column + 1) + "'");
  group.dtype = *dtype;
  group.threads = static_cast<int>(statement.integer(column + 2));
  group.instances = static_cast<int>(statement.integer(column + 3));
  BT_TRY_VOID(decode(database, statement.text(column + 4), group.dims));
  group.cores = static_cast<int>(statement.integer(column + 5));
  group.variant = statement.text(column + 6);
  group.compiled_batch = statement.integer(column + 7);  // NULL reads as 0
  return group;
}

Result<Candidate> candidate_at(const Database& database, const Statement& statement, int column) {
  BT_TRY(group, group_at(database, statement, column));
  return Candidate{std::move(group), statement.integer(column + kGroupColumns)};
}

}  // namespace batchtune::detail
