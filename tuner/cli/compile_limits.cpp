#include "tuner/cli/compile_limits.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "tuner/cli/arguments.h"

namespace batchtune {
namespace {

constexpr int kMostCompiles = 4096;  // as many as --batches may list
constexpr char kLimit[] = "max_compiles", kAhead[] = "compile_ahead", kNone[] = "none";

}  // namespace

void add_max_compiles_option(Arguments& arguments, TuningOptions& tuning) {
  arguments.value("--max-compiles", tuning.max_compiles,
                  "compilations at most, or none for no limit; what is waited for them is not part of --budget "
                  "(default: 6 where they take other hardware than the device)");
}

Result<std::optional<int>> parse_max_compiles(const TuningOptions& options) {
  const std::string& text = options.max_compiles;
  if (text.empty()) return std::optional<int>{};
  if (options.strategy == "exhaustive")
    return bad_input("--max-compiles with a strategy that chooses batches", "--strategy exhaustive",
                     "--max-compiles", "Give --batches instead");
  if (text == kNone) return std::optional(0);
  int most = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), most);
  if (code != std::errc{} || end != text.data() + text.size() || most < 1 || most > kMostCompiles)
    return bad_input(fmt::format("a number of compilations from 1 to {}, or {}", kMostCompiles, kNone),
                     "'" + text + "'", "--max-compiles");
  return std::optional(most);
}

std::vector<Setting> compile_settings(const TuningRequest& request, const SessionHeader& header) {
  const bool sweeps = header.strategy == "exhaustive" && header.wishes.user_batches.empty();
  if (header.command != "tune" || sweeps) return {};
  const auto elsewhere = [](const DeviceInfo& device) { return device.compiles_elsewhere; };
  const auto& devices = header.devices;
  const bool any = std::any_of(devices.begin(), devices.end(), elsewhere);
  const bool all = any && std::all_of(devices.begin(), devices.end(), elsewhere);
  std::vector<Setting> settings;
  if (request.max_compiles)
    settings.push_back({kLimit, *request.max_compiles > 0 ? Value(std::int64_t{*request.max_compiles})
                                                          : Value(std::string(kNone)),
                        "--max-compiles"});
  else if (any)
    settings.push_back({kLimit, std::int64_t{kDefaultCompiles}, "default, since a compiler takes minutes"});
  if (all) settings.push_back({kAhead, true, "the compiler needs nothing of the device"});
  return settings;
}

void apply_compile_settings(const std::vector<Setting>& effective, Problem& problem) {
  for (const Setting& setting : effective) {
    const auto* most = std::get_if<std::int64_t>(&setting.value);
    if (setting.name == kLimit && most != nullptr) problem.most_compiles = static_cast<int>(*most);
    if (setting.name == kAhead) problem.compiles_elsewhere = true;
  }
}

}  // namespace batchtune
