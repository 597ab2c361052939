#include "tests/backend/neuron/stand_ins.h"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>

#include "tests/support/catch.h"
#include "tuner/backend/neuron/neuron_backend.h"
#include "tuner/workload/model_file.h"

namespace batchtune::test {
namespace {

constexpr char kRuntimeOptions[] = "BATCHTUNE_NRT_STAND_IN",
               kCompilerOptions[] = "BATCHTUNE_NEURONX_CC_STAND_IN";

std::string calls_in(const std::filesystem::path& folder) {
  return (folder / "calls").string();
}

}  // namespace

Told::Told(const std::string& runtime, const std::string& compiler) {
  std::string pattern =
      (std::filesystem::temp_directory_path() / "neuron-test-XXXXXX").string();
  REQUIRE(mkdtemp(pattern.data()) != nullptr);
  folder_ = pattern;
  tell(runtime, compiler);
}

Told::~Told() {
  unsetenv(kRuntimeOptions);
  unsetenv(kCompilerOptions);
  std::filesystem::remove_all(folder_);
}

void Told::tell(const std::string& runtime, const std::string& compiler) {
  setenv(kRuntimeOptions, runtime.c_str(), 1);
  setenv(kCompilerOptions, (compiler + ";calls=" + calls_in(folder_)).c_str(), 1);
}

std::ptrdiff_t Told::compilations() const {
  std::ifstream file(calls_in(folder_));
  return std::count(std::istreambuf_iterator<char>(file), {}, '\n');
}

std::string stand_ins(const std::string& further) {
  return std::string("library=") + BT_NRT_STAND_IN + ",compiler=" + BT_NEURONX_CC_STAND_IN +
         (further.empty() ? "" : "," + further);
}

std::unique_ptr<Backend> opened(const std::string& further) {
  auto backend = neuron::create_backend(stand_ins(further));
  INFO((backend ? "" : to_string(backend.error())));
  REQUIRE(backend);
  return std::move(*backend);
}

Model small_model() {
  return load_model("mlp@width=64").value();
}

LoadOptions options_of(DType dtype) {
  LoadOptions options;
  options.group = {"neuron", dtype, 1, 1, small_model().dims};
  return options;
}

LoadOptions options_on(int cores, int instances) {
  LoadOptions options = options_of();
  options.group.cores = cores;
  options.group.instances = instances;
  return options;
}

std::unique_ptr<LoadedModel> loaded(Backend& backend, const LoadOptions& options,
                                    LoadReport* seen) {
  LoadReport report;
  auto model = backend.load(small_model(), options, report);
  INFO((model ? "" : model.error().reason + "; " + model.error().evidence));
  REQUIRE(model);
  if (seen != nullptr) *seen = report;
  return std::move(*model);
}

std::unique_ptr<LoadedModel> loaded(Backend& backend) {
  return loaded(backend, options_of());
}

std::unique_ptr<Program> prepared(LoadedModel& model, const LoadOptions& options,
                                  std::int64_t batch) {
  auto program = model.prepare({options.group, batch});
  INFO((program ? "" : program.error().reason + "; " + program.error().evidence));
  REQUIRE(program);
  (*program)->set_input(1);
  return std::move(*program);
}

std::unique_ptr<Program> prepared(LoadedModel& model, std::int64_t batch) {
  return prepared(model, options_of(), batch);
}

Ending ending_of_life(const std::string& further) {
  const auto backend = opened(further);
  LoadReport report;
  const auto model = backend->load(small_model(), options_of(), report);
  if (!model) return model.error();
  const auto program = (*model)->prepare({options_of().group, 4});
  if (!program) return program.error();
  (*program)->set_input(1);
  const auto times = (*program)->run(3);
  if (!times) return times.error();
  const auto output = (*program)->read_output(4);
  return output ? Ending{} : output.error();
}

}  // namespace batchtune::test
