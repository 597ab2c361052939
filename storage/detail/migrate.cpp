#include "storage/detail/migrate.h"

#include <filesystem>
#include <string>

namespace batchtune::detail {
namespace {

constexpr int kMostBackups = 100;  // of one version: more means that something else is wrong

// The copy's path: "batchtune.db.schema-1.backup", with a number added while there is one of that
// name. An earlier one may be the user's own, or of a process that died before it was done.
Result<std::string> free_name(const Database& database, int version) {
  const std::string first = database.path() + ".schema-" + std::to_string(version) + ".backup";
  std::error_code ignored;
  for (int number = 1; number <= kMostBackups; ++number) {
    std::string name = number == 1 ? first : first + "-" + std::to_string(number);
    if (!std::filesystem::exists(name, ignored)) return name;
  }
  return environment_error("a backup before the schema is brought up to date",
                           std::to_string(kMostBackups) + " older ones", first,
                           "Move the older backups away");
}

// A copy of the file as it was. The caller holds the writer's lock, so nobody changes it meanwhile;
// a connection of its own, since VACUUM cannot run inside the caller's transaction.
Result<std::string> back_up(const Database& database, int version) {
  BT_TRY(copy, free_name(database, version));
  BT_TRY(reader, Database::open(database.path(), Access::read));
  Statement vacuum(reader, "VACUUM INTO ?");
  auto done = vacuum.bind(copy).run();
  if (done) return copy;
  std::error_code ignored;
  std::filesystem::remove(copy, ignored);  // half of a copy is none
  return environment_error("a backup before the schema is brought up to date", done.error().found,
                           copy, "Make room for it");
}

Status run_steps(const Database& database, std::span<const Migration> steps, int from) {
  for (const Migration& step : steps) {
    if (step.version <= from) continue;
    BT_TRY_VOID(database.execute(step.sql));
    Statement record(database,
                     "INSERT INTO schema_migration(version, applied_at, tool_version) "
                     "VALUES (?, strftime('%Y-%m-%dT%H:%M:%SZ', 'now'), ?)");
    BT_TRY_VOID(record.bind(step.version).bind(tool_version()).run());
    BT_TRY_VOID(
        database.execute(("PRAGMA user_version = " + std::to_string(step.version)).c_str()));
  }
  return {};
}

// What an empty file needs before the first step.
Status create(const Database& database) {
  BT_TRY_VOID(database.execute(
      "CREATE TABLE schema_migration(version INTEGER PRIMARY KEY, applied_at TEXT NOT NULL, "
      "tool_version TEXT NOT NULL) STRICT"));
  return database.execute(("PRAGMA application_id = " + std::to_string(kApplicationId)).c_str());
}

// All in one transaction. `backup` becomes the path of the copy, "" as long as there is none.
Status migrate_alone(const Database& database, std::span<const Migration> steps,
                     std::string& backup) {
  BT_TRY(transaction, Transaction::begin(database));
  BT_TRY(version, schema_version(database));  // again: another process may have been here meanwhile
  if (version >= steps.back().version) return {};
  if (version == 0) {
    BT_TRY_VOID(create(database));
  } else {
    BT_TRY(copy, back_up(database, version));
    backup = std::move(copy);
  }
  BT_TRY_VOID(run_steps(database, steps, version));
  return transaction.commit();
}

}  // namespace

Result<int> schema_version(const Database& database) {
  // One statement, so one moment: between two, another process could create the tables of an empty
  // file.
  Statement select(database,
                   "SELECT application_id, user_version, (SELECT count(*) FROM sqlite_schema)"
                   " FROM pragma_application_id, pragma_user_version");
  BT_TRY_VOID(select.step());
  const std::int64_t application = select.integer(0), tables = select.integer(2);
  const auto version = static_cast<int>(select.integer(1));
  if (application == 0 && tables == 0) return 0;
  if (application == kApplicationId) {
    if (version >= 1) return version;
    return database.error(SQLITE_CORRUPT, "schema " + std::to_string(version));
  }
  return environment_error(
      "a database of batchtune",
      "another application's database (application_id " + std::to_string(application) + ", " +
          std::to_string(tables) + " tables and indexes)",
      database.path(), "Name another file with --db; this one was left as it is");
}

Status migrate(const Database& database, std::span<const Migration> steps) {
  BT_TRY(before, schema_version(database));
  if (before >= steps.back().version) return {};
  std::string backup;
  Status done = migrate_alone(database, steps, backup);
  if (done || backup.empty()) return done;
  // A commit may fail after all was written; otherwise the file is as it was.
  const auto after = schema_version(database);
  std::error_code ignored;
  if (after && *after == before) std::filesystem::remove(backup, ignored);
  return done;
}

}  // namespace batchtune::detail
