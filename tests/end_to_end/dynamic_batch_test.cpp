// Dynamic batching as a user types it: what padding costs, and the batch to compile for a mix of user batches.
#include <cmath>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/end_to_end/document.h"
#include "tests/end_to_end/program.h"
#include "tests/support/catch.h"

using namespace batchtune::test;
using Arguments = std::vector<std::string>;
using Json = nlohmann::json;

namespace {

const Arguments kSimulated{"--backend", "simulated:tile=1", "--threads", "2", "--instances", "1"};

Arguments with(Arguments arguments, const Arguments& more) {
  arguments.insert(arguments.end(), more.begin(), more.end());
  return arguments;
}

const Json& request_of(const Json& document, int user_batch) {
  for (const Json& request : document.at("dynamic_batching").at("requests"))
    if (request.at("user_batch") == user_batch) return request;
  FAIL("user batch " << user_batch << " was not run");
  return document;
}

double latency_of(const Json& document, int batch) {
  for (const Json& trial : document.at("trials"))
    if (trial.at("batch") == batch && trial.at("candidate").at("compiled_batch").is_null())
      return trial.at("latency").at("undisturbed");
  FAIL("batch " << batch << " was not measured as it is");
  return 0;
}

std::string printed(const Arguments& arguments, int code) {
  const Finished finished = run(arguments);
  INFO(finished.err);
  CHECK(finished.code == code);
  return finished.out;
}

}  // namespace

TEST_CASE("measure splits user batches into runs of the compiled one and says what padding costs",
          "[end_to_end][dynamic_batch]") {
  fresh_database();
  const Json document = document_of(
      with({"measure", "mlp", "--compiled-batch", "4", "--user-batches", "1:13"}, kSimulated));
  REQUIRE(document.at("trials").size() == 14);
  const double compiled = latency_of(document, 4);
  for (int user = 1; user <= 13; ++user) {
    const Json& request = request_of(document, user);
    const int runs = (user + 3) / 4;
    CHECK(request.at("runs") == runs);
    CHECK(request.at("padded") == 4 * runs - user);
    CHECK(request.at("useful").get<double>() == Approx(user / (4.0 * runs)));
    CHECK(request.at("latency").get<double>() == Approx(runs * compiled).epsilon(1e-6));  // a clock without noise
    CHECK(request.at("of_compiled").get<double>() == Approx(user / (4.0 * runs)).epsilon(1e-6));
  }
  const std::string text = printed({"report", "last"}, 0);
  CHECK(text.find("useful %") != std::string::npos);
  CHECK(text.find("SIMULATED") != std::string::npos);
  const std::string csv = printed({"report", "last", "--format", "csv"}, 0);
  CHECK(csv.find("compiled_batch,useful_share,users_throughput") != std::string::npos);
}

TEST_CASE("the guide's call, --compiled-batch 4 --user-batch 12, on this machine's processor",
          "[end_to_end][dynamic_batch]") {
  fresh_database();
  const Json document =
      document_of({"measure", "mlp@width=64", "--backend", "cpu", "--threads", "1", "--compiled-batch", "4",
                   "--user-batch", "12", "--budget", "3s"});
  const Json& request = request_of(document, 12);
  CHECK(request.at("runs") == 3);
  CHECK(request.at("padded") == 0);
  CHECK(request.at("useful") == 1.0);
  CHECK(request.at("latency").get<double>() > 2 * latency_of(document, 4));
  for (const Json& trial : document.at("trials")) CHECK(trial.at("status") != "wrong_result");
}

