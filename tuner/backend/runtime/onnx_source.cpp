#include "tuner/backend/runtime/onnx_source.h"

namespace batchtune::runtime {

Outcome<OnnxForRuntime> onnx_of(const OnnxSource& source, const Model& model, std::uint64_t seed) {
  auto onnx = source(model, seed);
  if (!onnx)
    return tl::unexpected(Ending{TrialStatus::unsupported, "the model has no ONNX form",
                                 to_string(onnx.error()), ""});
  return std::move(*onnx);
}

}  // namespace batchtune::runtime
