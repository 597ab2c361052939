// Until the exporter is there.
#include "tuner/workload/onnx/onnx.h"

namespace batchtune {

Result<OnnxForRuntime> export_onnx(const Model& model, std::uint64_t) {
  return bad_input("a model that was read from an ONNX file", model.name, "export to ONNX");
}

}  // namespace batchtune
