#include "tuner/backend/plugin/library.h"

#include <elf.h>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <system_error>
#include <utility>

namespace batchtune::plugin {
namespace {

constexpr char kEntryPoint[] = "batchtune_plugin";
constexpr std::size_t kLongestName = 32;
constexpr char kRebuild[] = "Build it with the plugin_abi.h of this batchtune";

// The table of version 1 ends with cancel; what is added later is optional for plugins that were
// built before.
constexpr std::size_t kShortestTable = offsetof(bt_plugin, cancel) + sizeof(bt_plugin::cancel);

std::string wanted_of(const std::string& path) {
  return "the plugin " + path;
}

// What the loader says of a file of another processor is that there is none.
Status check_file(const std::string& path) {
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored))
    return environment_error(wanted_of(path), "no such file", "--backend",
                             "A name with a slash or .so in it is the path of a plugin");
  Elf64_Ehdr header{};
  std::ifstream file(path, std::ios::binary);
  file.read(reinterpret_cast<char*>(&header), sizeof header);
  if (!file || std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 || header.e_type != ET_DYN)
    return environment_error("a shared library", "a file that is none", path);
  if (header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_machine != EM_X86_64)
    return environment_error(
        "a library for x86-64 (ELF machine " + std::to_string(EM_X86_64) + ")",
        "one for another processor (ELF machine " + std::to_string(header.e_machine) + ")", path,
        "Build it for this machine");
  return {};
}

Status check_versions(const bt_plugin& table, const std::string& path) {
  if (table.abi_version != BT_PLUGIN_ABI_VERSION)
    return environment_error("a plugin of ABI version " + std::to_string(BT_PLUGIN_ABI_VERSION),
                             "one of version " + std::to_string(table.abi_version), path, kRebuild);
  if (table.struct_size < kShortestTable)
    return environment_error("a table of at least " + std::to_string(kShortestTable) +
                                 " bytes, as ABI version " + std::to_string(BT_PLUGIN_ABI_VERSION) +
                                 " has it",
                             std::to_string(table.struct_size) + " bytes", path, kRebuild);
  return {};
}

Status check_functions(const bt_plugin& table, const std::string& path) {
  const std::pair<bool, const char*> required[] = {{table.open != nullptr, "open"},
                                                   {table.close != nullptr, "close"},
                                                   {table.last_error != nullptr, "last_error"},
                                                   {table.describe != nullptr, "describe"},
                                                   {table.load != nullptr, "load"},
                                                   {table.unload != nullptr, "unload"},
                                                   {table.prepare != nullptr, "prepare"},
                                                   {table.release != nullptr, "release"},
                                                   {table.write_input != nullptr, "write_input"},
                                                   {table.run != nullptr, "run"},
                                                   {table.read_output != nullptr, "read_output"}};
  for (const auto& [is_there, name] : required)
    if (!is_there)
      return environment_error("a table with the function " + std::string(name), "none", path);
  return {};
}

Status check_name(const std::string& name, const std::string& path) {
  constexpr char kAllowed[] = "abcdefghijklmnopqrstuvwxyz0123456789-_";
  const bool fits = !name.empty() && name.size() <= kLongestName &&
                    name.find_first_not_of(kAllowed) == std::string::npos;
  if (fits) return {};
  return environment_error("a plugin whose name is 1 to 32 of a-z, 0-9, - and _",
                           "\"" + name + "\"", path);
}

}  // namespace

std::string printable(const char* text, std::size_t most) {
  if (text == nullptr) return "";
  std::string out(text, strnlen(text, most));
  std::replace_if(
      out.begin(), out.end(), [](char c) { return c < ' ' || c > '~'; }, ' ');
  while (!out.empty() && out.back() == ' ') out.pop_back();
  return out;
}

PluginLibrary::PluginLibrary(runtime::SharedLibrary library, const bt_plugin& table)
    : library_(std::move(library)),
      table_{},
      name_(printable(table.name)),
      version_(printable(table.version)) {
  std::memcpy(&table_, &table, std::min<std::size_t>(table.struct_size, sizeof table_));
}

Result<PluginLibrary> PluginLibrary::open(const std::string& path) {
  BT_TRY_VOID(check_file(path));
  auto library = runtime::SharedLibrary::open(path);
  if (!library) return environment_error(wanted_of(path), library.error().found);
  using EntryPoint = decltype(&batchtune_plugin);
  const auto entry_point = reinterpret_cast<EntryPoint>(library->symbol(kEntryPoint));
  if (entry_point == nullptr)
    return environment_error("a library that exports " + std::string(kEntryPoint) + "()",
                             "one that does not", path);
  const bt_plugin* const table = entry_point();
  if (table == nullptr)
    return environment_error("a table of functions", "none from batchtune_plugin()", path);
  BT_TRY_VOID(check_versions(*table, path));
  BT_TRY_VOID(check_functions(*table, path));
  PluginLibrary plugin(std::move(*library), *table);
  BT_TRY_VOID(check_name(plugin.name(), path));
  return plugin;
}

}  // namespace batchtune::plugin
