#include "tuner/cli/plugins.h"

#include <filesystem>
#include <system_error>
#include <utility>

#include "tuner/backend/backend_list.h"
#include "tuner/measure/queries.h"

namespace batchtune {

Result<std::string> named_plugin(const std::string& spec) {
  std::optional<PluginSpec> plugin = plugin_of(spec);
  if (!plugin) return spec;
  std::error_code failed;
  const auto absolute = std::filesystem::absolute(plugin->path, failed);
  if (!failed) plugin->path = absolute.lexically_normal().string();
  if (plugin->path.find_first_of(",:") != std::string::npos)
    return bad_input("the path of a plugin without ',' and ':'", "\"" + plugin->path + "\"",
                     "--backend");
  if (!plugin->name.empty() && find_backend(plugin->name) != nullptr) return to_string(*plugin);
  BT_TRY(described, describe_backend(to_string(*plugin)));
  plugin->name = described.backend;
  BT_TRY_VOID(add_plugin(described).map([](const BackendEntry*) {}));
  return to_string(*plugin);
}

}  // namespace batchtune
