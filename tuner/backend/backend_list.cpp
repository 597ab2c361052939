#include "tuner/backend/backend_list.h"

#include "tuner/backend/module_loader.h"
#include "tuner/backend/simulated/simulated.h"

namespace batchtune {
namespace {

constexpr BackendEntry kBackends[] = {
    {"cpu", "this machine's processor: own f32 and bf16 kernels on oneTBB", "cpu", false,
     MemoryKind::account, nullptr},
    {"simulated",
     "a device that exists only as a cost formula with a virtual clock, disturbed where told",
     nullptr, true, MemoryKind::account, create_simulated_backend},
};

std::string known_names() {
  std::string names;
  for (const BackendEntry& entry : kBackends)
    names += (names.empty() ? "" : ", ") + std::string(entry.name);
  return names;
}

tl::unexpected<Error> unknown_backend(const std::string& name) {
  return bad_input("a backend (" + known_names() + ")", "\"" + name + "\"", "",
                   "Choose one of them.");
}

}  // namespace

std::span<const BackendEntry> backends() {
  return kBackends;
}

const BackendEntry* find_backend(std::string_view name) {
  for (const BackendEntry& entry : kBackends)
    if (entry.name == name) return &entry;
  return nullptr;
}

BackendSpec split_backend_spec(std::string_view spec) {
  const auto colon = spec.find(':');
  if (colon == std::string_view::npos) return {std::string(spec), ""};
  return {std::string(spec.substr(0, colon)), std::string(spec.substr(colon + 1))};
}

Result<std::unique_ptr<Backend>> open_backend(const std::string& spec) {
  const auto [name, parameters] = split_backend_spec(spec);
  const BackendEntry* entry = find_backend(name);
  if (entry == nullptr) return unknown_backend(name);
  if (entry->module != nullptr) return open_backend_module(module_path(entry->module), parameters);
  return entry->create(parameters);
}

Result<std::vector<KernelInfo>> kernels_of_backend(const std::string& spec) {
  const std::string name = split_backend_spec(spec).name;
  const BackendEntry* entry = find_backend(name);
  if (entry == nullptr) return unknown_backend(name);
  if (entry->module == nullptr) return std::vector<KernelInfo>{};
  return kernels_of_module(module_path(entry->module));
}

}  // namespace batchtune
