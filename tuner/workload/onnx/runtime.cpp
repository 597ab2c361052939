// What a runtime loads: the file itself, or a copy of it whose batch is free.
#include "tuner/workload/onnx/free_graph.h"
#include "tuner/workload/onnx/import.h"

#include <filesystem>

namespace batchtune {
namespace onnx_file {

Result<OnnxFile> same_file(const Model& model, Weights weights) {
  const ModelFile& file = *model.file;
  std::error_code error;
  if (!std::filesystem::exists(file.path, error))
    return bad_input("the file that model " + model.name + " was read from", "no such file",
                     file.path, "Put it back, or tune the model under its new path");
  BT_TRY(opened, open_onnx(file.path, weights));
  if (opened.digest != file.digest)
    return bad_input(
        "the file as it was when model " + model.name + " was read (digest " + file.digest + ")",
        "another content (" + opened.digest + ")", file.path,
        "Tune it as a new model, or put the old file back");
  return opened;
}

Result<InferredGraph> infer_freed(const ::onnx::ModelProto& model, const InferredGraph& fixed,
                                  const std::string& name) {
  BT_TRY(axis, find_batch(model.graph(), {fixed.axis.dims, ""}, name));
  BT_TRY(freed, infer(model, std::move(axis), name + " with its batch freed"));
  for (const auto& output : model.graph().output())
    for (std::size_t world = 0; world < kWorlds; ++world)
      if (freed.tensors.at(output.name()).at[world].shape !=
          fixed.tensors.at(output.name()).at[world].shape)
        return bad_input("an output whose shape follows the batch", "another shape",
                         name + ", output \"" + output.name() + "\"",
                         "Export the model with a dynamic batch axis");
  return freed;
}

}  // namespace onnx_file

Result<OnnxForRuntime> onnx_for_runtime(const Model& model, std::uint64_t seed) {
  using namespace onnx_file;
  if (!model.file) return export_onnx(model, seed);
  BT_TRY(file, same_file(model, Weights::cut));
  const std::string name = file_name_of(file.path);
  const OnnxOptions options{model.dims, model.file->batch_dim};
  BT_TRY(axis, find_batch(file.model.graph(), options, name));
  BT_TRY(graph, infer(file.model, std::move(axis), name));
  BT_TRY(import, import_graph(file, graph, options));
  OnnxForRuntime out;
  out.inputs = std::move(import.inputs);
  out.outputs = std::move(import.outputs);
  if (!graph.axis.is_fixed()) {
    out.path = file.path;
    return out;
  }
  BT_TRY(whole, same_file(model, Weights::whole));
  BT_TRY_VOID(free_graph(whole.model, graph, name));
  BT_TRY_VOID(infer_freed(whole.model, graph, name));
  if (file.has_external_data)
    out.external_data = std::filesystem::path(file.path).parent_path().string();
  if (!whole.model.SerializeToString(&out.bytes))
    return bad_input("a model of less than 2 GiB", "more", file.path,
                     "Keep the weights in external data");
  return out;
}

}  // namespace batchtune
