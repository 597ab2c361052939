// Estimates of the batching guide, through the command line, and golden text of what a user sees.
#include <cstdlib>
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

// Nothing in these texts depends on the machine. BATCHTUNE_APPROVE=1 rewrites them.
void check_golden(const std::string& name, const Arguments& arguments) {
  const std::string path = std::string(BT_TEST_GOLDEN) + "/" + name;
  const Finished finished = run(arguments);
  REQUIRE(finished.code == 0);
  if (std::getenv("BATCHTUNE_APPROVE") != nullptr) std::ofstream(path) << finished.out;
  std::ifstream file(path);
  const std::string approved((std::istreambuf_iterator<char>(file)), {});
  CHECK(finished.out == approved);
}

Json estimate(Arguments arguments) {
  arguments.insert(arguments.begin(), "estimate");
  arguments.insert(arguments.end(), {"--format", "json"});
  const Finished finished = run(arguments);
  INFO(finished.err);
  REQUIRE(finished.code == 0);
  return Json::parse(finished.out);
}

}  // namespace

TEST_CASE("the guide's four estimates come out, with exact counts beside them", "[end_to_end]") {
  struct Row {
    const char* model;
    const char* device;
    int guide, exact;
  };
  for (const Row& row :
       {Row{"bert-large", "inferentia", 6, 5}, Row{"bert-large", "trainium", 2, 2},
        Row{"resnet-50", "inferentia", 5, 4}, Row{"resnet-50", "trainium", 1, 1}}) {
    INFO(row.model << " on " << row.device);
    const Json formula = estimate({row.model, "--device", row.device}).at("estimate").at("formula");
    CHECK(formula.at("guide_batch") == row.guide);
    CHECK(formula.at("batch") == row.exact);
  }
}

TEST_CASE("the guide's table is recomputed", "[end_to_end]") {
  const Json guide = estimate({"--guide"}).at("guide");
  REQUIRE(guide.size() == 4);
  for (const Json& row : guide) CHECK(row.at("batch") == row.at("printed_batch"));
}

TEST_CASE("raw figures give the guide's figure", "[end_to_end]") {
  const Json document = estimate({"--peak", "64T", "--bandwidth", "50GB/s", "--flops", "77.3G",
                                  "--params", "302M", "--dtype", "bf16"});
  CHECK(document.at("estimate").at("formula").at("batch") == 6);
  CHECK(document.at("model").is_null());
}

TEST_CASE("raw figures whose batch 1 is above the ridge are compute-bound", "[end_to_end]") {
  const Json estimated =
      estimate({"--peak", "64T", "--bandwidth", "50GB/s", "--flops", "1T", "--params", "30M"})
          .at("estimate");
  CHECK(estimated.at("batch") == 1);
  CHECK(estimated.at("bound") == "compute");
}

TEST_CASE("the guide's training example gives 8", "[end_to_end]") {
  const Json document = estimate({"--mode", "training", "--device", "trainium", "--params", "300M",
                                  "--state-bytes", "4", "--tp", "1", "--pp", "1"});
  CHECK(document.at("formula_batch") == 8);
}

TEST_CASE("an absurd batch is estimated", "[end_to_end]") {
  const Json curve =
      estimate({"resnet-50", "--device", "trn1", "--batches", "1,1000000000000"}).at("curve");
  REQUIRE(curve.size() == 2);
  CHECK(curve[1].at("memory") > 1e15);
}

TEST_CASE("estimates, models and the guide read as approved", "[end_to_end][golden]") {
  check_golden("cli_estimate.txt",
               {"estimate", "bert-large", "--device", "inferentia", "--batches", "1:16:x2"});
  check_golden("cli_guide.txt", {"estimate", "--guide"});
  check_golden("cli_training.txt",
               {"estimate", "bert-large", "--mode", "training", "--device", "trainium"});
  check_golden("cli_models.txt", {"list", "models"});
}

TEST_CASE("an exported model is the model", "[end_to_end]") {
  const std::string path = scratch("exported.json");
  REQUIRE(run({"export", "squeezenet", "--output", path}).code == 0);
  const Json original = Json::parse(run({"describe", "squeezenet", "--format", "json"}).out);
  const Json again = Json::parse(run({"describe", path, "--format", "json"}).out);
  CHECK(again.at("model").at("hash") == original.at("model").at("hash"));
  CHECK(again.at("operations") == original.at("operations"));
}
