#include "tuner/backend/neuron/options.h"

#include <charconv>
#include <string_view>

#include "tuner/backend/runtime/parameters.h"

namespace batchtune::neuron {
namespace {

constexpr char kBatch[] = "{batch}";
// cores and take are for whoever gives a worker its cores (tuner/cli/neuron_environment.h).
constexpr std::string_view kKnown[] = {
    "library", "compiler", "arguments", "target", "neff", "cache", "compile_timeout",
    "compile_jobs", "core", "cores", "take", "lnc"};
constexpr int kMostCompileJobs = 256;

Result<int> parse_jobs(const std::string& text) {
  int jobs = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), jobs);
  if (error != std::errc{} || end != text.data() + text.size() || jobs < 1 || jobs > kMostCompileJobs)
    return bad_input("a number of compilations at a time", "\"" + text + "\"",
                     "neuron:compile_jobs");
  return jobs;
}

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
  std::string jobs;
  take("compile_jobs", jobs);
  if (!jobs.empty()) {
    BT_TRY(number, parse_jobs(jobs));
    settings.compile_jobs = number;
  }
  if (!settings.neff.empty() && !settings.arguments.empty())
    return bad_input("NEFFs, or arguments of the compiler that makes them", "both", kName);
  if (!settings.lnc.empty() && settings.lnc != "1" && settings.lnc != "2")
    return bad_input("1 or 2 physical cores in a logical one", "\"" + settings.lnc + "\"",
                     "neuron:lnc");
  if (!settings.neff.empty() && settings.neff.find(kBatch) == std::string::npos)
    return bad_input("a pattern with {batch} in it: a NEFF is of one batch size", settings.neff,
                     "neuron:neff");
  return settings;
}

}  // namespace batchtune::neuron
