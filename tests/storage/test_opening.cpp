// Which files are opened, which are refused with what words, and that a refused one is left as it
// was.
#include <unistd.h>

#include "storage/detail/open.h"
#include "tests/storage/fixture.h"
#include "tests/support/catch.h"

using namespace batchtune;
using namespace batchtune::test;

namespace {

Error refused(const std::string& path, bool create_folder = false) {
  auto store = Store::open(path, create_folder);
  REQUIRE_FALSE(store);
  const Error error = store.error();
  INFO(to_string(error));
  CHECK(error.kind == ErrorKind::environment);
  CHECK_FALSE(error.wanted.empty());
  CHECK_FALSE(error.found.empty());
  CHECK_FALSE(error.todo.empty());
  return error;
}

void execute(const std::string& path, const char* sql) {
  auto database = detail::Database::open(path, detail::Access::create);
  REQUIRE(database);
  REQUIRE(database->execute(sql));
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("a database is created, with a folder only when asked", "[storage]") {
  TempFolder folder;
  const std::string path = folder / "deep/er/a.db";
  const Error error = refused(path);
  CHECK(error.where == folder / "deep/er");
  CHECK_FALSE(std::filesystem::exists(folder / "deep"));
  REQUIRE(Store::open(path, true));
  CHECK(query(path, "PRAGMA application_id") == std::to_string(detail::kApplicationId));
  CHECK(query(path,
              "SELECT count(*) || ' ' || max(version) || ' ' || max(tool_version) FROM "
              "schema_migration") == "3 3 0.1.0");
  CHECK(query(path, "PRAGMA journal_mode") != "wal");
}

TEST_CASE("a folder, a device and a path through a file are refused as a database", "[storage]") {
  TempFolder folder;
  CHECK(refused(folder / ".").found == "a folder");
  CHECK(contains(refused("/dev/null").found, "no plain file"));
  write_file(folder / "file", "x");
  CHECK(refused(folder / "file/a.db", true).where == folder / "file");
  CHECK(refused("/proc/nowhere/a.db", true).where == "/proc/nowhere");
  refused("");
}

TEST_CASE("a name that means something to SQLite is an ordinary file name here", "[storage]") {
  TempFolder folder;
  const auto before = std::filesystem::current_path();
  std::filesystem::current_path(folder / ".");
  const bool opened = Store::open(":memory:", false).has_value();
  const bool exists = std::filesystem::exists(":memory:");
  std::filesystem::current_path(before);
  CHECK(opened);
  CHECK(exists);
}

TEST_CASE("files that are no database of ours are refused and left as they were", "[storage]") {
  TempFolder folder;
  const std::string path = folder / "a.db";
  std::string expected;
  SECTION("text") {
    write_file(path, "batch,latency\n1,0.5\n" + std::string(2000, 'x'));
    expected = "no SQLite database";
  }
  SECTION("a short text") {
    write_file(path, "hello");
    expected = "no SQLite database";
  }
  SECTION("another application's") {
    execute(path, "CREATE TABLE bookmarks(url TEXT); PRAGMA application_id = 77;");
    expected = "application_id 77";
  }
  SECTION("a database of nobody in particular") {
    execute(path, "CREATE TABLE t(x)");
    expected = "application_id 0, 1 tables";
  }
  SECTION("a newer schema") {
    open_store(path).reset();
    execute(path, "PRAGMA user_version = 1000");
    expected = "schema 1000";
  }
  SECTION("a truncated one") {
    open_store(path).reset();
    const std::string whole = read_file(path);
    write_file(path, whole.substr(0, whole.size() / 2));
    expected = "damaged";
  }
  SECTION("one with a broken first page") {
    open_store(path).reset();
    std::string whole = read_file(path);
    for (std::size_t i = 100; i < 1000; ++i) whole[i] = '\x7f';
    write_file(path, whole);
    expected = "damaged";
  }
  const std::string before = read_file(path);
  const Error error = refused(path);
  CHECK(error.where == path);
  CHECK(contains(error.found, expected));
  const auto reading = Store::open_read_only(path);
  REQUIRE_FALSE(reading);
  CHECK(contains(reading.error().found, expected));
  CHECK(read_file(path) == before);
  CHECK_FALSE(std::filesystem::exists(path + "-journal"));
}

TEST_CASE("an empty file becomes a database, but not by reading it", "[storage]") {
  TempFolder folder;
  const std::string path = folder / "a.db";
  write_file(path, "");
  CHECK_FALSE(Store::open_read_only(path));
  CHECK(read_file(path).empty());
  open_store(path);
}

TEST_CASE("reading a database that does not exist creates none", "[storage]") {
  TempFolder folder;
  const auto store = Store::open_read_only(folder / "a.db");
  REQUIRE_FALSE(store);
  CHECK(contains(store.error().todo, "batchtune tune"));
  CHECK_FALSE(std::filesystem::exists(folder / "a.db"));
}

TEST_CASE("a store opened for reading refuses to write", "[storage]") {
  TempFolder folder;
  open_store(folder / "a.db").reset();
  auto store = Store::open_read_only(folder / "a.db");
  REQUIRE(store);
  CHECK_FALSE((*store)->begin_session(example_header("u")));
  CHECK((*store)->list_sessions()->empty());
}

TEST_CASE("a read-only file and a read-only folder are refused for writing", "[storage]") {
  if (geteuid() == 0) BT_SKIP("root may write everywhere");
  TempFolder folder;
  const std::string path = folder / "a.db";
  open_store(path).reset();
  namespace fs = std::filesystem;
  fs::permissions(path, fs::perms::owner_read);
  CHECK(contains(refused(path).found, "read-only"));
  REQUIRE(Store::open_read_only(path));
  fs::permissions(path, fs::perms::none);
  CHECK(contains(refused(path).found, "permission"));
  fs::permissions(path, fs::perms::owner_read | fs::perms::owner_write);
  fs::permissions(folder / ".", fs::perms::owner_read | fs::perms::owner_exec);
  CHECK(contains(refused(path).found, "read-only"));
  fs::permissions(folder / ".", fs::perms::owner_all);
}

TEST_CASE("an older schema is backed up and migrated in one step, or not at all", "[storage]") {
  TempFolder folder;
  const std::string path = folder / "a.db";
  const detail::Migration first[] = {
      {1, "CREATE TABLE t(x INTEGER) STRICT; INSERT INTO t VALUES (1);"}};
  const detail::Migration both[] = {
      first[0], {2, "ALTER TABLE t ADD COLUMN y INTEGER; UPDATE t SET y = x + 1;"}};
  const detail::Migration broken[] = {
      first[0], {2, "ALTER TABLE t ADD COLUMN y INTEGER; INSERT INTO nowhere VALUES (1);"}};
  REQUIRE(detail::open_for_writing(path, false, first));

  CHECK_FALSE(detail::open_for_writing(path, false, broken));
  CHECK(query(path, "PRAGMA user_version") == "1");
  CHECK(query(path, "SELECT count(*) FROM pragma_table_info('t')") == "1");
  CHECK_FALSE(std::filesystem::exists(path + ".schema-1.backup"));

  CHECK(contains(detail::open_for_reading(path, both).error().found, "schema 1"));
  REQUIRE(detail::open_for_writing(path, false, both));
  CHECK(query(path, "PRAGMA user_version") == "2");
  CHECK(query(path, "SELECT y FROM t") == "2");
  CHECK(query(path, "SELECT group_concat(version) FROM schema_migration") == "1,2");
  CHECK(query(path + ".schema-1.backup", "SELECT x FROM t") == "1");
  REQUIRE(detail::open_for_writing(path, false, both));
  CHECK_FALSE(detail::open_for_writing(path, false, first));
}

TEST_CASE("an earlier backup is not overwritten", "[storage]") {
  TempFolder folder;
  const std::string path = folder / "a.db";
  const detail::Migration first[] = {{1, "CREATE TABLE t(x INTEGER) STRICT;"}};
  const detail::Migration both[] = {first[0], {2, "CREATE TABLE u(x INTEGER) STRICT;"}};
  REQUIRE(detail::open_for_writing(path, false, first));
  write_file(path + ".schema-1.backup", "precious");
  REQUIRE(detail::open_for_writing(path, false, both));
  CHECK(read_file(path + ".schema-1.backup") == "precious");
  CHECK(query(path + ".schema-1.backup-2", "PRAGMA user_version") == "1");
  CHECK(query(path, "PRAGMA user_version") == "2");
}

TEST_CASE("a store tells how it keeps its file", "[storage]") {
  TempFolder folder;
  const std::string path = folder / "a.db";
  auto store = open_store(path);
  REQUIRE(store->begin_session(example_header("u")));
  const auto reading = Store::open_read_only(path).value();
  for (const Store* each :
       {static_cast<const Store*>(store.get()), static_cast<const Store*>(reading.get())}) {
    const StoreFacts facts = each->facts().value();
    CHECK(facts.sqlite == sqlite_version());
    CHECK(facts.journal_mode == "truncate");
    CHECK(facts.synchronous == "full");
    CHECK(facts.path == path);
    CHECK(facts.sessions == 1);
    CHECK(facts.bytes == static_cast<Bytes>(std::filesystem::file_size(path)));
  }
}
