#include "storage/detail/migrate.h"

#include <string>

namespace batchtune::detail {
namespace {

// A copy of the file as it was: "batchtune.db.schema-1.backup". An earlier one is kept and left
// alone.
Status back_up(const Database& database, int version) {
  const std::string copy = database.path() + ".schema-" + std::to_string(version) + ".backup";
  Statement vacuum(database, "VACUUM INTO ?");
  auto done = vacuum.bind(copy).run();
  if (!done)
    return environment_error("a backup before the schema is brought up to date", done.error().found,
                             copy, "Move an older backup of that name away, or make room for it");
  return {};
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

}  // namespace

Result<int> schema_version(const Database& database) {
  // One statement, so one moment: between two, another process could create the tables of an empty
  // file.
  Statement select(database,
                   "SELECT application_id, user_version, (SELECT count(*) FROM sqlite_schema)"
                   " FROM pragma_application_id, pragma_user_version");
  BT_TRY_VOID(select.step());
  const std::int64_t application = select.integer(0), tables = select.integer(2);
  if (application == 0 && tables == 0) return 0;
  if (application == kApplicationId) return static_cast<int>(select.integer(1));
  return environment_error(
      "a database of batchtune",
      "another application's database (application_id " + std::to_string(application) + ", " +
          std::to_string(tables) + " tables and indexes)",
      database.path(), "Name another file with --db; this one was left as it is");
}

Status migrate(const Database& database, std::span<const Migration> steps) {
  BT_TRY(before, schema_version(database));
  if (before >= steps.back().version) return {};
  if (before > 0) BT_TRY_VOID(back_up(database, before));
  BT_TRY(transaction, Transaction::begin(database, Transaction::Kind::exclusive));
  BT_TRY(version, schema_version(database));  // again: another process may have been here meanwhile
  if (version == 0) {
    BT_TRY_VOID(database.execute(
        "CREATE TABLE schema_migration(version INTEGER PRIMARY KEY, applied_at TEXT NOT NULL, "
        "tool_version TEXT NOT NULL) STRICT"));
    BT_TRY_VOID(
        database.execute(("PRAGMA application_id = " + std::to_string(kApplicationId)).c_str()));
  }
  BT_TRY_VOID(run_steps(database, steps, version));
  return transaction.commit();
}

}  // namespace batchtune::detail
