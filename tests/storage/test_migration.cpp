// Databases of every earlier schema are brought up to date, read without loss and written again. A
// new step adds the rows of the version before as tests/data/sessions_schema_N.sql.
#include <sys/wait.h>
#include <unistd.h>

#include "storage/detail/migrate.h"
#include "storage/detail/open.h"
#include "tests/storage/fixture.h"
#include "tests/support/catch.h"

using namespace batchtune;
using namespace batchtune::test;

namespace {

// A file as the program with this schema left it.
void write_old(const std::string& path, int version) {
  auto old = detail::open_for_writing(
      path, false, detail::migrations().first(static_cast<std::size_t>(version)));
  REQUIRE(old);
  const std::string rows = BT_TEST_DATA "/sessions_schema_" + std::to_string(version) + ".sql";
  REQUIRE(old->execute(read_file(rows).c_str()));
}

int newest() {
  return detail::migrations().back().version;
}

}  // namespace

TEST_CASE("the rows of every earlier schema can be read, and sessions go on", "[storage]") {
  for (int version = 1; version < newest(); ++version) {
    TempFolder folder;
    const std::string path = folder / "a.db";
    write_old(path, version);
    INFO("schema " << version);
    REQUIRE_FALSE(Store::open_read_only(path));
    const std::string observations = query(path, "SELECT count(*) FROM observation");
    auto store = open_store(path);
    CHECK(query(path, "PRAGMA user_version") == std::to_string(newest()));
    CHECK(query(path, "PRAGMA integrity_check") == "ok");
    CHECK(query(path + ".schema-" + std::to_string(version) + ".backup",
                "SELECT count(*) FROM observation") == observations);
    const auto sessions = store->list_sessions().value();
    REQUIRE(sessions.size() == 3);
    for (const SessionListing& session : sessions) {
      auto record = store->load_session(session.number).value();
      CHECK(record.observations.size() == static_cast<std::size_t>(session.observations));
      const auto next = std::ssize(record.observations) + 1;
      REQUIRE(store->append(session.number, next, example_round()));
      record.observations.push_back(example_round());
      record.overhead = Overhead{};
      REQUIRE(store->finish_session(record, example_conclusion()));
      CHECK(store->load_session(session.number)->overhead);
    }
    CHECK(store->notes("calibration", "simulated device")->size() == 1);
  }
}

TEST_CASE("what schema 1 did not know is absent, and what it knew is unchanged", "[storage]") {
  TempFolder folder;
  const std::string path = folder / "a.db";
  write_old(path, 1);
  auto store = open_store(path);
  const SessionRecord tuned = store->load_session(1).value();
  CHECK(tuned.end == SessionEnd::budget);
  CHECK(tuned.anchor == 1);
  CHECK_FALSE(tuned.overhead);
  CHECK(tuned.header.wishes.precision == Wishes{}.precision);
  CHECK(tuned.header.wishes.memory_limit == Bytes{943718400});
  CHECK(tuned.header.settings.effective.size() == 16);
  CHECK(tuned.header.environment.front().first == "cpu.model");
  const auto& probe = std::get<Probe>(tuned.observations[3].what);
  CHECK(probe.ending.status == TrialStatus::ok);
  CHECK(probe.soak == 0);
  CHECK_FALSE(probe.peak_resident);
  CHECK_FALSE(probe.spill);
  CHECK_FALSE(probe.killed);
  CHECK(tuned.observations[3].wall == 0);

  const SessionRecord killed = store->load_session(3).value();
  CHECK(killed.end == SessionEnd::running);
  CHECK(killed.header.label == "it's old");
  const auto& round = std::get<Round>(killed.observations[1].what);
  REQUIRE(round.visits.size() == 1);
  CHECK(round.visits[0].seconds == std::vector<double>{0.1, 0.2});
  CHECK_FALSE(round.visits[0].host);
  CHECK(round.failures.at(0).ending.evidence == "signal 11");
  CHECK(store->last_unended(killed.header.model.hash).value() == 3);
  CHECK(query(path, "SELECT sum(overhead_in_interval IS NULL AND kills IS NULL) FROM session") ==
        "3");
  CHECK(query(path, "SELECT count(*) FROM result WHERE status = 'crashed'") == "1");
}

TEST_CASE("two processes that open one old database at once both find it new", "[storage]") {
  TempFolder folder;
  const std::string path = folder / "a.db";
  write_old(path, 1);
  pid_t children[2];
  for (pid_t& child : children) {
    child = fork();
    if (child == 0) _exit(Store::open(path, false) ? 0 : 3);
  }
  for (pid_t child : children) {
    int status = 0;
    REQUIRE(waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == 0);
  }
  CHECK(query(path, "SELECT group_concat(version) FROM schema_migration") == "1,2,3");
  CHECK_FALSE(std::filesystem::exists(path + ".schema-1.backup-2"));
}
