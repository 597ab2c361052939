// Sessions that are cut short: what was seen is kept and reported, no process stays, and --resume
// goes on.
#include <signal.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/end_to_end/program.h"
#include "tests/support/catch.h"

using namespace batchtune::test;
using Arguments = std::vector<std::string>;
using Json = nlohmann::json;

namespace {

void let_it_measure(int observations) {
  REQUIRE(eventually(60, [&] { return stored_observations() >= observations; }));
}

}  // namespace

TEST_CASE("a signal ends a session after the observation in hand, and the report comes",
          "[end_to_end]") {
  for (const auto& [signal, code] : {std::pair{SIGINT, 130}, std::pair{SIGTERM, 143}}) {
    fresh_database();
    Program program(endless_sweep());
    let_it_measure(5);
    const std::vector<pid_t> workers = children_of(program.pid());
    program.send(signal);
    const Finished finished = program.wait();
    INFO(finished.err);
    CHECK(finished.code == code);
    const Json document = Json::parse(finished.out);
    CHECK(document.at("session").at("ended") == "interrupted");
    CHECK_FALSE(document.at("trials").empty());
    for (const pid_t worker : workers) CHECK(eventually(5, [&] { return !is_alive(worker); }));
  }
}

TEST_CASE("a signal in the first of several models ends them all", "[end_to_end]") {
  fresh_database();
  Arguments both = endless_sweep();
  both.insert(both.begin() + 2, "resnet-18");
  Program program(both);
  let_it_measure(5);
  program.send(SIGINT);
  const Finished finished = program.wait();
  INFO(finished.err);
  CHECK(finished.code == 130);
  CHECK(Json::parse(finished.out).at("results").size() == 1);
  CHECK(Json::parse(run({"list", "sessions", "--format", "json"}).out).at("sessions").size() == 1);
}

TEST_CASE("kill -9 loses no stored observation, leaves no process, and --resume goes on",
          "[end_to_end]") {
  fresh_database();
  Program program(endless_sweep());
  let_it_measure(10);
  const std::vector<pid_t> workers = children_of(program.pid());
  program.send(SIGKILL);
  CHECK(program.wait().code == 128 + SIGKILL);
  CHECK_FALSE(workers.empty());
  for (const pid_t worker : workers) CHECK(eventually(5, [&] { return !is_alive(worker); }));

  const int before = stored_observations();
  CHECK(before >= 10);
  Program resumed({"tune", "mlp", "--resume", "--format", "json"});
  REQUIRE(eventually(60, [&] { return stored_observations() > before; }));
  resumed.send(SIGINT);
  const Finished finished = resumed.wait();
  INFO(finished.err);
  CHECK(finished.code == 130);
  CHECK(Json::parse(finished.out).at("session").at("number") ==
        1);  // the same session, and no second one
}

TEST_CASE("a session that was interrupted and resumed ends like one that was not", "[end_to_end]") {
  const Arguments sweep =
      simulated_tune("1:60", {"--strategy", "exhaustive", "--seed", "5", "--format", "json"});
  fresh_database();
  const Json whole = Json::parse(run(sweep).out);
  fresh_database();
  Program program(sweep);
  let_it_measure(12);
  program.send(SIGKILL);
  program.wait();
  const Finished finished = run({"tune", "mlp", "--resume", "--format", "json"});
  INFO(finished.err);
  CHECK(finished.code == 0);
  const Json resumed = Json::parse(finished.out);
  CHECK(resumed.at("best") == whole.at("best"));
  REQUIRE(resumed.at("trials").size() == whole.at("trials").size());
  for (std::size_t i = 0; i < whole.at("trials").size(); ++i) {
    CHECK(resumed.at("trials")[i].at("batch") == whole.at("trials")[i].at("batch"));
    CHECK(resumed.at("trials")[i].at("samples") == whole.at("trials")[i].at("samples"));
  }
}

TEST_CASE("resuming with other settings is refused with the difference", "[end_to_end]") {
  fresh_database();
  Program program(endless_sweep());
  let_it_measure(3);
  program.send(SIGKILL);
  program.wait();
  const Finished finished = run({"tune", "mlp", "--resume", "--batches", "1:300", "--seed", "9"});
  CHECK(finished.code == 2);
  CHECK(finished.err.find("--batches: 1:400 then, 1:300 now") != std::string::npos);
  CHECK(finished.err.find("--seed") != std::string::npos);
  const Finished other = run({"tune", "resnet-18", "--resume", "1"});
  CHECK(other.code == 2);
  CHECK(other.err.find("model: mlp then, resnet-18 now") != std::string::npos);
}
