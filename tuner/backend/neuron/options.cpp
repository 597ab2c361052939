#include "tuner/backend/neuron/options.h"

#include <string_view>

#include "tuner/backend/runtime/parameters.h"

namespace batchtune::neuron {
namespace {

constexpr char kBatch[] = "{batch}";
constexpr std::string_view kKnown[] = {"library", "compiler",        "arguments", "target", "neff",
                                       "cache",   "compile_timeout", "core",      "cores",  "lnc"};

}  // namespace

Result<Settings> parse_settings(const std::string& parameters) {
  BT_TRY(values, runtime::parse_parameters(parameters, kKnown, kName));
  Settings settings;
  const auto take = [&](const char* name, std::string& to) {
    if (const auto found = values.find(name); found != values.end()) to = found->second;
  };
  take("library", settings.library);
  take("compiler", settings.compiler);
  take("arguments", settings.arguments);
  take("target", settings.target);
  take("neff", settings.neff);
  take("cache", settings.cache);
  take("core", settings.core);
  take("lnc", settings.lnc);
  std::string timeout;
  take("compile_timeout", timeout);
  if (!timeout.empty()) {
    BT_TRY(seconds, parse_seconds(timeout, "neuron:compile_timeout"));
    settings.compile_timeout = seconds;
  }
  if (!settings.neff.empty() && !settings.arguments.empty())
    return bad_input("NEFFs, or arguments of the compiler that makes them", "both", kName);
  if (!settings.neff.empty() && settings.neff.find(kBatch) == std::string::npos)
    return bad_input("a pattern with {batch} in it: a NEFF is of one batch size", settings.neff,
                     "neuron:neff");
  return settings;
}

}  // namespace batchtune::neuron
