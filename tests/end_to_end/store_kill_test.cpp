// Sessions that are killed again and again, or whose disk is full: with --resume they end as one
// that was left alone.
#include <signal.h>
#include <sqlite3.h>
#include <sys/resource.h>

#include <chrono>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "tests/end_to_end/program.h"
#include "tests/support/catch.h"

using namespace batchtune::test;
using Arguments = std::vector<std::string>;
using Json = nlohmann::json;

namespace {

Arguments tune(const std::string& seed) {
  return simulated_sweep("1:40", seed);
}

const Arguments kResume{"tune", "mlp", "--resume", "--format", "json"};

// One figure of the database; "" when there is none yet.
std::string query(const std::string& sql) {
  sqlite3* handle = nullptr;
  sqlite3_stmt* statement = nullptr;
  std::string text;
  const std::string path = scratch("sessions.db");
  if (std::filesystem::exists(path) &&
      sqlite3_open_v2(path.c_str(), &handle, SQLITE_OPEN_READWRITE, nullptr) == SQLITE_OK) {
    sqlite3_busy_timeout(handle, 10'000);
    if (sqlite3_prepare_v2(handle, sql.c_str(), -1, &statement, nullptr) == SQLITE_OK &&
        sqlite3_step(statement) == SQLITE_ROW)
      text = reinterpret_cast<const char*>(sqlite3_column_text(statement, 0));
    sqlite3_finalize(statement);
  }
  sqlite3_close(handle);
  return text;
}

int count_observations() {
  const std::string text = query("SELECT count(*) FROM observation");
  return text.empty() ? 0 : std::stoi(text);
}

bool has_session() {
  const std::string text = query("SELECT count(*) FROM session");
  return !text.empty() && text != "0";
}

void check_sound() {
  CHECK(query("PRAGMA integrity_check") == "ok");
  CHECK(query("SELECT count(*) FROM session") == "1");
  CHECK(query("SELECT count(*) = max(seq) FROM observation") == "1");
}

// What must not depend on how often a session was interrupted.
void check_same_result(const Json& whole, const Json& resumed) {
  CHECK(resumed.at("session").at("ended") == whole.at("session").at("ended"));
  CHECK(resumed.at("best") == whole.at("best"));
  REQUIRE(resumed.at("trials").size() == whole.at("trials").size());
  for (std::size_t i = 0; i < whole.at("trials").size(); ++i) {
    CHECK(resumed.at("trials")[i].at("batch") == whole.at("trials")[i].at("batch"));
    CHECK(resumed.at("trials")[i].at("samples") == whole.at("trials")[i].at("samples"));
  }
}

Json finished_alone(const std::string& seed) {
  fresh_database();
  const Finished finished = run(tune(seed));
  INFO(finished.err);
  REQUIRE(finished.code == 0);
  return Json::parse(finished.out);
}

// Starts the session and goes on with it `kills` times, each time killed at a random moment; then
// lets it end.
Json finished_after_kills(const std::string& seed, int kills, std::mt19937& random) {
  std::uniform_int_distribution<int> moment(1, 250);  // milliseconds: from starting to some rounds
  fresh_database();
  int stored = 0;
  for (int i = 0; i < kills; ++i) {
    Program program(has_session() ? kResume : tune(seed));
    std::this_thread::sleep_for(std::chrono::milliseconds(moment(random)));
    program.send(SIGKILL);
    program.wait();
    const int now = count_observations();
    CHECK(now >= stored);
    stored = now;
    if (query("SELECT end FROM session") == "converged") break;
  }
  const bool ended = query("SELECT end FROM session") == "converged";
  const Finished last = run(ended           ? Arguments{"report", "last", "--format", "json"}
                            : has_session() ? kResume
                                            : tune(seed));
  INFO(last.err);
  REQUIRE(last.code == 0);
  check_sound();
  return Json::parse(last.out);
}

}  // namespace

TEST_CASE("a session killed a dozen times ends like one that was left alone", "[end_to_end]") {
  std::mt19937 random(20260101);
  const Json whole = finished_alone("5");
  check_same_result(whole, finished_after_kills("5", 12, random));
}

TEST_CASE("sessions killed hundreds of times end like those that were left alone", "[.long]") {
  std::mt19937 random(20260102);
  for (int session = 0; session < 20; ++session) {
    const std::string seed = std::to_string(100 + session);
    const Json whole = finished_alone(seed);
    check_same_result(whole, finished_after_kills(seed, 20, random));
  }
}

TEST_CASE("a session that ran out of disk says so and goes on when there is room", "[end_to_end]") {
  const Json whole = finished_alone("7");
  fresh_database();
  rlimit limit{};
  getrlimit(RLIMIT_FSIZE, &limit);
  const rlimit full{200'000, limit.rlim_max};  // bytes: an empty database and some rounds
  setrlimit(RLIMIT_FSIZE, &full);
  const Finished out_of_disk = run(tune("7"));
  setrlimit(RLIMIT_FSIZE, &limit);
  INFO(out_of_disk.err);
  CHECK(out_of_disk.code == 4);
  CHECK(out_of_disk.err.find("--resume") != std::string::npos);
  CHECK(out_of_disk.err.find(scratch("sessions.db")) != std::string::npos);
  REQUIRE(count_observations() > 0);
  check_sound();
  const Finished resumed = run(kResume);
  INFO(resumed.err);
  REQUIRE(resumed.code == 0);
  check_same_result(whole, Json::parse(resumed.out));
  check_sound();
}
