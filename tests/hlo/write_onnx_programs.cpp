// Writes ONNX models as XLA programs:   write_onnx_programs LIST
// LIST names folders, one a line, each with model.onnx and case.json (tests/onnx/cpu_runner.py):
// the batch, whether sizes are to be taken as declared (no batch anywhere), and the dtype. Into
// each come program.hlo.pb, every weight as raw values, and program.json, which says what its
// parameters and results are, or why there is none. Folders that have a program.json are left
// alone.
#include <filesystem>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>

#include "tuner/workload/hlo/source.h"
#include "tuner/workload/onnx/onnx.h"

namespace fs = std::filesystem;
using namespace batchtune;
using Json = nlohmann::json;

namespace {

std::string read_bytes(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void write_bytes(const fs::path& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

struct Source {
  FileGraph graph;
  Model inputs;
};

// Operations for the inputs alone.
Model inputs_of(const FileGraph& graph, const std::string& name) {
  Model model;
  model.name = name;
  for (const std::string& input : graph.input_ops) {
    model.ops.emplace_back();
    model.ops.back().name = input;
  }
  return model;
}

Result<Source> read(const fs::path& path, bool declared) {
  if (declared) {
    BT_TRY(graph, read_onnx_graph_as_declared(path.string()));
    Model inputs = inputs_of(graph, "declared");
    return Source{std::move(graph), std::move(inputs)};
  }
  BT_TRY(model, read_onnx(path.string(), OnnxOptions{}));
  BT_TRY(graph, read_onnx_graph(model));
  return Source{std::move(graph), std::move(model)};
}

// In parts, as a device is given them: they must fit together.
std::string weight_of(const HloSource& source, const HloTensor& tensor) {
  constexpr std::size_t kPart = 1000;  // elements
  std::string bytes(static_cast<std::size_t>(bytes_of(tensor)), '\0');
  const std::size_t size = size_of(tensor.element), part = kPart * size;
  auto* const begin = reinterpret_cast<std::byte*>(bytes.data());
  for (std::size_t first = 0; first < bytes.size(); first += part)
    source.fill(tensor, {begin + first, std::min(part, bytes.size() - first)},
                static_cast<std::int64_t>(first / size));
  return bytes;
}

Json describe(const HloTensor& tensor) {
  return {{"name", tensor.name}, {"element", name_of(tensor.element)}, {"shape", tensor.shape}};
}

Result<Json> write_program(const fs::path& folder) {
  const Json wanted = Json::parse(read_bytes(folder / "case.json"));
  BT_TRY(read_source, read(folder / "model.onnx", wanted["declared"]));
  Json names = Json::array(), types = Json::object();
  for (const int input : read_source.graph.inputs)
    names.push_back(read_source.graph.tensors[static_cast<std::size_t>(input)].name);
  for (std::size_t i = 0; i < read_source.graph.outputs.size(); ++i) {
    const auto index = static_cast<std::size_t>(read_source.graph.outputs[i]);
    types[read_source.graph.output_names[i]] =
        static_cast<int>(read_source.graph.tensors[index].type);
  }
  const std::vector<std::string> order = read_source.graph.output_names;
  const HloSource source(std::move(read_source.graph), std::move(read_source.inputs));
  BT_TRY(program,
         source.program(wanted["batch"], wanted["dtype"] == "bf16" ? DType::bf16 : DType::f32));
  write_bytes(folder / "program.hlo.pb", program.bytes);
  Json said = {{"verdict", "written"},
               {"inputs", names},
               {"outputs", order},
               {"types", types},
               {"parameters", Json::array()},
               {"results", Json::array()}};
  for (const HloTensor& tensor : program.parameters) {
    Json one = describe(tensor);
    if (is_weight(tensor)) {
      one["file"] = "weight" + std::to_string(said["parameters"].size()) + ".bin";
      write_bytes(folder / one["file"].get<std::string>(), weight_of(source, tensor));
    }
    said["parameters"].push_back(std::move(one));
  }
  for (const HloTensor& tensor : program.results) said["results"].push_back(describe(tensor));
  return said;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "write_onnx_programs LIST\n";
    return 2;
  }
  std::ifstream list(argv[1]);
  for (std::string line; std::getline(list, line);) {
    const fs::path folder = line;
    if (line.empty() || fs::exists(folder / "program.json")) continue;
    const auto said = write_program(folder);
    const Json json =
        said ? *said : Json{{"verdict", "unsupported"}, {"reason", to_string(said.error())}};
    write_bytes(folder / "program.json", json.dump());
  }
  return 0;
}
