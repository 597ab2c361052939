#include "tuner/cli/runtimes.h"

#include "tuner/backend/backend_list.h"
#include "tuner/cli/command.h"
#include "tuner/cli/host.h"

namespace batchtune {
namespace {

constexpr char kLibraryParameter[] = "library";

std::string library_of_environment(const BackendEntry& entry) {
  return environment_variable(entry.runtime->variable).value_or("");
}

bool names_library(const std::string& parameters) {
  const std::string name = std::string(kLibraryParameter) + "=";
  return parameters.starts_with(name) || parameters.find("," + name) != std::string::npos;
}

}  // namespace

std::string with_library_of_environment(const std::string& spec) {
  const auto [name, parameters] = split_backend_spec(spec);
  const BackendEntry* entry = find_backend(name);
  if (entry == nullptr || entry->runtime == nullptr || names_library(parameters)) return spec;
  const std::string path = library_of_environment(*entry);
  return path.empty() ? spec : with_parameter(spec, kLibraryParameter, path);
}

Result<FoundLibrary> find_runtime(const BackendEntry& entry) {
  return find_library(*entry.runtime, library_of_environment(entry));
}

void default_to_runtimes(const Model& model, TuningRequest& request, bool quiet) {
  if (!request.backends.empty() || !model.file) return;
  std::string names;
  for (const BackendEntry& entry : backends()) {
    if (entry.runtime == nullptr) continue;
    names += (names.empty() ? "" : ", ") + std::string(entry.name);
    if (!find_runtime(entry)) continue;
    request.backends.emplace_back(entry.name);
    request.given.push_back({"backend", std::string(entry.name), "found, for an ONNX file"});
  }
  if (request.backends.empty() && !quiet)
    say("no runtime is found for " + model.file->path + " (" + names +
        "): measured with the cpu backend (batchtune list backends tells what is missing)");
}

}  // namespace batchtune
