// A plugin's device, open: its handle, and what of its answers becomes of our words. Models and
// programs call through it. The library is closed after it.
#pragma once

#include <memory>
#include <string>

#include "tuner/backend/backend.h"
#include "tuner/backend/plugin/library.h"

namespace batchtune::plugin {

class PluginDevice {
 public:
  // Errors: bad_input for BT_BAD_PARAMETERS, else environment, with the plugin's words.
  static Result<std::unique_ptr<PluginDevice>> open(PluginLibrary library,
                                                    const std::string& parameters);

  const bt_plugin& table() const { return library_.table(); }
  const PluginLibrary& library() const { return library_; }
  bt_device* handle() const { return handle_.get(); }
  const bt_device_info& info() const { return info_; }
  MemoryKind memory_kind() const;
  ClockKind clock() const;

  // How a call ended that was to do `what` ("prepare batch 8"); Outcome without an error for BT_OK.
  Outcome<void> outcome(bt_status status, const std::string& what) const;
  std::string last_error() const { return last_error_of(table(), handle()); }

 private:
  explicit PluginDevice(PluginLibrary library)
      : library_(std::move(library)), handle_(nullptr, library_.table().close) {}
  static std::string last_error_of(const bt_plugin& table, bt_device* device);

  PluginLibrary library_;
  std::unique_ptr<bt_device, void (*)(bt_device*)> handle_;
  bt_device_info info_{};
};

// Of a model, not of this or that batch: what was said with BT_OK and is not there.
tl::unexpected<Ending> made_nothing(const std::string& what);

}  // namespace batchtune::plugin
