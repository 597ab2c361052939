// Runs ONNX models on the cpu backend:   run_onnx LIST
// LIST names folders, one a line, each with model.onnx and case.json, which says the batch, whether
// sizes are to be taken as declared (no batch anywhere), the dtype to compute in, and the inputs:
// name, type (as in ONNX files; what is f32 there is of the dtype), shape and a file of raw
// elements. Into each folder come result.json, with a verdict (ran, unsupported, failed), its
// reason and what operations the model became, and the outputs' elements.
//
// The cases run in one process after the other, which is started again behind a case that ends it.
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>

#include "tuner/backend/cpu/cpu_model.h"
#include "tuner/backend/cpu/host.h"
#include "tuner/backend/cpu/kernel_choice.h"
#include "tuner/backend/cpu/program.h"
#include "tuner/workload/onnx/graph.h"
#include "tuner/workload/onnx/onnx.h"

namespace fs = std::filesystem;
using namespace batchtune;
using Json = nlohmann::json;

namespace {

constexpr unsigned kSecondsForEach = 120;  // the largest light model takes some on a busy machine

std::string read_bytes(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void write_bytes(const fs::path& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

Json refusal(const Ending& ending) {
  const bool unsupported = ending.status == TrialStatus::unsupported;
  return {{"verdict", unsupported ? "unsupported" : "failed"},
          {"reason", ending.reason + (ending.evidence.empty() ? "" : " " + ending.evidence)}};
}

Json operations_of(const Model& model) {
  std::map<std::string, int> count;
  for (const Op& op : model.ops)
    ++count[op.kind == OpKind::foreign ? op.operation : std::string(name_of(op.kind))];
  return count;
}

class Runner {
 public:
  Runner() : machine_(cpu::read_host().memory) {
    LoadReport report;
    for (const auto& [dtype, kernel_dtype] :
         {std::pair{DType::f32, kernels::Dtype::f32}, {DType::bf16, kernels::Dtype::bf16}})
      kernels_[dtype] =
          cpu::choose_kernels(kernel_dtype, *cpu::allowed_isas(""), verdicts_, report);
  }

  Json run(const fs::path& folder) {
    const Json wanted = Json::parse(read_bytes(folder / "case.json"));
    const DType dtype = wanted["dtype"] == "bf16" ? DType::bf16 : DType::f32;
    auto model = load(folder / "model.onnx", wanted["declared"], dtype);
    if (!model) return refusal(model.error());
    auto prepared = cpu::CpuProgram::prepare(**model, wanted["batch"]);
    if (!prepared) return refusal(prepared.error());
    cpu::CpuProgram& program = **prepared;
    for (const Json& input : wanted["inputs"]) {
      const Status written =
          program.write_file_input(input["name"], read_bytes(folder / std::string(input["file"])));
      if (!written) return {{"verdict", "failed"}, {"reason", to_string(written.error())}};
    }
    if (const auto times = program.run(1); !times) return refusal(times.error());
    Json result = {{"verdict", "ran"},
                   {"outputs", Json::array()},
                   {"operations", operations_of((*model)->model())}};
    for (const imported::FileTensor& output : (*model)->lowered()->outputs) {
      const auto tensor = program.read_file_output(output.name);
      if (!tensor) return {{"verdict", "failed"}, {"reason", to_string(tensor.error())}};
      const std::string file = "output_" + std::to_string(result["outputs"].size()) + ".bin";
      write_bytes(folder / file, *tensor->bytes);
      result["outputs"].push_back(
          {{"type", static_cast<int>(tensor->type)}, {"shape", tensor->shape}, {"file", file}});
    }
    return result;
  }

 private:
  Outcome<std::unique_ptr<cpu::CpuModel>> load(const fs::path& path, bool declared, DType dtype) {
    LoadOptions options;
    options.group = {.backend = "cpu", .dtype = dtype, .threads = declared ? 1 : 2, .dims = {}};
    if (!declared) {
      const auto model = read_onnx(path.string(), OnnxOptions{});
      if (!model) return unread(model.error());
      options.group.dims = model->dims;
      return cpu::CpuModel::load(*model, options, kernels_[dtype], machine_, &read_onnx_graph);
    }
    auto graph = read_onnx_graph_as_declared(path.string());
    if (!graph) return unread(graph.error());
    BT_TRY(lowered, imported::lower_graph(std::move(*graph), path.parent_path().filename()));
    return cpu::CpuModel::load(std::move(lowered), options, kernels_[dtype], machine_);
  }

  static tl::unexpected<Ending> unread(const Error& error) {
    return tl::make_unexpected(Ending{TrialStatus::unsupported, to_string(error), "", ""});
  }

  Bytes machine_;
  cpu::Verdicts verdicts_;
  std::map<DType, cpu::KernelChoice> kernels_;
};

// Runs the cases from `first` on; the process ends with them.
[[noreturn]] void run_from(const std::vector<fs::path>& cases, std::size_t first) {
  Runner runner;
  for (std::size_t i = first; i < cases.size(); ++i) {
    alarm(kSecondsForEach);
    Json result;
    try {
      result = runner.run(cases[i]);
    } catch (const std::exception& error) {
      result = {{"verdict", "failed"}, {"reason", std::string("threw: ") + error.what()}};
    }
    write_bytes(cases[i] / "result.json", result.dump());
  }
  std::exit(0);
}

std::string text_of(int status) {
  if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM) return "took too long";
  if (WIFSIGNALED(status)) return std::string("crashed: ") + strsignal(WTERMSIG(status));
  return "ended with exit code " + std::to_string(WEXITSTATUS(status));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "run_onnx LIST\n";
    return 2;
  }
  std::vector<fs::path> cases;
  std::ifstream list(argv[1]);
  for (std::string line; std::getline(list, line);)
    if (!line.empty()) cases.emplace_back(line);
  for (std::size_t next = 0; next < cases.size();) {
    const pid_t child = fork();
    if (child < 0) return 1;
    if (child == 0) run_from(cases, next);
    int status = 0;
    waitpid(child, &status, 0);
    while (next < cases.size() && fs::exists(cases[next] / "result.json")) ++next;
    if (next == cases.size()) break;
    write_bytes(cases[next] / "result.json",
                Json{{"verdict", "failed"}, {"reason", text_of(status)}}.dump());
    ++next;
  }
  return 0;
}
