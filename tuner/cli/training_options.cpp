#include "tuner/cli/training_options.h"

#include <algorithm>

#include "tuner/core/units.h"

namespace batchtune {

Result<int> parse_ranks(const std::string& text, const char* option, int otherwise) {
  constexpr double kMost = 1e6;
  if (text.empty()) return otherwise;
  BT_TRY(ranks, parse_count(text, option));
  if (ranks < 1 || ranks > kMost || ranks != static_cast<int>(ranks))
    return bad_input("a whole number from 1 to 1000000", text, option);
  return static_cast<int>(ranks);
}

Result<double> parse_bytes_each(const std::string& text, double otherwise, const char* option) {
  if (text.empty()) return otherwise;
  return parse_count(text, option);
}

Result<CoreMemory> memory_of_core(const EstimateCommandOptions& options) {
  if (!options.device.empty() && !options.memory_limit.empty())
    return bad_input("--memory-limit, or the memory of a --device", "both", "",
                     "Leave one of the two out");
  if (!options.memory_limit.empty()) {
    BT_TRY(limit, parse_bytes(options.memory_limit, "--memory-limit"));
    return CoreMemory{static_cast<double>(limit), "--memory-limit"};
  }
  BT_TRY(device, find_any_device(options));
  const DeviceInfo& info = device.figures.device;
  if (!info.memory_bytes)
    return bad_input("the memory of a core", "a device that does not say its memory", info.name,
                     "Give --memory-limit");
  const int cores = device.entry == nullptr ? std::max(1, info.cores) : 1;
  return CoreMemory{*info.memory_bytes / cores,
                    cores > 1 ? "a core of " + info.name : info.name};
}

}  // namespace batchtune
