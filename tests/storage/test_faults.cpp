// Every write, sync, truncation, removal and opening that can fail does so once and for good: there
// is an error that says so, and the file holds what was acknowledged.
#include <functional>

#include "storage/detail/migrate.h"
#include "storage/detail/open.h"
#include "tests/storage/fault_vfs.h"
#include "tests/storage/fixture.h"
#include "tests/support/catch.h"

using namespace batchtune;
using namespace batchtune::test;

namespace {

constexpr int kObservations = 3;
constexpr int kMostFaults = 5000;  // a sweep that does not end is a failure of the test

// What a run was told had been done.
struct Acknowledged {
  std::int64_t session = 0;
  int observations = 0;
  bool settings = false, note = false, finished = false;
};

Observation observation(int number) {
  return number == 1 ? example_preparation() : example_round(number);
}

void check_error(const Error& error) {
  INFO(to_string(error));
  CHECK(error.kind == ErrorKind::environment);
  CHECK_FALSE(error.wanted.empty());
  CHECK_FALSE(error.found.empty());
  CHECK_FALSE(error.where.empty());
  CHECK_FALSE(error.todo.empty());
}

// An operation that failed is tried once more, as a user would; whether it was done in the end.
bool twice(const std::function<Status()>& operation) {
  for (int attempt = 0; attempt < 2; ++attempt) {
    const Status done = operation();
    if (done) return true;
    check_error(done.error());
  }
  return false;
}

// Not tried again: one that failed may be stored all the same.
void append(Store& store, Acknowledged& acknowledged) {
  const int number = acknowledged.observations + 1;
  if (const Status done = store.append(acknowledged.session, number, observation(number)); done)
    ++acknowledged.observations;
  else
    check_error(done.error());
}

// A session's whole life; goes on after errors as far as it can.
Acknowledged live(const std::string& path) {
  Acknowledged acknowledged;
  Result<std::unique_ptr<Store>> store = Store::open(path, false);
  if (!store) {
    check_error(store.error());
    store = Store::open(path, false);
    if (!store) return acknowledged;
  }
  int attempt = 0;  // a second one is a second session: the first may be there although it failed
  twice([&]() -> Status {
    BT_TRY(session, (*store)->begin_session(example_header("u" + std::to_string(++attempt))));
    acknowledged.session = session;
    return {};
  });
  if (acknowledged.session == 0) return acknowledged;
  SessionHeader header = example_header("u");
  header.settings.effective.clear();
  acknowledged.settings =
      twice([&] { return (*store)->update_settings(acknowledged.session, header.settings); });
  for (int i = 0; i < kObservations; ++i) append(**store, acknowledged);
  acknowledged.note = twice([&] {
    return (*store)->put_note({"calibration", "d", "", "", "peaks", "{}", ""});
  });
  const SessionRecord record =
      ended(acknowledged.session, acknowledged.observations, SessionEnd::converged);
  acknowledged.finished =
      twice([&] { return (*store)->finish_session(record, example_conclusion()); });
  return acknowledged;
}

void check_content(const std::string& path, const Acknowledged& acknowledged) {
  auto store = open_store(path);
  REQUIRE(query(path, "PRAGMA integrity_check") == "ok");
  REQUIRE(query(path, "SELECT count(*) FROM pragma_foreign_key_check") == "0");
  CHECK(query(path,
              "SELECT count(*) FROM session s WHERE end <> 'running' AND"
              " (SELECT count(*) FROM trial t WHERE t.session = s.id) <> 2") == "0");
  if (acknowledged.note) CHECK(store->notes("calibration", "d")->size() == 1);
  if (acknowledged.session == 0) return;
  const auto record = store->load_session(acknowledged.session);
  INFO((record ? "" : to_string(record.error())));
  REQUIRE(record);
  const int stored = static_cast<int>(record->observations.size());
  CHECK(stored >= acknowledged.observations);
  CHECK(stored <= acknowledged.observations + 1);  // done, although the error came after it
  for (int i = 0; i < stored; ++i)
    if (const auto* round = std::get_if<Round>(&record->observations[i].what))
      CHECK(*round == std::get<Round>(observation(i + 1).what));
  if (acknowledged.settings) CHECK(record->header.settings.effective.empty());
  if (acknowledged.finished) CHECK(record->end == SessionEnd::converged);
  CHECK(store->append(acknowledged.session, stored + 1, example_probe()));
}

// Runs `attempt` with every fault of `operation` until none fires, once and lasting; the number of
// faults.
int sweep(FaultVfs& vfs, Operation operation, const std::function<void(bool lasting)>& attempt) {
  int faults = 0;
  for (const auto& [code, lasting] : {std::pair{SQLITE_IOERR, false}, std::pair{SQLITE_FULL, true}})
    for (int nth = 1; nth < kMostFaults; ++nth, ++faults) {
      INFO("fault " << nth << " of " << name_of(operation) << (lasting ? ", lasting" : ", once"));
      vfs.arm({operation, nth, code, lasting});
      attempt(lasting);
      if (!vfs.fired()) break;
      REQUIRE(nth + 1 < kMostFaults);
    }
  return faults;
}

void remove_database(const std::string& path) {
  for (const char* suffix : {"", "-journal", ".schema-1.backup", ".schema-1.backup-2"})
    std::filesystem::remove(path + suffix);
}

}  // namespace

