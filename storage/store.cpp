#include "storage/store.h"

#include "storage/detail/json.h"
#include "storage/detail/open.h"
#include "storage/detail/rows.h"
#include "storage/detail/session_names.h"
#include "storage/detail/sqlite_store.h"

namespace batchtune {

using detail::Database;
using detail::Statement;
using detail::Transaction;

Result<std::unique_ptr<Store>> Store::open(const std::string& path, bool create_folder) {
  BT_TRY(database, detail::open_for_writing(path, create_folder, detail::migrations()));
  return std::make_unique<detail::SqliteStore>(std::move(database));
}

Result<std::unique_ptr<Store>> Store::open_read_only(const std::string& path) {
  BT_TRY(database, detail::open_for_reading(path, detail::migrations()));
  return std::make_unique<detail::SqliteStore>(std::move(database));
}

std::string sqlite_version() {
  return sqlite3_libversion();
}

namespace detail {
namespace {

// Runs an UPDATE of one session; that it exists is checked, since nothing else would notice.
Status update_session(const Database& database, Statement& update, std::int64_t session) {
  BT_TRY_VOID(update.bind(session).run());
  if (sqlite3_changes(database.handle()) == 1) return {};
  return bad_input("a session of this database", "number " + std::to_string(session),
                   database.path());
}

// Two writers of one session would mix two searches into one that nobody can go on with.
Status check_stored(const Database& database, std::int64_t session, std::int64_t observations) {
  Statement select(database, "SELECT coalesce(max(seq), 0) FROM observation WHERE session = ?");
  BT_TRY_VOID(select.bind(session).step());
  const std::int64_t stored = select.integer(0);
  if (stored == observations) return {};
  return environment_error("session " + std::to_string(session) + " with " +
                               std::to_string(observations) + " observations",
                           std::to_string(stored) + ": another process writes it", database.path(),
                           "Wait until the other process has ended, then go on with --resume");
}

}  // namespace

SqliteStore::~SqliteStore() {
  if (!database_.is_read_only()) static_cast<void>(database_.execute("PRAGMA optimize"));
}

Result<std::int64_t> SqliteStore::begin_session(const SessionHeader& header) {
  BT_TRY(transaction, Transaction::begin(database_));
  BT_TRY(session, insert_session(database_, header));
  BT_TRY_VOID(transaction.commit());
  return session;
}

Status SqliteStore::append(std::int64_t session, std::int64_t sequence,
                           const Observation& observation) {
  BT_TRY(transaction, Transaction::begin(database_));
  BT_TRY_VOID(check_stored(database_, session, sequence - 1));
  BT_TRY_VOID(insert_observation(database_, session, sequence, observation));
  return transaction.commit();
}

Status SqliteStore::set_anchor(std::int64_t session, TrialId anchor) {
  BT_TRY(transaction, Transaction::begin(database_));
  Statement update(database_, "UPDATE session SET anchor = ? WHERE id = ?");
  update.bind(anchor != 0 ? std::optional(anchor) : std::nullopt);
  BT_TRY_VOID(update_session(database_, update, session));
  return transaction.commit();
}

Status SqliteStore::update_settings(std::int64_t session, const Settings& settings) {
  BT_TRY(json, encode(to_json(settings)));
  BT_TRY(transaction, Transaction::begin(database_));
  Statement update(database_, "UPDATE session SET settings = ? WHERE id = ?");
  BT_TRY_VOID(update_session(database_, update.bind(json), session));
  return transaction.commit();
}

Status SqliteStore::finish_session(const SessionRecord& record, const Conclusion& conclusion) {
  const std::int64_t session = record.header.number;
  const std::optional<Overhead>& overhead = record.overhead;
  BT_TRY(transaction, Transaction::begin(database_));
  BT_TRY_VOID(check_stored(database_, session, std::ssize(record.observations)));
  Statement update(database_,
                   "UPDATE session SET end = ?, end_reason = ?, finished_at = "
                   "strftime('%Y-%m-%dT%H:%M:%SZ', 'now'), overhead_in_interval = ?,"
                   " overhead_between_visits = ?, overhead_outside_share = ? WHERE id = ?");
  update.bind(name_of(record.end)).bind(record.end_reason);
  update.bind(overhead ? std::optional(overhead->in_interval) : std::nullopt);
  update.bind(overhead ? std::optional(overhead->between_visits) : std::nullopt);
  update.bind(overhead ? overhead->outside_share : std::nullopt);
  BT_TRY_VOID(update_session(database_, update, session));
  BT_TRY_VOID(replace_conclusion(database_, session, conclusion));
  return transaction.commit();
}

Status SqliteStore::reopen_session(const SessionRecord& record) {
  const std::int64_t session = record.header.number;
  BT_TRY(transaction, Transaction::begin(database_));
  BT_TRY_VOID(check_stored(database_, session, std::ssize(record.observations)));
  Statement update(
      database_,
      "UPDATE session SET end = 'running', end_reason = '', finished_at = NULL WHERE id = ?");
  BT_TRY_VOID(update_session(database_, update, session));
  BT_TRY_VOID(clear_conclusion(database_, session));
  return transaction.commit();
}

Result<SessionRecord> SqliteStore::load_session(std::int64_t session) const {
  BT_TRY(record, select_session(database_, session));
  BT_TRY(observations, select_observations(database_, session));
  record.observations = std::move(observations);
  return record;
}

Result<std::int64_t> SqliteStore::resolve_session(std::string_view text) const {
  return resolve(database_, text);
}

Result<std::optional<std::int64_t>> SqliteStore::last_unended(std::string_view model_hash) const {
  Statement select(database_,
                   "SELECT id FROM session WHERE model_hash = ? AND command = 'tune'"
                   " AND end NOT IN ('converged', 'budget')"
                   " ORDER BY id DESC LIMIT 1");
  BT_TRY(found, select.bind(model_hash).step());
  return found ? std::optional(select.integer(0)) : std::nullopt;
}

Result<std::vector<SessionListing>> SqliteStore::list_sessions() const {
  Statement select(
      database_,
      "SELECT id, uuid, command, model,"
      " coalesce((SELECT group_concat(backend) FROM device d WHERE d.session = s.id), ''), "
      "started_at,"
      " end, (SELECT count(*) FROM observation o WHERE o.session = s.id), best_batch, simulated"
      " FROM session s ORDER BY id");
  std::vector<SessionListing> listings;
  for (;;) {
    BT_TRY(more, select.step());
    if (!more) return listings;
    const auto end = parse_session_end(select.text(6));
    if (!end) return database_.error(SQLITE_CORRUPT, "unknown end '" + select.text(6) + "'");
    listings.push_back({.number = select.integer(0),
                        .uuid = select.text(1),
                        .command = select.text(2),
                        .model = select.text(3),
                        .backend = select.text(4),
                        .started_at = select.text(5),
                        .end = *end,
                        .observations = static_cast<int>(select.integer(7)),
                        .best_batch = select.optional_integer(8),
                        .simulated = select.integer(9) != 0});
  }
}

Result<std::vector<SessionHeader>> SqliteStore::finished_tunes() const {
  return select_finished(database_);
}

Status SqliteStore::put_note(const Note& note) {
  BT_TRY_VOID(check_json(note.content, "note '" + note.name + "'"));
  BT_TRY(transaction, Transaction::begin(database_));
  Statement upsert(
      database_,
      "INSERT INTO note(kind, device, model_hash, software_hash, name, content, written_at)"
      " VALUES (?, ?, ?, ?, ?, ?, strftime('%Y-%m-%dT%H:%M:%SZ', 'now'))"
      " ON CONFLICT DO UPDATE SET content = excluded.content, written_at = excluded.written_at");
  upsert.bind(note.kind)
      .bind(note.device)
      .bind(note.model_hash)
      .bind(note.software_hash)
      .bind(note.name);
  BT_TRY_VOID(upsert.bind(note.content).run());
  return transaction.commit();
}

Result<std::vector<Note>> SqliteStore::notes(std::string_view kind, std::string_view device) const {
  Statement select(
      database_,
      "SELECT kind, device, model_hash, software_hash, name, content, written_at FROM note"
      " WHERE kind = ? AND device IN (?, '') ORDER BY device, model_hash, software_hash, name");
  select.bind(kind).bind(device);
  std::vector<Note> notes;
  for (;;) {
    BT_TRY(more, select.step());
    if (!more) return notes;
    notes.push_back({select.text(0), select.text(1), select.text(2), select.text(3), select.text(4),
                     select.text(5), select.text(6)});
  }
}

Result<StoreFacts> SqliteStore::facts() const {
  Statement select(database_,
                   "SELECT journal_mode, synchronous, page_count * page_size,"
                   " (SELECT count(*) FROM session) FROM pragma_journal_mode, pragma_synchronous,"
                   " pragma_page_count, pragma_page_size");
  BT_TRY_VOID(select.step());
  constexpr const char* kSynchronous[] = {"off", "normal", "full", "extra"};
  return StoreFacts{.sqlite = sqlite_version(),
                    .journal_mode = select.text(0),
                    .synchronous = kSynchronous[select.integer(1) & 3],
                    .path = path(),
                    .sessions = static_cast<int>(select.integer(3)),
                    .bytes = select.integer(2)};
}

}  // namespace detail
}  // namespace batchtune
