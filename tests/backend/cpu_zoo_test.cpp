// The zoo on the cpu backend, the large families with reduced parameters.
#include "tests/backend/cpu_reference.h"
#include "tests/backend/cpu_sanity.h"
#include "tuner/workload/zoo.h"

using namespace batchtune;
using namespace batchtune::test;

TEST_CASE("activations of every layer are finite, varied and never denormal", "[cpu][zoo]") {
  for (const char* name :
       {"resnet-18", "mobilenet-v2", "shufflenet-v2", "squeezenet", "mlp@width=256"})
    for (const DType dtype : {DType::f32, DType::bf16}) {
      INFO(name << " " << name_of(dtype));
      const auto model = load_ok(build_zoo_model(name).value(), options_of(dtype));
      check_activations(*model, 1);
    }
}

TEST_CASE("a transformer's layers agree with the naive interpreter", "[cpu][zoo]") {
  Model model = build_zoo_model("bert-base@seq=5").value();
  const OpIndex last = find_op(model, "layer0.output_norm");
  model.ops.resize(static_cast<std::size_t>(last) + 1);  // one layer: the interpreter is slow
  model.output = model.ops.back().name;
  const auto loaded = load_ok(model, options_of(DType::f32));
  const auto program = prepare_ok(*loaded, 2);
  REQUIRE(program->run(1));
  const std::vector<float> output = program->read_output(2).value();
  const auto expected = interpret(model, 1, 0, false).back();
  double worst = 0;
  for (std::size_t i = 0; i < expected.size(); ++i)
    worst = std::max(worst, std::abs(output[i] - expected[i]));
  CHECK(worst < 1e-4);
}
