// The backends that exist, in one constant table, and how one is opened by name.
// Opening a module (cpu) loads its shared library into this process: only worker processes do that
// (measure/queries.h asks one for devices and kernels).
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tuner/backend/backend.h"
#include "tuner/core/error.h"

namespace batchtune {

std::span<const BackendEntry> backends();

// nullptr when there is none. `name` without parameters.
const BackendEntry* find_backend(std::string_view name);

// "simulated:wall=2GiB,hang=16": the name up to the first colon, the rest are the backend's
// parameters.
struct BackendSpec {
  std::string name;
  std::string parameters;  // "" for none
};
BackendSpec split_backend_spec(std::string_view spec);

// "onnxruntime:spinning=0,arena=1,cpu": specs with commas between; what has a "=" is a parameter of
// the spec before it. At least one, however odd: unknown names are for who looks them up.
std::vector<std::string> split_backend_list(std::string_view list);

// The spec with one more parameter of the backend's own.
std::string with_parameter(const std::string& spec, const std::string& name,
                           const std::string& value);

// Errors: an unknown name lists the backends; bad parameters are the backend's own error; a module
// that is missing or was built apart from this executable is an environment error.
Result<std::unique_ptr<Backend>> open_backend(const std::string& spec);

// All kernels of a backend, usable here or not; empty for backends without kernels of their own.
Result<std::vector<KernelInfo>> kernels_of_backend(const std::string& spec);

}  // namespace batchtune
