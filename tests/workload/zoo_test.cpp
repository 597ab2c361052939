// The zoo's counts against the published ones. A wrong layer anywhere shows in a parameter count.
#include <cmath>

#include "tests/support/catch.h"
#include "tuner/workload/model_file.h"
#include "tuner/workload/work.h"
#include "tuner/workload/zoo.h"

using namespace batchtune;

namespace {

ModelSummary summary_of(std::string_view name) {
  const Result<Model> model = build_zoo_model(name);
  INFO((model ? "" : to_string(model.error())));
  REQUIRE(model);
  return summarise(*model);
}

double giga(double value) {
  return std::round(value / 1e8) / 10;
}  // one digit, as published

}  // namespace

TEST_CASE("image models have exactly the published number of parameters", "[zoo]") {
  CHECK(summary_of("resnet-50").parameters == 25'557'032);
  CHECK(summary_of("resnet-50@stride_in_1x1=1").parameters == 25'557'032);
  CHECK(summary_of("resnet-18").parameters == 11'689'512);
  CHECK(summary_of("vgg-16").parameters == 138'357'544);
  CHECK(summary_of("mobilenet-v2").parameters == 3'504'872);
  CHECK(summary_of("shufflenet-v2").parameters == 2'278'604);
  CHECK(summary_of("squeezenet").parameters == 1'235'496);
}

TEST_CASE("image models have the published work at 2 FLOP per multiply-add", "[zoo]") {
  CHECK(giga(summary_of("resnet-50").flops_per_sample) == Approx(8.2));
  CHECK(giga(summary_of("resnet-50@stride_in_1x1=1").flops_per_sample) == Approx(7.7));
  CHECK(giga(summary_of("resnet-18").dense_flops_per_sample) == Approx(3.6));
  CHECK(giga(summary_of("vgg-16").dense_flops_per_sample) == Approx(30.9));
  CHECK(summary_of("mobilenet-v2").dense_flops_per_sample / 2e6 == Approx(300.8).margin(1));
  CHECK(summary_of("shufflenet-v2").dense_flops_per_sample / 2e6 == Approx(145).margin(2));
  CHECK(summary_of("squeezenet").dense_flops_per_sample / 2e6 == Approx(349).margin(4));
}

TEST_CASE("BERT-Large has the batching guide's counts", "[zoo]") {
  const ModelSummary large = summary_of("bert-large");
  CHECK(large.dense_parameters == 301'989'888);
  CHECK(giga(large.dense_flops_per_sample) == Approx(77.3));
  CHECK(giga(large.flops_per_sample) == Approx(78.9));  // attention products included
  CHECK(large.dense_flops_per_sample == 2 * large.dense_parameters * 128);
  CHECK(large.parameters == 334'092'288);  // the published 335,141,888 less the pooler's 1,049,600
}

TEST_CASE("BERT-base without its pooler has the published parameters", "[zoo]") {
  CHECK(summary_of("bert-base").parameters == 109'482'240 - (768 * 768 + 768));
}

TEST_CASE("Llama 3.2 1B has the published parameters, its tied table counted once", "[zoo]") {
  CHECK(summary_of("llama-3.2-1b-decode").parameters == 1'235'814'400);
}

TEST_CASE("BERT's work follows the sequence length", "[zoo]") {
  const ModelSummary a = summary_of("bert-large"), b = summary_of("bert-large@seq=384");
  CHECK(b.dense_flops_per_sample == 3 * a.dense_flops_per_sample);
  const double attention_a = a.flops_per_sample - a.dense_flops_per_sample;
  const double attention_b = b.flops_per_sample - b.dense_flops_per_sample;
  CHECK(attention_b / attention_a == Approx(9).epsilon(0.02));
  CHECK(b.name == "bert-large@seq=384");
  CHECK(b.parameters == a.parameters);
  CHECK(build_zoo_model("bert-large@seq=128")->name == "bert-large");
}

TEST_CASE("every zoo model builds, survives a model file and has a hash of its own", "[zoo]") {
  std::vector<std::string> hashes;
  for (const ZooEntry& entry : zoo()) {
    INFO(entry.name);
    const Model model = build_zoo_model(entry.name).value();
    const Result<Model> again = parse_model(write_model(model), "copy.json");
    REQUIRE(again);
    CHECK(*again == model);
    CHECK(model_hash(*again) == model_hash(model));
    hashes.push_back(model_hash(model));
    CHECK(summarise(model).activation_bytes_per_sample > 0);
  }
  std::sort(hashes.begin(), hashes.end());
  CHECK(std::adjacent_find(hashes.begin(), hashes.end()) == hashes.end());
}

TEST_CASE("the hash is of the graph, not of name and description", "[zoo]") {
  Model model = build_zoo_model("mlp").value();
  const std::string hash = model_hash(model);
  model.name = "other";
  model.description = "";
  CHECK(model_hash(model) == hash);
  model.ops.back().epilogue.activation = Activation::none;
  CHECK(model_hash(model) != hash);
}

TEST_CASE("parameters reshape a family", "[zoo]") {
  const Model model = build_zoo_model("mlp@width=64,depth=3").value();
  CHECK(model.name == "mlp@depth=3,width=64");
  CHECK(summarise(model).dense_parameters == 3 * 64 * 64);
}

TEST_CASE("an unknown model names the nearest ones", "[zoo]") {
  const Error error = build_zoo_model("resnet50").error();
  CHECK(error.found == "\"resnet50\"");
  CHECK(error.todo.find("Did you mean resnet-50?") == 0);
  CHECK(error.todo.find("mobilenet-v2") != std::string::npos);
  CHECK(build_zoo_model("").error().todo.find("There are: bert-large") == 0);
  CHECK(build_zoo_model(std::string(5000, 'x')).error().todo.find("There are:") == 0);
}

TEST_CASE("a wrong parameter or value is refused with what is allowed", "[zoo]") {
  CHECK(build_zoo_model("bert-large@sequence=384").error().todo.find("seq") != std::string::npos);
  CHECK(build_zoo_model("vgg-16@seq=1").error().todo == "This model has none");
  for (const char* bad :
       {"bert-large@seq=0", "bert-large@seq=513", "bert-large@seq=", "bert-large@seq",
        "bert-large@seq=12x", "bert-large@seq=99999999999999999999", "bert-large@seq=-4"}) {
    INFO(bad);
    const Result<Model> model = build_zoo_model(bad);
    REQUIRE_FALSE(model);
    CHECK(model.error().wanted == "seq: an integer from 1 to 512");
  }
  CHECK_FALSE(build_zoo_model("bert-large@"));
  CHECK_FALSE(build_zoo_model("bert-large@seq=1,"));
  CHECK_FALSE(build_zoo_model("resnet-50@stride_in_1x1=2"));
}
