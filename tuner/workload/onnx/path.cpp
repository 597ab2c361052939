// "model.onnx@seq=128,batch=N": a path with what its symbolic dimensions are.
#include "tuner/workload/model_path.h"
#include "tuner/workload/onnx/onnx.h"

namespace batchtune {
namespace {

constexpr std::string_view kEnding = ".onnx";

}  // namespace

bool is_onnx_path(std::string_view name_or_path) {
  return is_path_with_ending(name_or_path, kEnding);
}

Result<Model> read_onnx(std::string_view path_with_options) {
  BT_TRY(model, split_model_path(path_with_options, kEnding));
  return read_onnx(model.path, {std::move(model.dims), std::move(model.batch_dim)});
}

}  // namespace batchtune
