// Several programs on one database at once: each finishes, nothing is lost, and of two that write
// one session the slower is refused without ending it for the other.
#include <signal.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/end_to_end/program.h"
#include "tests/support/catch.h"

using namespace batchtune::test;
using Arguments = std::vector<std::string>;
using Json = nlohmann::json;

namespace {

Arguments tune(const std::string& seed) {
  return simulated_sweep("1:20", seed);
}

Json listed_sessions() {
  const Finished finished = run({"list", "sessions", "--format", "json"});
  return finished.code == 0 ? Json::parse(finished.out).at("sessions") : Json::array();
}

std::string end_of_session() {
  return Json::parse(run({"report", "last", "--format", "json"}).out).at("session").at("ended");
}

}  // namespace

TEST_CASE("tuners that share one new database all finish as they do alone", "[end_to_end]") {
  constexpr int kTuners = 3;
  std::vector<Json> alone;
  for (int i = 0; i < kTuners; ++i) {
    fresh_database();
    alone.push_back(Json::parse(run(tune(std::to_string(i))).out));
  }
  fresh_database();
  std::vector<std::unique_ptr<Program>> programs;
  for (int i = 0; i < kTuners; ++i)
    programs.push_back(std::make_unique<Program>(tune(std::to_string(i))));
  std::size_t observations = 0;
  for (int i = 0; i < kTuners; ++i) {
    const Finished finished = programs[i]->wait();
    INFO(finished.err);
    REQUIRE(finished.code == 0);
    CHECK(finished.err.find("locked") == std::string::npos);
    const Json together = Json::parse(finished.out);
    CHECK(together.at("best") == alone[i].at("best"));
    REQUIRE(together.at("trials").size() == alone[i].at("trials").size());
    for (std::size_t trial = 0; trial < together.at("trials").size(); ++trial)
      CHECK(together.at("trials")[trial].at("samples") ==
            alone[i].at("trials")[trial].at("samples"));
  }
  const Json sessions = listed_sessions();
  REQUIRE(sessions.size() == kTuners);
  for (const Json& session : sessions)
    observations += session.at("observations").get<std::size_t>();
  CHECK(observations > 3 * 20);
}

TEST_CASE("of two programs that write one session one is refused and the other goes on",
          "[end_to_end]") {
  fresh_database();
  std::vector<std::unique_ptr<Program>> programs;
  programs.push_back(std::make_unique<Program>(endless_sweep()));
  REQUIRE(eventually(60, [] { return stored_observations() >= 5; }));
  programs.push_back(
      std::make_unique<Program>(Arguments{"tune", "mlp", "--resume", "--format", "json"}));
  REQUIRE(eventually(
      60, [&] { return !is_alive(programs[0]->pid()) || !is_alive(programs[1]->pid()); }));
  const std::size_t refused = is_alive(programs[0]->pid()) ? 1 : 0;
  const Finished first = programs[refused]->wait();
  INFO(first.err);
  CHECK(first.code == 4);
  CHECK(first.err.find("another process") != std::string::npos);

  const int before = stored_observations();
  REQUIRE(eventually(60, [&] { return stored_observations() > before; }));
  CHECK(end_of_session() == "running");
  programs[1 - refused]->send(SIGINT);
  CHECK(programs[1 - refused]->wait().code == 130);
  CHECK(end_of_session() == "interrupted");
  CHECK(listed_sessions().size() == 1);
}
