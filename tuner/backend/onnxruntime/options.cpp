#include "tuner/backend/onnxruntime/options.h"

#include <sched.h>

#include <array>
#include <string_view>

#include "tuner/backend/runtime/parameters.h"

namespace batchtune::onnxruntime {
namespace {

constexpr char kWhere[] = "onnxruntime";
constexpr std::array<runtime::Parameter, 7> kParameters{
    {{"library", "/path", "libonnxruntime.so (looked for)"},
     {"spinning", "0, 1", "whether its threads spin while they wait for work (the runtime's: 1)"},
     {"optimization", "disable, basic, extended, all", "of the graph (the runtime's: all)"},
     {"arena", "0, 1", "its memory arena (the runtime's: 1)"},
     {"pinning", "0, 1", "each thread that it makes keeps to a CPU (0)"},
     {"denormals", "0, 1", "whether they are computed, or taken as zero (the runtime's: 1)"},
     {"found", "words", ""}}};
constexpr char kAsked[] = "--backend", kDefault[] = "ONNX Runtime's default";

// Keys of session options that have no function.
constexpr char kSpinningKey[] = "session.intra_op.allow_spinning";
constexpr char kAffinityKey[] = "session.intra_op_thread_affinities";
constexpr char kDenormalKey[] = "session.set_denormal_as_zero";
constexpr char kExternalDataKey[] = "session.model_external_initializers_file_folder_path";

struct OptimizationName {
  const char* name;
  Optimization level;
};
constexpr OptimizationName kOptimizations[] = {{"disable", Optimization::disable},
                                               {"basic", Optimization::basic},
                                               {"extended", Optimization::extended},
                                               {"all", Optimization::all}};

Result<Optimization> parse_optimization(const std::string& text) {
  for (const auto& [name, level] : kOptimizations)
    if (text == name) return level;
  return bad_input("disable, basic, extended or all", "\"" + text + "\"",
                   "onnxruntime, optimization");
}

// "2;3": of each thread that a session makes (the first is the caller's) a CPU of this process's, by
// its number from 1; round and round where there are too few.
std::string affinities(int instance, int threads) {
  cpu_set_t set;
  CPU_ZERO(&set);
  std::vector<int> cpus;
  if (sched_getaffinity(0, sizeof set, &set) == 0)
    for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu)
      if (CPU_ISSET(cpu, &set)) cpus.push_back(cpu + 1);
  if (cpus.empty()) cpus.push_back(1);
  std::string text;
  for (int thread = 1; thread < threads; ++thread)
    text += (text.empty() ? "" : ";") +
            std::to_string(cpus[static_cast<std::size_t>(instance * threads + thread) % cpus.size()]);
  return text;
}

std::string name_of(Optimization wanted) {
  for (const auto& [name, level] : kOptimizations)
    if (level == wanted) return name;
  return "?";
}

}  // namespace

std::span<const runtime::Parameter> parameters() {
  return kParameters;
}

Result<SessionSettings> parse_settings(const std::string& parameters) {
  SessionSettings settings;
  BT_TRY(given, runtime::parse_parameters(parameters, kParameters, kWhere));
  for (const auto& [name, text] : given) {
    const std::string where = std::string(kWhere) + ", " + name;
    if (name == "library") {
      settings.library = text;
    } else if (name == "found") {
      settings.found = text;
    } else if (name == "optimization") {
      BT_TRY(level, parse_optimization(text));
      settings.optimization = level;
    } else {
      BT_TRY(on, runtime::parse_switch(text, where));
      if (name == "pinning") settings.pinning = on;
      if (name == "denormals") settings.denormals = on;
      if (name == "spinning") settings.spinning = on;
      if (name == "arena") settings.arena = on;
    }
  }
  return settings;
}

Outcome<Owned<SessionOptions>> make_session_options(const Api& api, const SessionSettings& settings,
                                                    int instance, int threads,
                                                    const std::string& external_data) {
  constexpr char kWhat[] = "take its session options";
  SessionOptions* raw = nullptr;
  BT_TRY_VOID(api.run(kWhat, entry::create_session_options, &raw));
  auto options = api.own(raw);
  BT_TRY_VOID(api.run(kWhat, entry::set_intra_op_threads, raw, threads));
  BT_TRY_VOID(api.run(kWhat, entry::set_inter_op_threads, raw, 1));
  if (settings.optimization)
    BT_TRY_VOID(api.run(kWhat, entry::set_optimization, raw, *settings.optimization));
  if (settings.arena == false) BT_TRY_VOID(api.run(kWhat, entry::disable_cpu_mem_arena, raw));
  if (settings.spinning)
    BT_TRY_VOID(
        api.run(kWhat, entry::add_config_entry, raw, kSpinningKey, *settings.spinning ? "1" : "0"));
  if (settings.denormals)
    BT_TRY_VOID(
        api.run(kWhat, entry::add_config_entry, raw, kDenormalKey, *settings.denormals ? "0" : "1"));
  if (settings.pinning && threads > 1)
    BT_TRY_VOID(api.run(kWhat, entry::add_config_entry, raw, kAffinityKey,
                        affinities(instance, threads).c_str()));
  if (!settings.profile.empty())
    BT_TRY_VOID(api.run(kWhat, entry::enable_profiling, raw, settings.profile.c_str()));
  if (!external_data.empty())
    BT_TRY_VOID(
        api.run(kWhat, entry::add_config_entry, raw, kExternalDataKey, external_data.c_str()));
  return options;
}

std::vector<Setting> effective_settings(const SessionSettings& settings, int threads) {
  const auto origin = [](bool asked) { return asked ? kAsked : kDefault; };
  return {
      {"intra_op_threads", std::int64_t{threads}, "threads"},
      {"inter_op_threads", std::int64_t{1}, "onnxruntime backend"},
      {"spinning", settings.spinning.value_or(true), origin(settings.spinning.has_value())},
      {"optimization", name_of(settings.optimization.value_or(Optimization::all)),
       origin(settings.optimization.has_value())},
      {"arena", settings.arena.value_or(true), origin(settings.arena.has_value())},
      {"denormals", settings.denormals.value_or(true), origin(settings.denormals.has_value())},
      {"pinned", settings.pinning,
       settings.pinning ? "--backend, all threads but the one that calls" : kDefault},
  };
}

}  // namespace batchtune::onnxruntime
