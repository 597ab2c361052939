#include "storage/detail/open.h"

#include <unistd.h>

#include <filesystem>

namespace batchtune::detail {
namespace {

namespace fs = std::filesystem;

constexpr std::uintmax_t kSmallestDatabase = 512;  // bytes: SQLite's smallest page
constexpr char kNameAnother[] = "Name another database with --db";

// Absolute, so that no name has a meaning of its own to SQLite (":memory:", "file:...").
Result<std::string> absolute(const std::string& path) {
  std::error_code code;
  const fs::path whole = fs::absolute(path, code);
  if (path.empty() || code)
    return environment_error("the path of a database", "'" + path + "'", "", kNameAnother);
  return whole.string();
}

Status check_folder(const fs::path& folder, bool create) {
  std::error_code code;
  if (create) fs::create_directories(folder, code);
  std::error_code ignored;
  if (!fs::is_directory(folder, ignored))
    return environment_error(
        "a folder for the database",
        code ? "that it cannot be created: " + code.message() : "none of that name",
        folder.string(), "Create the folder, or name another database with --db");
  if (access(folder.c_str(), W_OK | X_OK) != 0)
    return environment_error("a folder that can be written (the journal lies beside the database)",
                             "a read-only one", folder.string(), kNameAnother);
  return {};
}

Status check_file(const fs::path& file, int mode) {
  std::error_code code;
  if (fs::is_directory(file, code))
    return environment_error("a database file", "a folder", file.string(),
                             "Name a file in it with --db");
  if (!fs::exists(file, code)) return {};
  if (!fs::is_regular_file(file, code))
    return environment_error("a database file", "something that is no plain file", file.string(),
                             kNameAnother);
  // SQLite takes a file of one byte for an empty one, and would write over it.
  if (const auto size = fs::file_size(file, code); !code && size > 0 && size < kSmallestDatabase)
    return environment_error(
        "a database of batchtune",
        "a file that is no SQLite database (" + std::to_string(size) + " bytes)", file.string(),
        kNameAnother);
  if (access(file.c_str(), R_OK) != 0)
    return environment_error("a database that can be read", "no permission to read it",
                             file.string(), kNameAnother);
  if (access(file.c_str(), mode) != 0)
    return environment_error("a database that can be written", "a read-only file", file.string(),
                             "Make it writable, or name another database with --db");
  return {};
}

Status check_version(const Database& database, int version, int known) {
  if (version > known)
    return environment_error(
        "a database with schema " + std::to_string(known) + " or older",
        "schema " + std::to_string(version), database.path(),
        "Use the newer batchtune that wrote it, or name another database with --db");
  return {};
}

// SQLite itself reads a last page that was cut off as zeros.
Status check_whole(const Database& database) {
  BT_TRY_VOID(database.execute("BEGIN"));  // with the first read, nobody changes the file's length
  const auto wanted = database.query_integer(
      "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size");
  std::error_code code;
  const auto size = static_cast<std::int64_t>(fs::file_size(database.path(), code));
  BT_TRY_VOID(database.execute("COMMIT"));
  if (!wanted) return tl::make_unexpected(wanted.error());
  if (code || size >= *wanted) return {};
  return database.error(SQLITE_CORRUPT,
                        std::to_string(size) + " bytes of " + std::to_string(*wanted));
}

Status set_up(const Database& database) {
  return database.execute("PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF;");
}

// Not kept in the file, so each connection says it again. A writer turns back a file that somebody
// put into WAL mode.
Status set_journal(const Database& database) {
  return database.execute("PRAGMA journal_mode = TRUNCATE; PRAGMA synchronous = FULL;");
}

// A reader leaves a file in WAL mode alone.
Status set_journal_of_reader(const Database& database) {
  Statement mode(database, "PRAGMA journal_mode");
  BT_TRY_VOID(mode.step());
  return mode.text(0) == "delete" ? set_journal(database) : Status();
}

}  // namespace

Result<Database> open_for_writing(const std::string& path, bool create_folder,
                                  std::span<const Migration> steps) {
  BT_TRY(file, absolute(path));
  BT_TRY_VOID(check_file(file, R_OK | W_OK));
  BT_TRY_VOID(check_folder(fs::path(file).parent_path(), create_folder));
  BT_TRY(database, Database::open(file, Access::create));
  if (database.is_read_only())
    return database.error(SQLITE_READONLY, "a file that can only be read");
  BT_TRY_VOID(set_up(database));
  BT_TRY(version, schema_version(database));
  BT_TRY_VOID(check_version(database, version, steps.back().version));
  BT_TRY_VOID(check_whole(database));
  BT_TRY_VOID(migrate(database, steps));
  BT_TRY_VOID(set_journal(database));
  return database;
}

Result<Database> open_for_reading(const std::string& path, std::span<const Migration> steps) {
  BT_TRY(file, absolute(path));
  BT_TRY_VOID(check_file(file, R_OK));
  if (std::error_code ignored; !fs::exists(file, ignored))
    return environment_error("a database", "no file of that name", file,
                             "Run `batchtune tune` first, or name another database with --db");
  BT_TRY(database, Database::open(file, Access::read));
  BT_TRY_VOID(set_up(database));
  BT_TRY(version, schema_version(database));
  BT_TRY_VOID(check_version(database, version, steps.back().version));
  BT_TRY_VOID(check_whole(database));
  if (version < steps.back().version)
    return environment_error(
        "a database with schema " + std::to_string(steps.back().version),
        version == 0 ? "an empty file" : "schema " + std::to_string(version), file,
        "Run a command that writes (batchtune tune): it brings the file up to date");
  BT_TRY_VOID(set_journal_of_reader(database));
  BT_TRY_VOID(database.execute("PRAGMA query_only = ON"));
  return database;
}

}  // namespace batchtune::detail
