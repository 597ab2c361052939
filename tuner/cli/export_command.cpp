// batchtune export MODEL: the model as a model file.
#include <cerrno>
#include <cstring>
#include <fstream>
#include <memory>

#include "tuner/cli/command.h"
#include "tuner/workload/model_file.h"

namespace batchtune {
namespace {

struct ExportOptions {
  std::string model;
  std::string output;
};

Result<int> run_export(const ExportOptions& options) {
  BT_TRY(model, load_model(options.model));
  const std::string text = write_model(model);
  if (options.output.empty()) {
    BT_TRY_VOID(print_result(text));
    return kDone;
  }
  std::ofstream file(options.output);
  file << text << '\n';
  file.close();
  if (!file) return environment_error("to write the model", std::strerror(errno), options.output);
  return kDone;
}

}  // namespace

void add_export_command(Arguments& arguments) {
  auto options = std::make_shared<ExportOptions>();
  arguments.required("MODEL", options->model, "zoo name or .json file");
  arguments.value("-o,--output", options->output, "file (default: stdout)");
  arguments.run([options] { return run_export(*options); });
}

}  // namespace batchtune
