// What --neff, --compiler-args, --cores and --in-flight make of the neuron backend and its groups.
#include "tuner/cli/neuron_request.h"

#include "tests/support/catch.h"
#include "tuner/backend/backend_list.h"

using namespace batchtune;

namespace {

using Specs = std::vector<std::string>;

TuningRequest parsed(const TuningOptions& options) {
  const auto request = parse_tuning(options);
  INFO((request ? "" : to_string(request.error())));
  REQUIRE(request);
  return *request;
}

Error error_of(const TuningOptions& options) {
  const auto request = parse_tuning(options);
  REQUIRE_FALSE(request);
  return request.error();
}

// "2 of 1" cores and instances of each split.
std::string splits_for(const std::string& cores, const std::string& in_flight,
                       const std::string& instances) {
  TuningOptions options;
  options.backends = {"neuron"};
  options.cores = cores;
  options.in_flight = in_flight;
  options.instances = instances;
  std::string text;
  for (const Split& split : splits_of(parsed(options), *find_backend("neuron"))) {
    CHECK(split.threads == 1);
    text += (text.empty() ? "" : ", ") + std::to_string(split.instances) + " on " +
            std::to_string(split.cores);
  }
  return text;
}

}  // namespace

TEST_CASE("NEFFs and arguments of their compiler ask for the neuron backend", "[cli][neuron]") {
  TuningOptions options;
  options.neff = "model_b{batch}.neff";
  CHECK(parsed(options).backends == Specs{"neuron:neff=model_b{batch}.neff"});
  CHECK(options_from(parsed(options).given).neff == options.neff);
  options.neff = "model.neff";
  CHECK(error_of(options).wanted.find("{batch}") != std::string::npos);
  options.compiler_args = {"--auto-cast all"};
  CHECK(error_of(options).found == "both");
  options.neff.clear();
  options.backends = {"cpu,neuron:target=inf2"};
  CHECK(parsed(options).backends ==
        Specs{"cpu", "neuron:target=inf2,arguments=--auto-cast all"});
  CHECK(parsed(options).variants.empty());
  options.backends = {"cpu"};
  CHECK(error_of(options).where == "--compiler-args");
}

TEST_CASE("arguments of the compiler with names are an axis", "[cli][neuron]") {
  TuningOptions options;
  options.compiler_args = {"bf16:--auto-cast all", "base:", "o1:-O1 --x=a,b:c"};
  const TuningRequest request = parsed(options);
  CHECK(request.backends == Specs{"neuron"});
  const auto variants = variants_of(request, "neuron");
  REQUIRE(variants.size() == 3);
  CHECK(variants[0].name == "bf16");
  CHECK(variants[0].arguments == "--auto-cast all");
  CHECK(variants[1].name == "base");
  CHECK(variants[1].arguments.empty());
  CHECK(variants[2].arguments == "-O1 --x=a,b:c");
  REQUIRE(variants_of(request, "cpu").size() == 1);
  CHECK(variants_of(request, "cpu")[0].name.empty());
  CHECK(options_from(request.given).compiler_args == options.compiler_args);
  options.compiler_args = {"bf16:--auto-cast all", "--auto-cast none"};
  CHECK(error_of(options).found == "'--auto-cast none'");
  options.compiler_args = {"a:-O1", "a:-O2"};
  CHECK(error_of(options).found == "'a' twice");
}

TEST_CASE("a text is a variant's only if a name stands before its colon", "[cli][neuron]") {
  TuningOptions options;
  for (const char* text : {"--auto-cast all", "--option=a:b", ":--auto-cast all", "a b:--x"}) {
    INFO(text);
    options.compiler_args = {text};
    CHECK(parsed(options).variants.empty());
  }
}

TEST_CASE("instances of neuron are executions in flight on all cores", "[cli][neuron]") {
  CHECK(splits_for("", "", "") == "1 on 1");
  CHECK(splits_for("1,2,4", "", "") == "1 on 1, 2 on 2, 4 on 4");
  CHECK(splits_for("1,4", "1,2", "") == "1 on 1, 2 on 1, 4 on 4, 8 on 4");
  CHECK(splits_for("", "2", "") == "2 on 1");
  CHECK(splits_for("", "", "1,2") == "1 on 1, 2 on 1");
  CHECK(splits_for("1,2", "", "1,2,4") == "1 on 1, 2 on 1, 4 on 1, 2 on 2, 4 on 2");
}

TEST_CASE("each worker takes as many NeuronCores as the largest number asked for",
          "[cli][neuron]") {
  TuningOptions options;
  options.backends = {"neuron:cores=0-7"};
  options.cores = "1,4";
  CHECK(parsed(options).backends == Specs{"neuron:cores=0-7,take=4"});
  options.cores = "1";
  CHECK(parsed(options).backends == Specs{"neuron:cores=0-7"});
  for (const char* wrong : {"0", "a", "-1", "4096"}) {
    INFO(wrong);
    options.cores = wrong;
    CHECK(error_of(options).where.find("--cores") == 0);
  }
  options.cores = "2";
  options.backends = {"cpu"};
  CHECK(error_of(options).where == "--cores");
  options.cores.clear();
  options.in_flight = "2";
  CHECK(error_of(options).where == "--in-flight");
  options.backends = {"neuron"};
  options.instances = "2";
  CHECK(error_of(options).found == "both");
}
