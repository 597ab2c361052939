// batchtune export MODEL: the model as a model file.
#include <CLI/CLI.hpp>
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

void add_export_command(CLI::App& app, Invocation& invocation) {
  auto options = std::make_shared<ExportOptions>();
  app.add_option("MODEL", options->model, "zoo name or .json file")->required();
  app.add_option("-o,--output", options->output, "file (default: stdout)");
  app.callback(
      [options, &invocation] { invocation.run = [options] { return run_export(*options); }; });
}

}  // namespace batchtune
