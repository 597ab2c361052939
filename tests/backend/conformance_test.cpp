// The rules over backends that need nothing: the simulated device keeps them, and what the rules
// are made of finds what it is for.
#include "tests/backend/conformance_check.h"
#include "tuner/backend/backend_list.h"
#include "tuner/backend/conformance/checking_backend.h"
#include "tuner/workload/zoo.h"

using namespace batchtune;
using namespace batchtune::test;
using conformance::Verdict;

namespace {

LoadOptions simulated_options() {
  LoadOptions options;
  options.group = {"simulated", DType::f32, 2, 1, {}};
  return options;
}

const Model& mlp() {
  static const Model model = build_zoo_model("mlp@width=64").value();
  return model;
}

}  // namespace

TEST_CASE("every rule has its own name, and what it needs comes before it", "[conformance]") {
  std::set<std::string> before;
  for (const conformance::Rule& rule : conformance::rules()) {
    INFO(rule.name);
    CHECK((rule.needs == nullptr || before.contains(rule.needs)));
    CHECK(before.insert(rule.name).second);
    CHECK(conformance::find_rule(rule.name) == &rule);
    CHECK((rule.check == nullptr) == (std::string(rule.name) == conformance::kKilledRule));
  }
  CHECK(conformance::find_rule("odd") == nullptr);
}

TEST_CASE("the simulated device keeps the contract", "[conformance][simulated]") {
  const auto backend = open_backend("simulated");
  REQUIRE(backend);
  check_conformance(**backend, mlp(), simulated_options());
}

TEST_CASE("a batch with a wrong output breaks the rule of batches", "[conformance][simulated]") {
  const auto backend = open_backend("simulated:wrong=3");
  REQUIRE(backend);
  const auto finding = finding_of_rule("batches", **backend, mlp(), simulated_options());
  CHECK(finding.verdict == Verdict::failed);
  CHECK(finding.seen.find("batch 3") != std::string::npos);
}

TEST_CASE("too small a device breaks the rule of running", "[conformance][simulated]") {
  const auto backend = open_backend("simulated:wall=1KiB");
  REQUIRE(backend);
  CHECK(finding_of_rule("run", **backend, mlp(), simulated_options()).verdict == Verdict::failed);
}

TEST_CASE("a rule run by a worker is a load whose report has the finding", "[conformance]") {
  const auto open = [](const std::string& spec) { return open_backend(spec); };
  CHECK_FALSE(conformance::open_checking("simulated", open));
  const auto unknown = conformance::open_checking("check=odd/simulated", open);
  REQUIRE(unknown);
  CHECK_FALSE(*unknown);
  const conformance::Rule& rule = *conformance::find_rule("output");
  auto checking =
      conformance::open_checking(conformance::checking_spec(rule, "simulated:wall=1GiB"), open);
  REQUIRE(checking);
  REQUIRE(*checking);
  LoadReport report;
  REQUIRE((**checking)->load(mlp(), simulated_options(), report));
  const auto finding = conformance::finding_in(report);
  REQUIRE(finding);
  CHECK(finding->verdict == Verdict::passed);
  CHECK(finding->seen == "64 values a sample");
  CHECK_FALSE(conformance::finding_in(LoadReport{}));
}
