#include "tuner/backend/runtime/onnx_source.h"

#include "tuner/backend/runtime/endings.h"
#include "tuner/workload/opaque.h"

namespace batchtune::runtime {

Outcome<OnnxForRuntime> onnx_of(const OnnxSource& source, const Model& model, std::uint64_t seed,
                                std::string_view own_format) {
  if (is_opaque(model) && model.file->format == own_format) {
    OnnxForRuntime own;
    own.path = model.file->path;
    return own;
  }
  if (is_opaque(model))
    return tl::unexpected(unsupported("this runtime cannot read " + model.description));
  auto onnx = source(model, seed);
  if (!onnx)
    return tl::unexpected(Ending{TrialStatus::unsupported, "the model has no ONNX form",
                                 to_string(onnx.error()), ""});
  return std::move(*onnx);
}

}  // namespace batchtune::runtime
