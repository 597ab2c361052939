// How the CPUs are split, through the command line: each split a group, searched with the batch.
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "tests/end_to_end/document.h"
#include "tests/end_to_end/program.h"
#include "tests/support/catch.h"
#include "tuner/cli/host.h"

using namespace batchtune::test;
using Arguments = std::vector<std::string>;
using Json = nlohmann::json;

namespace {

using Splits = std::set<std::pair<int, int>>;  // instances, threads

std::pair<int, int> split_of(const Json& group) {
  return {group.at("instances").get<int>(), group.at("threads").get<int>()};
}

Splits splits_of(const Json& document) {
  Splits splits;
  for (const Json& estimate : document.at("estimates")) splits.insert(split_of(estimate["group"]));
  return splits;
}

Splits all_splits() {
  const int cpus = batchtune::cpu_share().usable;
  Splits splits;
  for (int instances = 1; instances <= cpus; ++instances)
    if (cpus % instances == 0) splits.insert({instances, cpus / instances});
  return splits;
}

const Json& trial_of(const Json& document, int instances, int batch) {
  for (const Json& trial : document.at("trials"))
    if (trial.at("batch") == batch && trial.at("candidate").at("instances") == instances)
      return trial;
  FAIL("no trial of " << instances << " instances, batch " << batch);
  return document;
}

}  // namespace

TEST_CASE("tune searches every split of the CPUs, whether asked to or not", "[end_to_end]") {
  fresh_database();
  const Arguments command{"tune", "mlp", "--backend", "simulated"};
  Arguments asked = command;
  asked.insert(asked.end(), {"--instances", "auto"});
  const Json document = document_of(asked);
  fresh_database();  // a session corrects the estimates of the next one
  const Json by_default = document_of(command);
  CHECK(splits_of(document) == all_splits());
  CHECK(splits_of(by_default) == all_splits());
  Splits measured;
  for (const Json& trial : document.at("trials"))
    if (trial.at("status") == "ok") measured.insert(split_of(trial.at("candidate")));
  CHECK(measured == all_splits());
  CHECK(document.at("verdicts").size() == 1);  // of the backend, over its groups
  CHECK(document.at("boundaries").size() == all_splits().size());
  CHECK(by_default.at("trials") == document.at("trials"));
}

TEST_CASE("the split that gets more through is recommended, with its name", "[end_to_end]") {
  fresh_database();
  // Launches are all that costs anything: two instances get twice as much done, less what they are
  // in each other's way.
  const Arguments options{"--backend",   "simulated:overhead=10ms,rate=1000T,tile=1",
                          "--threads",   "1",
                          "--instances", "1,2",
                          "--batches",   "1,2,4"};
  Arguments tune{"tune", "mlp"};
  tune.insert(tune.end(), options.begin(), options.end());
  const Json document = document_of(tune);
  CHECK(splits_of(document) == Splits{{1, 1}, {2, 1}});
  const Json &one = trial_of(document, 1, 4), &two = trial_of(document, 2, 4);
  CHECK(two.at("throughput").at("undisturbed").get<double>() ==
        Approx(2 / 1.03 * one.at("throughput").at("undisturbed").get<double>()).epsilon(0.001));
  CHECK(two.at("latency").at("undisturbed").get<double>() ==
        Approx(1.03 * one.at("latency").at("undisturbed").get<double>()).epsilon(0.001));
  CHECK(document.at("best").at("trial") == two.at("id"));
  // A limit that only an instance alone keeps.
  const double alone = trial_of(document, 1, 1).at("latency").at("undisturbed");
  const std::string limit = "p50=" + std::to_string(1.015 * alone * 1000) + "ms";
  Arguments limited = tune;
  limited.insert(limited.end(), {"--latency-limit", limit});
  const Json kept = document_of(limited);
  CHECK(kept.at("best").at("trial") == trial_of(kept, 1, 4).at("id"));

  const Finished text = run({"report", "last~1"});
  CHECK(text.out.find("simulated f32, 2 x 1 thread") != std::string::npos);
  CHECK(text.out.find("deploy simulated f32, 2 x 1 thread, at batch 4") != std::string::npos);
}

TEST_CASE("measure takes one instance, or those that it is told", "[end_to_end]") {
  fresh_database();
  const Arguments command{"measure", "mlp", "--backend", "simulated", "--batches", "1,8"};
  const Json one = document_of(command);
  CHECK(splits_of(one) == Splits{{1, batchtune::cpu_share().usable}});
  CHECK(one.at("trials").size() == 2);
  Arguments both = command;
  both.insert(both.end(), {"--threads", "2", "--instances", "1,2,3"});
  const Json three = document_of(both);
  CHECK(splits_of(three) == Splits{{1, 2}, {2, 2}, {3, 2}});
  REQUIRE(three.at("trials").size() == 6);
  for (const int instances : {1, 2, 3}) {
    const Json& trial = trial_of(three, instances, 8);
    const int samples = trial.at("samples").get<int>();
    CHECK(samples % instances == 0);
    CHECK(samples / instances > trial.at("visits").get<int>());
  }
}

TEST_CASE("an estimate is of one split", "[end_to_end]") {
  fresh_database();
  const auto point = [](const Arguments& more) {
    Arguments arguments{"estimate",  "mlp", "--device",  "simulated",
                        "--threads", "1",   "--batches", "8"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return document_of(arguments).at("curve")[0];
  };
  const Json one = point({}), two = point({"--instances", "2"});
  CHECK(two.at("memory").get<double>() > one.at("memory").get<double>());
  CHECK(two.at("memory").get<double>() < 2 * one.at("memory").get<double>());  // weights once
  CHECK(two.at("latency").get<double>() > one.at("latency").get<double>());
  const Finished list = run({"estimate", "mlp", "--device", "simulated", "--instances", "1,2"});
  CHECK(list.code == 2);
  CHECK(list.err.find("one split of the CPUs") != std::string::npos);
  const Finished none = run({"estimate", "mlp", "--device", "trn1", "--instances", "2"});
  CHECK(none.code == 2);
}
