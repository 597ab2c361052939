// Whole large models: minutes in a debug build.
#include "tests/backend/cpu_sanity.h"
#include "tuner/workload/zoo.h"

using namespace batchtune;
using namespace batchtune::test;

TEST_CASE("large models have finite, varied activations without denormals", "[cpu][zoo]") {
  for (const char* name : {"resnet-50", "vgg-16", "bert-large@seq=32"})
    for (const DType dtype : {DType::f32, DType::bf16}) {
      INFO(name << " " << name_of(dtype));
      const auto model = load_ok(build_zoo_model(name).value(), options_of(dtype));
      check_activations(*model, 1);
    }
}

TEST_CASE("a decoder with its caches has finite, varied activations", "[cpu][zoo]") {
  Model whole = build_zoo_model("llama-3.2-1b-decode@context=64").value();
  const auto model = load_ok(whole, options_of(DType::bf16));
  check_activations(*model, 3);
}
