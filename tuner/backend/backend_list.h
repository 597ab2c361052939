// The backends that exist, in one constant table, and how one is opened by name. A plugin is opened by
// the path of its library and is beside the table.
// Opening a module (cpu) or a plugin loads its shared library into this process: only worker processes
// do that (measure/queries.h asks one for devices and kernels).
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tuner/backend/backend.h"
#include "tuner/core/error.h"

namespace batchtune {

std::span<const BackendEntry> backends();

// Of the table, or a plugin that was added. nullptr when there is none. `name` without parameters.
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

// A plugin is named by its library's path ("./libmydevice.so:x=1": with a slash or .so in it) or, once it
// is known what it calls itself, by that name and the path ("mydevice:plugin=/home/me/libmydevice.so,x=1"):
// then it is a backend like those of the table in everything that looks at names.
inline constexpr char kPluginParameter[] = "plugin";
struct PluginSpec {
  std::string path;        // as it was given
  std::string name;        // "" where it was given as a path
  std::string parameters;  // for the plugin itself; "" for none
};
// nullopt: it names no plugin.
std::optional<PluginSpec> plugin_of(std::string_view spec);
std::string to_string(const PluginSpec& plugin);  // the second form; the first where there is no name

// Makes a row for a plugin from what it said of itself to a worker, and keeps it for find_backend(): for the
// one thread that has the command line. It has an account of its memory where DeviceInfo::memory_bytes is
// there, and computes on this machine's processor as far as anybody knows where it names no peaks. An
// environment error: a name of the table.
Result<const BackendEntry*> add_plugin(const DeviceInfo& described);
bool is_plugin(const BackendEntry& entry);

// Errors: an unknown name lists the backends; bad parameters are the backend's own error; a module
// that is missing or was built apart from this executable is an environment error, and so is a plugin
// that cannot be loaded (plugin/library.h).
Result<std::unique_ptr<Backend>> open_backend(const std::string& spec);

// All kernels of a backend, usable here or not; empty for backends without kernels of their own.
Result<std::vector<KernelInfo>> kernels_of_backend(const std::string& spec);

}  // namespace batchtune
