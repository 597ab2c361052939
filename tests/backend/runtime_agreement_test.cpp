// ONNX Runtime and the cpu backend compute the same model on the same samples: what each makes of
// layouts, weights and inputs is held against the other. (OpenVINO brings a libtbb of its own, so
// it cannot be in this process.)
#include <cstdlib>

#include "tests/backend/cpu_support.h"
#include "tests/backend/runtime_contract.h"
#include "tuner/backend/onnxruntime/onnxruntime_backend.h"
#include "tuner/workload/zoo.h"

using namespace batchtune;
using namespace batchtune::test;

TEST_CASE("ONNX Runtime agrees with the cpu backend", "[onnxruntime][runtime][cpu]") {
  const char* named = std::getenv(onnxruntime::kLibrary.variable);
  const auto library = find_library(onnxruntime::kLibrary, named != nullptr ? named : "");
  if (!library) BT_SKIP(to_string(library.error()));
  const auto backend = onnxruntime::create_backend("library=" + library->path, onnx_for_runtime);
  REQUIRE(backend);
  for (const char* name : {"mlp@width=64", "squeezenet", "shufflenet-v2"}) {
    INFO(name);
    const Model model = build_zoo_model(name).value();
    const LoadOptions options = options_of_runtime(DType::f32, 2, 1);
    const auto theirs = load_in_runtime(**backend, model, options);
    const auto ours = load_ok(model, options);
    const auto expected = output_in_runtime(*ours, options.group, 3, 3);
    const auto found = output_in_runtime(*theirs, options.group, 3, 3);
    CHECK(difference_of(expected, found) <= theirs->output_tolerance() + ours->output_tolerance());
  }
}