TEST_CASE("whatever operation fails while a database is created, it is created the next time",
          "[storage][faults]") {
  TempFolder folder;
  const std::string path = folder / "a.db";
  FaultVfs vfs;
  int faults = 0;
  for (Operation operation : kOperations)
    faults += sweep(vfs, operation, [&](bool) {
      remove_database(path);
      const auto store = Store::open(path, false);
      vfs.disarm();
      if (!store) check_error(store.error());
      open_store(path);
      CHECK(query(path, "PRAGMA integrity_check") == "ok");
    });
  CHECK(faults > 50);
}

TEST_CASE("whatever operation fails in a session's life, what was acknowledged is there",
          "[storage][faults]") {
  TempFolder folder;
  const std::string path = folder / "a.db";
  FaultVfs vfs;
  open_store(path);
  const std::string empty = read_file(path);
  int faults = 0;
  for (Operation operation : kOperations)
    faults += sweep(vfs, operation, [&](bool) {
      remove_database(path);
      write_file(path, empty);
      const Acknowledged acknowledged = live(path);
      vfs.disarm();
      check_content(path, acknowledged);
    });
  CHECK(faults > 100);
}

TEST_CASE("whatever operation fails in a migration, the file is as it was or wholly new",
          "[storage][faults]") {
  TempFolder folder;
  const std::string path = folder / "a.db";
  FaultVfs vfs;
  {
    auto old = detail::open_for_writing(path, false, detail::migrations().first(1));
    REQUIRE(old);
    REQUIRE(old->execute(read_file(BT_TEST_DATA "/sessions_schema_1.sql").c_str()));
  }
  const std::string old = read_file(path);
  int faults = 0;
  for (Operation operation : kOperations)
    faults += sweep(vfs, operation, [&](bool lasting) {
      remove_database(path);
      write_file(path, old);
      const auto store = Store::open(path, false);
      vfs.disarm();
      if (!store) {
        check_error(store.error());
        CHECK(query(path, "PRAGMA integrity_check") == "ok");
        CHECK(query(path, "PRAGMA user_version") == "1");
        // A disk that stays broken leaves it unknown what is in the file: then the copy stays.
        CHECK((lasting || !std::filesystem::exists(path + ".schema-1.backup")));
        CHECK(query(path, "SELECT count(*) FROM observation") == "15");
      }
      auto again = open_store(path);
      CHECK(query(path, "PRAGMA integrity_check") == "ok");
      CHECK(again->load_session(1)->observations.size() == 6);
      CHECK(again->load_session(3)->observations.size() == 2);
    });
  CHECK(faults > 20);
}