TEST_CASE("tune recommends the compiled batch of a mix, runs it with that mix, and is judged again",
          "[end_to_end][dynamic_batch]") {
  fresh_database();
  const Json document = document_of(with({"tune", "mlp", "--user-batches", "1:40%,8:30%,12:30%"}, kSimulated));
  const Json& dynamic = document.at("dynamic_batching");
  REQUIRE(dynamic.at("compiled").size() == 7);  // 1, 2, 3, 4, 6, 8, 12
  const int best = document.at("best").at("batch");
  double most = 0;
  int expected = 0;
  for (const int batch : {1, 2, 3, 4, 6, 8, 12}) {
    double seconds = 0;
    for (const auto& [user, share] : {std::pair{1, 0.4}, {8, 0.3}, {12, 0.3}})
      seconds += share * std::ceil(1.0 * user / batch) * latency_of(document, batch);
    if (6.4 / seconds > most) {
      most = 6.4 / seconds;
      expected = batch;
    }
  }
  CHECK(best == expected);
  for (const Json& row : dynamic.at("compiled")) {
    const bool chosen = row.at("compiled_batch") == best;
    CHECK(row.at("measured").is_null() == !chosen);
    if (chosen) CHECK(row.at("measured").at("throughput").get<double>() == Approx(most).epsilon(1e-6));
  }
  CHECK(document.at("settings").at("effective").at("strategy") == "exhaustive");
  CHECK(document.at("settings").at("origins").at("objective") == "--user-batches");
  // The mix comes back with the session; another one judges the same figures.
  const Json again = document_of({"report", "last"});
  CHECK(again.at("dynamic_batching") == dynamic);
  CHECK(again.at("best") == document.at("best"));
  const Json other = document_of({"report", "last", "--user-batches", "12"});
  CHECK(other.at("best").at("batch") == 12);
  CHECK(other.at("dynamic_batching").at("mix").size() == 1);
  const std::string text = printed({"report", "last"}, 0);
  CHECK(text.find("with dynamic batching, compiled for batch " + std::to_string(best)) != std::string::npos);
  CHECK(text.find("samples/s of this mix") != std::string::npos);
  CHECK(printed({"report", "last", "--quiet"}, 0) == std::to_string(best) + "\n");
}

TEST_CASE("a session with a mix is resumed as it was asked", "[end_to_end][dynamic_batch]") {
  fresh_database();
  const Arguments command = with({"tune", "mlp", "--user-batches", "1:50%,6:50%"}, kSimulated);
  const Json whole = document_of(command);
  const Finished refused = run(with(command, {"--resume"}));
  CHECK(refused.code == 2);  // it has ended
  CHECK(whole.at("settings").at("requested").at("user_batches") == "1:50%,6:50%");
}

TEST_CASE("what is no dynamic batching ends with 2 and one clear line", "[end_to_end][dynamic_batch]") {
  const auto expect = [](const Arguments& arguments, const std::string& message) {
    const Finished finished = run(arguments);
    INFO(finished.err);
    CHECK(finished.code == 2);
    CHECK(finished.err.find(message) != std::string::npos);
    CHECK(finished.out.empty());
  };
  expect({"tune", "mlp", "--user-batches", "1:40%,8:30%"}, "shares that add up to 100 %, found 70 %");
  expect({"tune", "mlp", "--user-batches", "1:16"}, "a share of the requests");
  expect({"tune", "mlp", "--user-batches", "8:50%,8:50%"}, "8 twice");
  expect({"tune", "mlp", "--user-batches", "1:50%,8:50%", "--strategy", "adaptive"}, "--strategy adaptive");
  expect({"measure", "mlp", "--user-batches", "1:16"}, "--compiled-batch 4");
  expect({"measure", "mlp", "--user-batch", "12"}, "--compiled-batch 4");
  expect({"measure", "mlp", "--compiled-batch", "4"}, "--user-batch or --user-batches");
  expect({"measure", "mlp", "--compiled-batch", "4", "--user-batch", "12", "--batches", "1"},
         "Leave one of the two out");
  expect({"measure", "mlp", "--compiled-batch", "4", "--user-batch", "12", "--layers"}, "--layers");
  expect({"report", "last", "--user-batches", "1:50%,3"}, "user batches with their shares");
}
