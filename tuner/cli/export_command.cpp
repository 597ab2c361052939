// batchtune export MODEL: the model as a file, ours (JSON), ONNX or an XLA program.
#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <utility>

#include "tuner/cli/command.h"
#include "tuner/cli/model_source.h"
#include "tuner/cli/options.h"
#include "tuner/workload/hlo/source.h"
#include "tuner/workload/model_file.h"
#include "tuner/workload/onnx/export.h"

namespace batchtune {
namespace {

struct ExportOptions {
  std::string model;
  ModelOptions model_options;
  std::string output;
  std::string seed;
  std::string batch;  // of an XLA program
  std::string dtype;
};

Status write_file(const std::string& path, const std::string& content) {
  std::ofstream file(path, std::ios::binary);
  file << content;
  file.close();
  if (!file) return environment_error("to write the model", std::strerror(errno), path);
  return {};
}

Result<std::uint64_t> parse_seed(const std::string& text) {
  std::uint64_t seed = 1;  // as tune's, so that both have the same weights
  if (text.empty()) return seed;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seed);
  if (error != std::errc{} || end != text.data() + text.size() || seed > INT64_MAX)
    return bad_input("a seed: an integer of at least 0", "\"" + text + "\"", "--seed");
  return seed;
}

// Of a model that came from an ONNX file: that file with its batch made free.
Status write_imported(const Model& model, std::uint64_t seed, const std::string& path) {
  namespace fs = std::filesystem;
  BT_TRY(ready, onnx_for_runtime(model, seed));
  if (!ready.path.empty())
    return bad_input("a model to export",
                     ready.path + ", an ONNX file that takes any batch already", "MODEL",
                     "Use that file as it is");
  std::error_code code;
  if (!ready.external_data.empty() && fs::weakly_canonical(path, code).parent_path() !=
                                          fs::weakly_canonical(ready.external_data, code))
    return bad_input("a file in " + ready.external_data + ", where the model's external data lie",
                     path, "--output");
  return write_file(path, ready.bytes);
}

// By the endings that those have who write such files.
bool is_program(const std::string& path) {
  return path.ends_with(".hlo.pb") || path.ends_with(".hlo_module.pb");
}

Status check_options(const ExportOptions& options) {
  const bool onnx = std::filesystem::path(options.output).extension() == ".onnx";
  const bool program = is_program(options.output);
  if (!options.seed.empty() && !onnx)
    return bad_input("--output FILE.onnx, since " +
                         std::string(program ? "an XLA program" : "a .json file") +
                         " holds no weights",
                     "--seed alone", "--seed");
  for (const auto& [name, value] :
       {std::pair{"--batch", &options.batch}, {"--dtype", &options.dtype}})
    if (!value->empty() && !program)
      return bad_input("--output FILE.hlo.pb, since only an XLA program has one", "another file",
                       name);
  if (program && options.batch.empty())
    return bad_input("--batch N: an XLA program is of one batch size", "none", options.output);
  return {};
}

Status write_program(const Model& model, const ExportOptions& options) {
  BT_TRY(batches, parse_batches(options.batch));
  if (batches.size() != 1)
    return bad_input("one batch size", "\"" + options.batch + "\"", "--batch");
  const auto dtype = parse_dtype(options.dtype.empty() ? "f32" : options.dtype);
  if (!dtype) return bad_input("f32 or bf16", "\"" + options.dtype + "\"", "--dtype");
  BT_TRY(source, HloSource::open(model, 1));  // a program holds no weights: any seed
  BT_TRY(program, source.program(batches[0], *dtype));
  return write_file(options.output, program.bytes);
}

Result<int> run_export(const ExportOptions& options) {
  const bool onnx = std::filesystem::path(options.output).extension() == ".onnx";
  BT_TRY_VOID(check_options(options));
  BT_TRY(seed, parse_seed(options.seed));
  BT_TRY(name, with_model_options(options.model, options.model_options));
  BT_TRY(model, load_model(name));
  BT_TRY_VOID(check_operations_known(model, "export"));
  if (is_program(options.output)) {
    BT_TRY_VOID(write_program(model, options));
  } else if (onnx && model.file) {
    BT_TRY_VOID(write_imported(model, seed, options.output));
  } else if (onnx) {
    BT_TRY_VOID(write_onnx(model, seed, options.output));
  } else if (options.output.empty()) {
    BT_TRY_VOID(print_result(write_model(model)));
  } else {
    BT_TRY_VOID(write_file(options.output, write_model(model) + '\n'));
  }
  return kDone;
}

}  // namespace

void add_export_command(Arguments& arguments) {
  auto options = std::make_shared<ExportOptions>();
  arguments.required("MODEL", options->model, "zoo name, .json or .onnx file");
  add_model_options(arguments, options->model_options);
  arguments.value("-o,--output", options->output,
                  "file: ONNX if it ends in .onnx, an XLA program if in .hlo.pb, else JSON "
                  "(default: JSON to stdout)");
  arguments.value("--seed", options->seed, "of the weights of an ONNX file (default 1)");
  arguments.value("--batch", options->batch, "of an XLA program, which has one");
  arguments.value("--dtype", options->dtype, "of an XLA program: f32 (default) or bf16");
  arguments.run([options] { return run_export(*options); });
}

}  // namespace batchtune
