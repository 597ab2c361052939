// Death in the middle of writing, a full disk, and two writers on one file.
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <random>

#include "storage/detail/sqlite_store.h"
#include "tests/storage/fixture.h"
#include "tests/support/catch.h"

using namespace batchtune;
using namespace batchtune::test;

namespace {

// Begins a session, or goes on with the last one, and appends until killed; says on `acknowledge`
// that an append has returned. For a child process.
[[noreturn]] void append_for_ever(const std::string& path, bool resume, int acknowledge) {
  auto store = Store::open(path, false);
  if (!store) _exit(3);
  auto session = resume ? (*store)->resolve_session("last")
                        : (*store)->begin_session(example_header("u" + std::to_string(getpid())));
  if (!session) _exit(4);
  const auto record = (*store)->load_session(*session);
  if (!record || (resume && !(*store)->reopen_session(*record))) _exit(7);
  for (int i = static_cast<int>(record->observations.size()) + 1;; ++i) {
    if (!(*store)->append(*session, i, example_round(i))) _exit(5);
    const char byte = 'a';
    if (write(acknowledge, &byte, 1) != 1) _exit(6);
  }
}

int count_bytes(int fd) {
  int count = 0;
  char buffer[256];
  for (ssize_t got = 0; (got = read(fd, buffer, sizeof buffer)) > 0;)
    count += static_cast<int>(got);
  return count;
}

void sleep_microseconds(int microseconds) {
  timespec wait{0, microseconds * 1000L};
  nanosleep(&wait, nullptr);
}

// Starts a writer, kills it `after` microseconds, counted from its first append when `waited`; how
// many appends it was told of.
int kill_one_writer(const std::string& path, bool resume, bool waited, int after) {
  int ends[2];
  REQUIRE(pipe(ends) == 0);
  const pid_t child = fork();
  if (child == 0) {
    close(ends[0]);
    append_for_ever(path, resume, ends[1]);
  }
  close(ends[1]);
  char first = 0;
  const bool appended = waited && read(ends[0], &first, 1) == 1;
  sleep_microseconds(after);
  kill(child, SIGKILL);
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  REQUIRE(WIFSIGNALED(status));
  const int acknowledged = count_bytes(ends[0]) + (appended ? 1 : 0);
  close(ends[0]);
  return acknowledged;
}

// The last session has its observations without gaps, each as it was written; how many.
int check_last_session(const std::string& path) {
  // Reading alone must cope with the journal that the dead writer left.
  const auto store = Store::open_read_only(path);
  INFO((store ? "" : to_string(store.error())));
  REQUIRE(store);
  REQUIRE(query(path, "PRAGMA integrity_check") == "ok");
  REQUIRE(query(path, "SELECT count(*) FROM pragma_foreign_key_check") == "0");
  const auto sessions = (*store)->list_sessions().value();
  if (sessions.empty()) return 0;
  const auto record = (*store)->load_session(sessions.back().number).value();
  int number = 0;
  for (const Observation& observation : record.observations)
    REQUIRE(std::get<Round>(observation.what) == std::get<Round>(example_round(++number).what));
  CHECK(query(path, "SELECT coalesce(max(seq), 0) FROM observation WHERE session = " +
                        std::to_string(sessions.back().number)) == std::to_string(number));
  return number;
}

int count_sessions(const std::string& path) {
  return std::stoi(query(path, "SELECT count(*) FROM session"));
}

// Kills so many writers at random moments, each beginning a session or going on with the one of a
// writer that was killed; how many observations were acknowledged in all.
int kill_writers(const std::string& path, int rounds, unsigned seed) {
  open_store(path).reset();
  std::mt19937 random(seed);
  // Microseconds: from opening to some dozens of appends.
  std::uniform_int_distribution<int> moment(0, 60'000);
  int stored = 0, acknowledged_in_all = 0;
  for (int round = 0; round < rounds; ++round) {
    INFO("round " << round);
    const int before = count_sessions(path);
    const bool resume = before > 0 && round % 3 != 0;
    const int acknowledged = kill_one_writer(path, resume, round % 2 == 1, moment(random));
    const int now = check_last_session(path);
    const int old = resume || count_sessions(path) == before ? stored : 0;
    CHECK(now >= old + acknowledged);
    CHECK(now <= old + acknowledged + 1);  // committed, but killed before saying so
    stored = now;
    acknowledged_in_all += acknowledged;
  }
  return acknowledged_in_all;
}

}  // namespace

TEST_CASE("a writer killed at any moment loses nothing that was acknowledged", "[storage][crash]") {
  TempFolder folder;
  CHECK(kill_writers(folder / "a.db", 40, 20260101) > 0);  // otherwise nothing was tried
}

TEST_CASE("hundreds of writers killed lose nothing that was acknowledged", "[.long]") {
  TempFolder folder;
  CHECK(kill_writers(folder / "a.db", 600, 20260102) > 1000);
}

TEST_CASE("a full disk is an error, and the file stays sound and usable", "[storage][crash]") {
  TempFolder folder;
  const std::string path = folder / "a.db";
  auto store = open_store(path);
  const auto session = store->begin_session(example_header("u")).value();
  const detail::Database& database = static_cast<detail::SqliteStore&>(*store).database();
  const auto pages = database.query_integer("PRAGMA page_count").value();
  REQUIRE(database.execute(("PRAGMA max_page_count = " + std::to_string(pages + 4)).c_str()));
  Status status;
  int stored = 0;
  for (; stored < 10'000; ++stored)
    if (status = store->append(session, stored + 1, example_round(stored)); !status) break;
  REQUIRE_FALSE(status);
  CHECK(status.error().kind == ErrorKind::environment);
  CHECK(status.error().found.find("no space left") != std::string::npos);
  CHECK(status.error().todo.find("--resume") != std::string::npos);
  CHECK(query(path, "PRAGMA integrity_check") == "ok");
  CHECK(query(path, "SELECT count(*) FROM observation") == std::to_string(stored));

  REQUIRE(database.execute("PRAGMA max_page_count = 1000000"));
  REQUIRE(store->append(session, stored + 1, example_round(stored)));
  CHECK(store->load_session(session)->observations.size() == static_cast<std::size_t>(stored) + 1);
}

TEST_CASE("a write that the system refuses is an error, and the file stays sound",
          "[storage][crash]") {
  TempFolder folder;
  const std::string path = folder / "a.db";
  for (const rlim_t room : {0, 1000, 4096, 8192, 20'000, 60'000}) {
    for (const char* suffix : {"", "-journal"}) std::filesystem::remove(path + suffix);
    open_store(path).reset();
    const rlim_t size = std::filesystem::file_size(path) + room;
    const pid_t child = fork();
    if (child == 0) {
      signal(SIGXFSZ, SIG_IGN);  // then write() fails with EFBIG
      const rlimit limit{size, size};
      setrlimit(RLIMIT_FSIZE, &limit);
      auto store = Store::open(path, false);
      if (!store) _exit(3);
      const auto session = (*store)->begin_session(example_header("u"));
      if (!session) _exit(session.error().kind == ErrorKind::environment ? 0 : 4);
      for (int i = 0; i < 10'000; ++i)
        if (const auto status = (*store)->append(*session, i + 1, example_round(i)); !status)
          _exit(status.error().kind == ErrorKind::environment ? 0 : 5);
      _exit(6);
    }
    int status = 0;
    REQUIRE(waitpid(child, &status, 0) == child);
    INFO("room for " << room << " bytes");
    CHECK(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == 0);
    CHECK(query(path, "PRAGMA integrity_check") == "ok");
    auto store = open_store(path);
    const auto sessions = store->list_sessions().value();
    for (const SessionListing& listing : sessions) CHECK(store->load_session(listing.number));
    CHECK(store->begin_session(example_header("after")));
  }
}

TEST_CASE("two processes that open and write one new database both finish", "[storage][crash]") {
  constexpr int kAppends = 20;
  TempFolder folder;
  const std::string path = folder / "a.db";
  pid_t children[2];
  for (pid_t& child : children) {
    child = fork();
    if (child != 0) continue;
    auto store = Store::open(path, false);
    if (!store) _exit(3);
    const auto session = (*store)->begin_session(example_header("u" + std::to_string(getpid())));
    if (!session) _exit(4);
    for (int i = 0; i < kAppends; ++i)
      if (!(*store)->append(*session, i + 1, example_round(i))) _exit(5);
    if (!(*store)->finish_session(ended(*session, kAppends, SessionEnd::converged),
                                  example_conclusion()))
      _exit(6);
    _exit(0);
  }
  for (pid_t child : children) {
    int status = 0;
    REQUIRE(waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == 0);
  }
  CHECK(query(path, "PRAGMA integrity_check") == "ok");
  CHECK(query(path, "SELECT count(*) FROM session WHERE end = 'converged'") == "2");
  CHECK(query(path, "SELECT count(*) FROM observation") == std::to_string(2 * kAppends));
}

TEST_CASE("a second writer of one session is refused", "[storage]") {
  TempFolder folder;
  auto first = open_store(folder / "a.db"), second = open_store(folder / "a.db");
  const auto session = first->begin_session(example_header("u")).value();
  REQUIRE(first->append(session, 1, example_round(1)));
  REQUIRE(second->append(session, 2, example_round(2)));
  const Status refused = first->append(session, 2, example_round(3));
  REQUIRE_FALSE(refused);
  CHECK(refused.error().kind == ErrorKind::environment);
  CHECK(refused.error().found.find("another process") != std::string::npos);
  CHECK(first->load_session(session)->observations.size() == 2);

  // The one that was refused does not end what the other goes on with.
  CHECK_FALSE(first->reopen_session(ended(session, 1, SessionEnd::running)));
  const Status ending = first->finish_session(ended(session, 1, SessionEnd::failed), {});
  REQUIRE_FALSE(ending);
  CHECK(ending.error().found == refused.error().found);
  CHECK(first->load_session(session)->end == SessionEnd::running);
  REQUIRE(second->append(session, 3, example_round(3)));
  REQUIRE(second->finish_session(ended(session, 3, SessionEnd::converged), example_conclusion()));
}

TEST_CASE("two connections of one process interleave their sessions", "[storage]") {
  TempFolder folder;
  auto first = open_store(folder / "a.db");
  auto second = open_store(folder / "a.db");
  const auto one = first->begin_session(example_header("one")).value();
  const auto two = second->begin_session(example_header("two")).value();
  for (int i = 0; i < 3; ++i) {
    REQUIRE(first->append(one, i + 1, example_round(i)));
    REQUIRE(second->append(two, i + 1, example_round(10 + i)));
  }
  const auto record = second->load_session(one).value();
  REQUIRE(record.observations.size() == 3);
  CHECK(std::get<Round>(record.observations[2].what) == std::get<Round>(example_round(2).what));
}
