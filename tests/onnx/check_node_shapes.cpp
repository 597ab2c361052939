// Holds the shape rules against ONNX's own node tests: check_node_shapes FOLDER, where FOLDER is
// onnx/backend/test/data/node of the PyPI package. Each test's inputs become constants, so that
// shapes which depend on them are known; the rules' outputs must have the shapes that the model
// declares. Prints what differs, and how many agree, differ, are unknown or not read.
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include "tuner/workload/onnx/infer.h"

namespace fs = std::filesystem;
using namespace batchtune;
using namespace batchtune::onnx_file;

namespace {

template <typename Message>
bool read_message(const fs::path& path, Message& message) {
  std::ifstream file(path, std::ios::binary);
  return file && message.ParseFromIstream(&file);
}

// The test's inputs, as initializers with the graph's names. Inputs that are no tensors make it
// false.
bool fix_inputs(const fs::path& folder, ::onnx::ModelProto& model) {
  auto& graph = *model.mutable_graph();
  for (int i = 0; i < graph.input_size(); ++i) {
    ::onnx::TensorProto tensor;
    if (!graph.input(i).type().has_tensor_type() ||
        !read_message(folder / "test_data_set_0" / ("input_" + std::to_string(i) + ".pb"), tensor))
      return false;
    tensor.set_name(graph.input(i).name());
    *graph.add_initializer() = std::move(tensor);
  }
  return true;
}

std::string declared_shape(const ::onnx::ValueInfoProto& info) {
  if (!info.type().has_tensor_type() || !info.type().tensor_type().has_shape()) return "";
  Shape shape;
  for (const auto& dimension : info.type().tensor_type().shape().dim()) {
    if (!dimension.has_dim_value()) return "";
    shape.push_back(dimension.dim_value());
  }
  return shape_text(shape);
}

enum class Verdict { agrees, differs, unknown, not_read };

Verdict check(const ::onnx::ModelProto& model, const std::string& name) {
  const auto graph = infer(model, BatchAxis{{"no batch"}, {}}, name);
  if (!graph) {
    std::printf("%-60s %s\n", name.c_str(), to_string(graph.error()).c_str());
    return Verdict::differs;
  }
  Verdict verdict = Verdict::agrees;
  for (const ReadNode& node : graph->nodes) {
    if (!node.operation) return Verdict::not_read;
    if (!node.is_read) verdict = Verdict::unknown;
  }
  for (const auto& output : model.graph().output()) {
    const std::string declared = declared_shape(output);
    const auto& shape = graph->tensors.at(output.name()).at[0].shape;
    if (declared.empty() || !shape || shape_text(*shape) == declared) continue;
    std::printf("%-60s %s: wanted %s, found %s\n", name.c_str(), output.name().c_str(),
                declared.c_str(), shape_text(*shape).c_str());
    return Verdict::differs;
  }
  return verdict;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  std::map<Verdict, int> count;
  std::map<std::string, int> not_read;
  for (const auto& entry : fs::directory_iterator(argv[1])) {
    ::onnx::ModelProto model;
    if (!read_message(entry.path() / "model.onnx", model)) continue;
    if (!fix_inputs(entry.path(), model)) {
      ++not_read["(sequences, optionals and maps)"];
      ++count[Verdict::not_read];
      continue;
    }
    model.mutable_graph()->clear_value_info();
    const Verdict verdict = check(model, entry.path().filename().string());
    ++count[verdict];
    if (verdict != Verdict::not_read) continue;
    for (const auto& node : model.graph().node())
      if (!find_operation(node)) ++not_read[full_name(node)];
  }
  for (const auto& [name, tests] : not_read) std::printf("%s %d, ", name.c_str(), tests);
  std::printf("\n%d agree, %d differ, %d of unknown shape, %d not read\n", count[Verdict::agrees],
              count[Verdict::differs], count[Verdict::unknown], count[Verdict::not_read]);
  return count[Verdict::differs] == 0 ? 0 : 1;
}
