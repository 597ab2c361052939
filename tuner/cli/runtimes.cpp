#include "tuner/cli/runtimes.h"

#include <cstdlib>
#include <optional>
#include <utility>

#include "tuner/backend/backend_list.h"
#include "tuner/cli/command.h"
#include "tuner/cli/host.h"
#include "tuner/workload/opaque.h"

namespace batchtune {
namespace {

constexpr char kLibraryParameter[] = "library";
constexpr char kFoundParameter[] = "found";  // by whom, where the user did not name it

// What this process has found, for the workers that it starts: "ORIGIN=PATH" in
// BATCHTUNE_ONNXRUNTIME_FOUND. Each would look for itself else, and asking python3 takes 50 to 300 ms.
std::string handed_variable(const BackendEntry& entry) {
  return std::string(entry.runtime->variable) + "_FOUND";
}

std::optional<FoundLibrary> handed_library(const BackendEntry& entry) {
  const auto text = environment_variable(handed_variable(entry).c_str());
  const std::size_t equals = text ? text->find('=') : std::string::npos;
  if (equals == std::string::npos) return std::nullopt;
  return FoundLibrary{text->substr(equals + 1), text->substr(0, equals)};
}

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
  if (!path.empty()) return with_parameter(spec, kLibraryParameter, path);
  const auto handed = handed_library(*entry);
  if (!handed) return spec;
  return with_parameter(with_parameter(spec, kLibraryParameter, handed->path), kFoundParameter,
                        handed->origin);
}

void hand_down_library(const std::string& spec) {
  const auto [name, parameters] = split_backend_spec(spec);
  const BackendEntry* entry = find_backend(name);
  if (entry == nullptr || entry->runtime == nullptr || names_library(parameters)) return;
  (void)find_runtime(*entry);  // what is missing the worker says
}

Result<FoundLibrary> find_runtime(const BackendEntry& entry) {
  const std::string named = library_of_environment(entry);
  if (!named.empty()) return find_library(*entry.runtime, named);
  if (auto handed = handed_library(entry)) return std::move(*handed);
  auto found = find_library(*entry.runtime, "");
  if (found)
    setenv(handed_variable(entry).c_str(), (found->origin + "=" + found->path).c_str(), 1);
  return found;
}

Status default_to_runtimes(const Model& model, TuningRequest& request, bool quiet) {
  if (!request.backends.empty() || !model.file) return {};
  if (const OpaqueFormat* const format = format_of(model)) {
    const std::string name(format->backend);
    BT_TRY_VOID(find_runtime(*find_backend(name)));
    request.backends.push_back(name);
    request.given.push_back({"backend", name, "reads " + std::string(format->ending) + " files"});
    return {};
  }
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
  return {};
}

}  // namespace batchtune
