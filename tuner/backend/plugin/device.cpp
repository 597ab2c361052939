#include "tuner/backend/plugin/device.h"

#include <array>

namespace batchtune::plugin {
namespace {

constexpr std::size_t kLongestError = 1024;

}  // namespace

std::string PluginDevice::last_error_of(const bt_plugin& table, bt_device* device) {
  std::array<char, kLongestError> text{};
  table.last_error(device, text.data(), static_cast<std::uint32_t>(text.size()));
  text.back() = '\0';  // whatever it wrote
  std::string words = printable(text.data(), text.size());
  return words.empty() ? "no reason given" : words;
}

Result<std::unique_ptr<PluginDevice>> PluginDevice::open(PluginLibrary library,
                                                         const std::string& parameters) {
  std::unique_ptr<PluginDevice> device(new PluginDevice(std::move(library)));
  const std::string& path = device->library_.path();
  bt_device* raw = nullptr;
  const bt_status status = device->table().open(parameters.c_str(), &raw);
  if (status == BT_BAD_PARAMETERS)
    return bad_input("parameters that the plugin knows",
                     "\"" + parameters + "\": " + last_error_of(device->table(), nullptr), path);
  if (status != BT_OK)
    return environment_error("the device of the plugin " + device->library_.name(),
                             last_error_of(device->table(), nullptr), path);
  if (raw == nullptr)
    return environment_error("the device of the plugin " + device->library_.name(),
                             "BT_OK without one", path);
  device->handle_.reset(raw);
  device->info_.struct_size = sizeof(bt_device_info);
  if (device->table().describe(raw, &device->info_) != BT_OK)
    return environment_error("a description of the plugin's device", device->last_error(), path);
  return device;
}

MemoryKind PluginDevice::memory_kind() const {
  if (table().memory == nullptr) return MemoryKind::rss;
  switch (info_.memory_kind) {
    case BT_MEMORY_ACCOUNT:
      return MemoryKind::account;
    case BT_MEMORY_DEVICE:
      return MemoryKind::device;
    default:
      return MemoryKind::rss;
  }
}

ClockKind PluginDevice::clock() const {
  switch (info_.clock) {
    case BT_CLOCK_DEVICE:
      return ClockKind::device;
    case BT_CLOCK_VIRTUAL:
      return ClockKind::virtual_clock;
    default:
      return ClockKind::host;
  }
}

Outcome<void> PluginDevice::outcome(bt_status status, const std::string& what) const {
  const std::string reason = "the plugin could not " + what;
  switch (status) {
    case BT_OK:
      return {};
    case BT_OUT_OF_MEMORY:
      return tl::unexpected(Ending{TrialStatus::out_of_memory, reason, "plugin: " + last_error(),
                                   memory_kind() == MemoryKind::rss ? "host" : "device"});
    case BT_UNSUPPORTED:
      return tl::unexpected(
          Ending{TrialStatus::unsupported, reason, "plugin: " + last_error(), ""});
    case BT_FAILED:
      return tl::unexpected(Ending{TrialStatus::failed, reason, "plugin: " + last_error(), ""});
    default:
      return tl::unexpected(Ending{TrialStatus::failed, reason,
                                   "plugin: status " + std::to_string(status) + ": " + last_error(),
                                   ""});
  }
}

tl::unexpected<Ending> made_nothing(const std::string& what) {
  return tl::unexpected(Ending{TrialStatus::failed, "the plugin could not " + what,
                               "plugin: it said BT_OK and made nothing", ""});
}

}  // namespace batchtune::plugin
