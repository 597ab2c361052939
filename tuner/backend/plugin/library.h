// A plugin's shared library: loaded, checked, and its table of functions as far as both sides know
// it. Only worker processes have one.
#pragma once

#include <string>

#include "tuner/backend/plugin/plugin_abi.h"
#include "tuner/backend/runtime/shared_library.h"
#include "tuner/core/error.h"

namespace batchtune::plugin {

class PluginLibrary {
 public:
  // Environment errors: no such file, no shared library, one of another processor, no
  // batchtune_plugin(), another ABI version or too short a table (both numbers), a required
  // function that is missing, a name that cannot be one.
  static Result<PluginLibrary> open(const std::string& path);

  // Members that the plugin's table is too short for are null.
  const bt_plugin& table() const { return table_; }
  const std::string& path() const { return library_.path(); }
  const std::string& name() const { return name_; }
  const std::string& version() const { return version_; }

 private:
  PluginLibrary(runtime::SharedLibrary library, const bt_plugin& table);

  runtime::SharedLibrary library_;
  bt_plugin table_;
  std::string name_, version_;
};

// Text of a plugin's: at most so many bytes of it are looked at, on one line, printable ASCII.
std::string printable(const char* text, std::size_t most = 256);

}  // namespace batchtune::plugin
