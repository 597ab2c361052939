#include "tuner/backend/onnxruntime/options.h"

#include <array>
#include <string_view>

#include "tuner/backend/runtime/parameters.h"

namespace batchtune::onnxruntime {
namespace {

constexpr char kWhere[] = "onnxruntime";
constexpr std::array<std::string_view, 5> kParameters{"library", "spinning", "optimization",
                                                      "arena", "found"};
constexpr char kAsked[] = "--backend", kDefault[] = "ONNX Runtime's default";

// Keys of session options that have no function.
constexpr char kSpinningKey[] = "session.intra_op.allow_spinning";
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

std::string name_of(Optimization wanted) {
  for (const auto& [name, level] : kOptimizations)
    if (level == wanted) return name;
  return "?";
}

}  // namespace

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
      (name == "spinning" ? settings.spinning : settings.arena) = on;
    }
  }
  return settings;
}

Outcome<Owned<SessionOptions>> make_session_options(const Api& api, const SessionSettings& settings,
                                                    int threads, const std::string& external_data) {
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
  };
}

}  // namespace batchtune::onnxruntime
