// Files that were cut, changed or locked by somebody else: an error names the file and what to do,
// nothing crashes and nothing is written.
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>
#include <random>
#include <thread>

#include "storage/detail/sqlite_store.h"
#include "tests/storage/fixture.h"
#include "tests/support/catch.h"

using namespace batchtune;
using namespace batchtune::test;

namespace {

constexpr uid_t kNobody = 65534;
constexpr int kFlips = 400;
constexpr std::size_t kHeader = 100;  // bytes of the file's own header
constexpr std::size_t kStep =
    1531;  // bytes between lengths: a prime, so that pages are cut anywhere

void write_example(const std::string& path) {
  auto store = open_store(path);
  for (const char* uuid : {"a", "b"}) {
    const auto session = store->begin_session(example_header(uuid)).value();
    REQUIRE(store->append(session, 1, example_preparation()));
    for (int i = 2; i < 6; ++i) REQUIRE(store->append(session, i, example_round(i)));
    REQUIRE(store->append(session, 6, example_probe()));
    REQUIRE(store->finish_session(ended(session, 6, SessionEnd::converged), example_conclusion()));
  }
  REQUIRE(store->put_note({"calibration", "d", "", "", "peaks", "{}", ""}));
}

void check_error(const Error& error, const std::string& path) {
  INFO(to_string(error));
  CHECK(error.kind == ErrorKind::environment);
  CHECK(error.where == path);
  CHECK_FALSE(error.found.empty());
  CHECK_FALSE(error.todo.empty());
}

// Everything that can be read is read; the errors on the way.
std::vector<Error> read_all(const std::string& path) {
  std::vector<Error> errors;
  const auto keep = [&errors](const auto& result) {
    if (!result) errors.push_back(result.error());
  };
  const auto store = Store::open_read_only(path);
  keep(store);
  if (!store) return errors;
  for (std::int64_t session : {1, 2}) {
    const auto record = (*store)->load_session(session);
    if (!record && record.error().kind == ErrorKind::bad_input) continue;  // its row is not found
    keep(record);
  }
  keep((*store)->list_sessions());
  keep((*store)->notes("calibration", "d"));
  keep((*store)->last_unended("x"));
  keep((*store)->facts());
  return errors;
}

// The result of `check` in a process that is not root's, as only root may write everywhere.
int as_nobody(const std::function<int()>& check) {
  const pid_t child = fork();
  if (child == 0) _exit(geteuid() == 0 && setuid(kNobody) != 0 ? 99 : check());
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 100;
}

}  // namespace

TEST_CASE("a database cut at any length is refused and left as it was", "[storage][damage]") {
  TempFolder folder;
  const std::string path = folder / "a.db";
  write_example(path);
  const std::string whole = read_file(path);
  REQUIRE(whole.size() > 20 * kStep);
  std::vector<std::size_t> lengths{1, 15, 16, 99, 100, 511, 512, 4095, 4096, whole.size() - 1};
  for (std::size_t length = kStep; length < whole.size(); length += kStep)
    lengths.push_back(length);
  for (std::size_t length : lengths) {
    INFO("cut to " << length << " of " << whole.size() << " bytes");
    write_file(path, whole.substr(0, length));
    const auto writing = Store::open(path, false);
    REQUIRE_FALSE(writing);
    check_error(writing.error(), path);
    const auto reading = Store::open_read_only(path);
    REQUIRE_FALSE(reading);
    check_error(reading.error(), path);
    CHECK(read_file(path) == whole.substr(0, length));
  }
}

TEST_CASE("a database with a bit flipped is read or refused, and left as it was",
          "[storage][damage]") {
  TempFolder folder;
  const std::string path = folder / "a.db";
  write_example(path);
  const std::string whole = read_file(path);
  std::vector<std::size_t> used;  // bytes; empty ones say nothing
  for (std::size_t at = 0; at < whole.size(); ++at)
    if (at < kHeader || whole[at] != 0) used.push_back(at);
  std::mt19937 random(20260101);
  int noticed = 0;
  for (int flip = 0; flip < kFlips; ++flip) {
    const std::size_t at = used[std::uniform_int_distribution<std::size_t>(
        0, (flip % 4 == 0 ? kHeader : used.size()) - 1)(random)];
    const int bit = std::uniform_int_distribution<int>(0, 7)(random);
    std::string damaged = whole;
    damaged[at] = static_cast<char>(damaged[at] ^ (1 << bit));
    INFO("bit " << bit << " of byte " << at);
    write_file(path, damaged);
    const std::vector<Error> errors = read_all(path);
    for (const Error& error : errors) check_error(error, path);
    noticed += errors.empty() ? 0 : 1;
    if (const auto writing = Store::open(path, false); !writing) check_error(writing.error(), path);
    CHECK(read_file(path) == damaged);
  }
  CHECK(noticed > kFlips / 10);
}

