// The graph of a model: operations in their order, then what of it goes in and out.
#include "tuner/workload/onnx/export.h"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <system_error>
#include <utility>

#include "tuner/workload/exported.h"
#include "tuner/workload/memory_plan.h"
#include "tuner/workload/onnx/export_op.h"

namespace batchtune {
namespace {

using namespace onnx_export;

constexpr char kUseFile[] = "Use that file";
constexpr std::int64_t kOpset = 17;
constexpr std::int64_t kIrVersion = 8;  // the first for that opset

// A protobuf message ends at 2 GiB. 64 MiB are more than any graph needs beside its weights.
constexpr Bytes kMostInMemory = (Bytes{2} << 30) - (Bytes{64} << 20);

// Asked before gigabytes are made: a full disk helps nobody.
Status check_space(const std::string& path, Bytes size) {
  std::error_code code;
  const std::filesystem::path folder = std::filesystem::absolute(path, code).parent_path();
  const std::filesystem::space_info space = std::filesystem::space(folder, code);
  if (code || space.available > static_cast<std::uintmax_t>(size)) return {};  // writing will tell
  return environment_error(std::to_string(size) + " bytes of free space for the model's weights",
                           std::to_string(space.available), folder.string(),
                           "Choose a file on another disk");
}

OnnxTensor tensor_of(const std::string& name, const Op& op, const Order& order) {
  return {.name = name,
          .op = op.name,
          .batch_axis = 0,
          .permutation = is_plain(order) ? std::vector<std::int64_t>{} : order};
}

// An output has the name of its operation, which a reshape that moves nothing has not got yet.
void write_output(Export& all, OpIndex index, OnnxForRuntime& made) {
  const Op& op = all.model.ops[static_cast<std::size_t>(index)];
  const Placed& placed = all.placed[static_cast<std::size_t>(index)];
  all.graph.begin(op);
  std::string name = op.name;
  if (op.kind == OpKind::input)
    name = all.graph.add("Identity", {placed.value});
  else if (placed.value != name)
    all.graph.add_named("Identity", {placed.value}, {name});
  all.graph.add_output(name, shape_in(placed.order, op.output));
  made.outputs.push_back(tensor_of(name, op, placed.order));
}

void write_graph(const Model& model, std::uint64_t seed, WeightStore& weights,
                 ::onnx::GraphProto& graph, OnnxForRuntime& made) {
  GraphWriter writer(model, graph, weights);
  Export all{model, seed, writer, std::vector<Placed>(model.ops.size()),
             tensors_read_as_images(model)};
  graph.set_name(model.name);
  for (std::size_t i = 0; i < model.ops.size(); ++i) {
    const Op& op = model.ops[i];
    OpExport(all, static_cast<OpIndex>(i)).write();
    if (op.kind == OpKind::input)
      made.inputs.push_back(tensor_of(op.name, op, all.placed[i].order));
  }
  for (const OpIndex output : results_of(model)) write_output(all, output, made);
}

::onnx::ModelProto make_file(const Model& model, std::uint64_t seed, WeightStore& weights,
                             OnnxForRuntime& made) {
  ::onnx::ModelProto file;
  file.set_ir_version(kIrVersion);
  file.set_producer_name("batchtune");
  file.set_doc_string(model.description);
  file.add_opset_import()->set_version(kOpset);
  write_graph(model, seed, weights, *file.mutable_graph(), made);
  return file;
}

}  // namespace

Result<OnnxForRuntime> export_onnx(const Model& model, std::uint64_t seed) {
  BT_TRY_VOID(check_exportable(model, kUseFile));
  const Bytes size = weight_bytes(model, DType::f32);
  if (size > kMostInMemory)
    return bad_input("at most 2 GiB of weights in f32, which is what one ONNX message holds",
                     std::to_string(size) + " bytes", model.name,
                     "Write it to a file, with its weights in another beside it: batchtune export "
                     "MODEL -o FILE.onnx");
  OnnxForRuntime made;
  InlineStore weights;
  made.bytes = make_file(model, seed, weights, made).SerializeAsString();
  return made;
}

Result<OnnxForRuntime> write_onnx(const Model& model, std::uint64_t seed, const std::string& path,
                                  Bytes most_in_one_file) {
  BT_TRY_VOID(check_exportable(model, kUseFile));
  const auto write = [&](WeightStore& weights) -> Result<OnnxForRuntime> {
    OnnxForRuntime made;
    const ::onnx::ModelProto proto = make_file(model, seed, weights, made);
    std::ofstream file(path, std::ios::binary);
    proto.SerializeToOstream(&file);
    file.close();
    if (!file) return environment_error("to write the model", std::strerror(errno), path);
    made.path = path;
    return made;
  };
  const Bytes size = weight_bytes(model, DType::f32);
  if (size <= most_in_one_file) {
    InlineStore weights;
    return write(weights);
  }
  BT_TRY_VOID(check_space(path, size));
  const std::string data = path + ".data";
  DataFile weights(data, std::filesystem::path(data).filename().string());
  BT_TRY(made, write(weights));
  BT_TRY_VOID(weights.close());
  return made;
}

}  // namespace batchtune
