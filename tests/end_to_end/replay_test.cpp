// From recording to replay, as a user types it: on the simulated device and on tables written by
// hand, so that nothing depends on this machine.
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/end_to_end/program.h"
#include "tests/support/catch.h"

using namespace batchtune::test;
using Arguments = std::vector<std::string>;
using Json = nlohmann::json;

namespace {

std::string table(const std::string& name) {
  return std::string(BT_TEST_DATA) + "/tables/" + name;
}

std::string content(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

Json replay(Arguments arguments) {
  arguments.insert(arguments.begin(), "replay");
  arguments.insert(arguments.end(), {"--format", "json"});
  const Finished finished = run(arguments);
  INFO(finished.err);
  REQUIRE(finished.code == 0);
  return Json::parse(finished.out);
}

void expect(const Arguments& arguments, int code, const std::string& part) {
  const Finished finished = run(arguments);
  INFO(finished.err);
  CHECK(finished.code == code);
  CHECK(finished.err.find(part) != std::string::npos);
}

Arguments sweep(const std::string& file) {
  return {"tune", "mlp",        "--backend",  "simulated", "--threads", "2",        "--batches",
          "1:6",  "--strategy", "exhaustive", "--soak",    "0s",        "--record", file};
}

}  // namespace

TEST_CASE("replaying a table written by hand reads as approved", "[end_to_end]") {
  const std::string path = std::string(BT_TEST_GOLDEN) + "/cli_replay.txt";
  const Finished finished = run({"replay", table("hand.json"), "--strategy", "exhaustive",
                                 "--objective", "throughput", "--seeds", "5"});
  INFO(finished.err);
  REQUIRE(finished.code == 0);
  if (std::getenv("BATCHTUNE_APPROVE") != nullptr) std::ofstream(path) << finished.out;
  CHECK(finished.out == content(path));
}

TEST_CASE("a sweep finds the best of a quiet table, and the same seeds find the same",
          "[end_to_end]") {
  const Arguments arguments{table("hand.json"), "--strategy", "exhaustive", "--objective",
                            "throughput",       "--seeds",    "3"};
  const Json document = replay(arguments);
  CHECK(document.at("command") == "replay");
  CHECK(document.at("settings").at("objective") == "throughput");
  REQUIRE(document.at("tables").size() == 1);
  const Json& line = document.at("tables")[0];
  CHECK(line.at("table") == "hand");
  CHECK(line.at("seeds") == 3);
  CHECK(line.at("regret").at("worst") == 0);
  CHECK(line.at("hypervolume") == 1);
  CHECK(line.at("out_of_memory_hits") >= 1);
  CHECK(document.at("recordings")[0].at("best").at("batch") == 4);
  CHECK(document.at("summary").empty());
  CHECK(replay(arguments) == document);
}

TEST_CASE("every strategy can be replayed on several tables, with a summary of each",
          "[end_to_end]") {
  const Json strategies =
      Json::parse(run({"list", "strategies", "--format", "json"}).out).at("strategies");
  const Json document = replay({table("hand.json"), table("hand_split.json"), "--strategy", "all",
                                "--seeds", "2", "--budget", "20s"});
  CHECK(document.at("tables").size() == 2 * strategies.size());
  REQUIRE(document.at("summary").size() == strategies.size());
  for (const Json& line : document.at("summary")) {
    CHECK(line.at("table").is_null());
    CHECK(line.at("seeds") == 4);
    CHECK(line.at("device_seconds").at("median") > 0);
    CHECK(line.at("device_time_share") > 0);
  }
  CHECK(document.at("recordings")[1].at("best").at("instances") == 2);
}

TEST_CASE("limits and objectives count in a replay", "[end_to_end]") {
  const std::string hand = table("hand.json");
  const auto regret = [&](Arguments wishes) {
    wishes.insert(wishes.begin(), {hand, "--strategy", "exhaustive", "--seeds", "2"});
    return replay(wishes).at("tables")[0].at("regret").at("worst").get<double>();
  };
  CHECK(regret({"--objective", "latency", "--min-throughput", "300/s"}) == 0);
  CHECK(regret({"--objective", "cost", "--price", "0.34/h"}) == 0);
  expect({"replay", hand, "--objective", "latency"}, 2, "--min-throughput");
  expect({"replay", hand, "--objective", "cost"}, 2, "--price");
  expect({"replay", hand, "--min-throughput", "300/s"}, 2, "Give --objective latency with it");
}

TEST_CASE("a sweep on a device becomes a table that can be replayed", "[end_to_end]") {
  fresh_database();
  const std::string file = scratch("sweep.json");
  std::filesystem::remove(file);
  const Finished tuned = run(sweep(file));
  INFO(tuned.err);
  REQUIRE(tuned.code == 0);
  CHECK(tuned.err.find("recorded in " + file) != std::string::npos);
  const Json recorded = Json::parse(content(file));
  CHECK(recorded.at("kind") == "table");
  CHECK(recorded.at("model") == "mlp");
  CHECK(recorded.at("rows").size() == 6);
  CHECK(recorded.at("problem").at("flops") > 0);
  for (const Json& row : recorded.at("rows")) {
    CHECK(row.at("latency").size() == row.at("round").size());
    CHECK(row.at("latency").size() >= 3);
    CHECK(row.at("memory") > 0);
  }
  const Json document = replay({file, "--strategy", "exhaustive", "--seeds", "2"});
  CHECK(document.at("recordings")[0].at("candidates") == 6);

  const std::string again = scratch("again.json");
  REQUIRE(run({"report", "last", "--record", again}).code == 0);
  CHECK(content(again) == content(file));
}

TEST_CASE("measured batches are recorded, too", "[end_to_end]") {
  fresh_database();
  const std::string file = scratch("measured.json");
  const Finished measured = run({"measure", "mlp", "--batches", "1,4,9", "--backend", "simulated",
                                 "--threads", "2", "--record", file, "-q"});
  INFO(measured.err);
  REQUIRE(measured.code == 0);
  CHECK(measured.err.empty());
  CHECK(Json::parse(content(file)).at("rows").size() == 3);
}

TEST_CASE("a table that cannot be written is refused before anything is measured", "[end_to_end]") {
  fresh_database();
  expect(sweep("/no/such/folder/t.json"), 4, "to write a table");
  expect(sweep(std::filesystem::path(scratch("x")).parent_path().string()), 4, "a folder");
  expect({"tune", "mlp", "--backend", "simulated", "--record", scratch("t.json")}, 2,
         "the strategy exhaustive with --record");
  CHECK(Json::parse(run({"list", "sessions", "--format", "json"}).out).at("sessions").empty());
}

TEST_CASE("what is no table, no strategy or no seed is refused", "[end_to_end]") {
  const std::string hand = table("hand.json");
  const std::string bad = scratch("bad.json");
  std::ofstream(bad) << "{\"schema_version\":9,\"kind\":\"table\"}";
  expect({"replay", bad}, 2, "bad.json, $.schema_version");
  expect({"replay", scratch("none.json")}, 2, "a readable table");
  expect({"replay"}, 2, "FILE");
  expect({"replay", hand, "--strategy", "luck"}, 2, "strategies: all, ");
  expect({"replay", hand, "--strategy", "exhaustive,exhaustive"}, 2, "twice");
  expect({"replay", hand, "--seeds", "0"}, 2, "a number of seeds");
  expect({"replay", hand, hand}, 2, "each table once");
  expect({"replay", hand, "--budget", "60"}, 2, "--budget");
}