TEST_CASE("JSON and BLOBs that nobody of ours wrote are a damaged database", "[storage][damage]") {
  TempFolder folder;
  const std::string path = folder / "a.db";
  write_example(path);
  for (const char* sql :
       {"UPDATE visit SET host_state = '{'", "UPDATE visit SET host_state = '[1]'",
        "UPDATE visit SET host_state = '{\"steal\": \"much\"}'",
        "UPDATE visit SET host_state = '{\"minor_faults\": 1e300}'", "UPDATE visit SET warm = 1000",
        "UPDATE visit SET warm = -1",
        "UPDATE visit SET samples = x'000000000000F87F'",  // NaN
        "UPDATE session SET wishes = '{}'", "UPDATE session SET settings = 'null'",
        "UPDATE session SET wishes = replace(wishes, '0.005', '\"little\"')",
        "UPDATE device SET json = replace(json, '\"cores\":2', '\"cores\":4294967296')",
        "UPDATE probe SET limiter = 'hope'", "UPDATE probe SET status = 'fine'",
        "UPDATE observation SET kind = 'round' WHERE kind = 'probe'; DELETE FROM preparation"}) {
    TempFolder other;
    const std::string copy = other / "a.db";
    write_file(copy, read_file(path));
    INFO(sql);
    {
      auto database = detail::Database::open(copy, detail::Access::read).value();
      REQUIRE(database.execute("PRAGMA ignore_check_constraints = ON"));
      REQUIRE(database.execute(sql));
    }
    const auto record = open_store(copy)->load_session(1);
    REQUIRE_FALSE(record);
    check_error(record.error(), copy);
    CHECK(record.error().found.find("damaged") != std::string::npos);
  }
}

TEST_CASE("a file or folder without permission to write is refused for writing alone",
          "[storage][damage]") {
  TempFolder folder;
  const std::string path = folder / "a.db";
  write_example(path);
  const std::string whole = read_file(path);
  REQUIRE(chmod((folder / ".").c_str(), 0755) == 0);
  REQUIRE(chmod(path.c_str(), 0444) == 0);
  const int result = as_nobody([&] {
    const auto writing = Store::open(path, false);
    if (writing) return 1;
    if (writing.error().todo.empty() || writing.error().where != path) return 2;
    const auto created = Store::open(folder / "new.db", false);
    if (created && geteuid() == kNobody) return 3;
    const auto reading = Store::open_read_only(path);
    if (!reading) return 4;
    if (!(*reading)->load_session(1)) return 5;
    const Status kept = (*reading)->put_note({"calibration", "d", "", "", "x", "{}", ""});
    return kept || kept.error().todo.empty() ? 6 : 0;
  });
  CHECK(result == 0);
  CHECK(read_file(path) == whole);
}

TEST_CASE("folders and devices are refused as a database and left alone", "[storage][damage]") {
  TempFolder folder;
  for (const std::string& path : {folder / ".", std::string("/dev/full"), std::string("/dev/null"),
                                  std::string("/proc/self/status")}) {
    INFO(path);
    const auto writing = Store::open(path, false);
    REQUIRE_FALSE(writing);
    CHECK(writing.error().kind == ErrorKind::environment);
    CHECK_FALSE(writing.error().todo.empty());
    CHECK_FALSE(Store::open_read_only(path));
  }
}

TEST_CASE("a database that another process holds is waited for", "[storage][damage]") {
  TempFolder folder;
  const std::string path = folder / "a.db";
  write_example(path);
  auto holder = detail::Database::open(path, detail::Access::read).value();
  REQUIRE(holder.execute("BEGIN EXCLUSIVE"));
  std::thread release([&holder] {
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
    static_cast<void>(holder.execute("COMMIT"));
  });
  const auto store = Store::open(path, false);
  release.join();
  CHECK(store);
}

TEST_CASE("a database that another process never lets go is an error", "[storage][damage]") {
  TempFolder folder;
  const std::string path = folder / "a.db";
  write_example(path);
  auto store = open_store(path);
  sqlite3_busy_timeout(static_cast<detail::SqliteStore&>(*store).database().handle(), 50);
  auto holder = detail::Database::open(path, detail::Access::read).value();
  REQUIRE(holder.execute("BEGIN EXCLUSIVE"));
  const Status appended = store->append(1, 7, example_round());
  REQUIRE_FALSE(appended);
  check_error(appended.error(), path);
  CHECK(appended.error().todo.find("Wait") != std::string::npos);
  REQUIRE(holder.execute("COMMIT"));
  CHECK(store->append(1, 7, example_round()));
}
