// From options as typed to values: every unit, name and contradiction is checked here.
#include "tuner/cli/options.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "tuner/backend/backend_list.h"
#include "tuner/backend/command/options.h"
#include "tuner/cli/compile_limits.h"
#include "tuner/cli/equal_settings.h"
#include "tuner/cli/input_file.h"
#include "tuner/cli/neuron_request.h"
#include "tuner/cli/plugins.h"
#include "tuner/cli/user_batches.h"
#include "tuner/cli/wish_request.h"
#include "tuner/core/units.h"
#include "tuner/measure/stop_rule.h"
#include "tuner/search/strategy.h"

namespace batchtune {
namespace {

// One value each; --backend, options of runtimes, limits and prices may come several times.
struct SingleOption {
  const char* name;
  const char* option;
  std::string TuningOptions::*member;
};
constexpr SingleOption kSingleOptions[] = {
    {"command", "--command", &TuningOptions::command},
    {"time", "--time", &TuningOptions::command_time},
    {"setup", "--setup", &TuningOptions::setup},
    {"cleanup", "--cleanup", &TuningOptions::cleanup},
    {"rules", "--rules", &TuningOptions::command_rules},
    {"neff", "--neff", &TuningOptions::neff},
    {"cores", "--cores", &TuningOptions::cores},
    {"in_flight", "--in-flight", &TuningOptions::in_flight},
    {"dtype", "--dtype", &TuningOptions::dtypes},
    {"threads", "--threads", &TuningOptions::threads},
    {"instances", "--instances", &TuningOptions::instances},
    {"isa", "--isa", &TuningOptions::isa},
    {"batches", "--batches", &TuningOptions::batches},
    {"compiled_batch", "--compiled-batch", &TuningOptions::compiled_batch},
    {"user_batch", "--user-batch", &TuningOptions::user_batch},
    {"user_batches", "--user-batches", &TuningOptions::user_batches},
    {"memory_limit", "--memory-limit", &TuningOptions::memory_limit},
    {"objective", "--objective", &TuningOptions::objective},
    {"give_up", "--give-up", &TuningOptions::give_up},
    {"min_throughput", "--min-throughput", &TuningOptions::min_throughput},
    {"precision", "--precision", &TuningOptions::precision},
    {"tolerance", "--tolerance", &TuningOptions::tolerance},
    {"boundary", "--boundary", &TuningOptions::boundary},
    {"strategy", "--strategy", &TuningOptions::strategy},
    {"stop", "--stop", &TuningOptions::stop},
    {"budget", "--budget", &TuningOptions::budget},
    {"max_batches", "--max-batches", &TuningOptions::max_batches},
    {"max_compiles", "--max-compiles", &TuningOptions::max_compiles},
    {"probe_budget", "--probe-budget", &TuningOptions::probe_budget},
    {"soak", "--soak", &TuningOptions::soak},
    {"limiter", "--limiter", &TuningOptions::limiter},
    {"check_outputs", "--check-outputs", &TuningOptions::check_outputs},
    {"input", "--input", &TuningOptions::input},
    {"timeout", "--timeout", &TuningOptions::timeout},
    {"seed", "--seed", &TuningOptions::seed},
};

struct FlagOption {
  const char* name;
  const char* option;
  bool TuningOptions::*member;
};
constexpr FlagOption kFlagOptions[] = {
    {"allow_system_oom", "--allow-system-oom", &TuningOptions::allow_system_oom},
    {"verify", "--verify", &TuningOptions::verify},
    {"equal_settings", "--equal-settings", &TuningOptions::equal_settings},
};

constexpr LimiterWish kLimiterWishes[] = {LimiterWish::automatic, LimiterWish::account,
                                          LimiterWish::cgroup, LimiterWish::rlimit,
                                          LimiterWish::none};

constexpr int kMostBatches = 4096;  // as many as --batches may list
constexpr int kMostThreads = 1024;  // far above any machine; keeps a typing error from being tried

// "a, b, c" of things with a `name`.
template <typename Range>
std::string names_in(const Range& range) {
  std::string names;
  for (const auto& entry : range) names += (names.empty() ? "" : ", ") + std::string(entry.name);
  return names;
}

template <typename Enum>
std::string names_of(std::initializer_list<Enum> values) {
  std::string names;
  for (const Enum value : values)
    names += (names.empty() ? "" : ", ") + std::string(name_of(value));
  return names;
}

std::vector<std::string> split_list(const std::string& text) {
  std::vector<std::string> parts;
  std::size_t begin = 0;
  while (true) {
    const std::size_t end = text.find(',', begin);
    parts.push_back(text.substr(begin, end - begin));
    if (end == std::string::npos) return parts;
    begin = end + 1;
  }
}

template <typename Integer>
Result<Integer> parse_integer(const std::string& text, Integer least, Integer most,
                              const std::string& what, const std::string& where) {
  Integer value{};
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (code != std::errc{} || end != text.data() + text.size() || value < least || value > most)
    return bad_input(fmt::format("{} from {} to {}", what, least, most), "'" + text + "'", where);
  return value;
}

// Refuses the second of two equal elements: the same thing measured twice is a slip.
template <typename T>
Status append_unique(std::vector<T>& list, T value, const std::string& text,
                     const std::string& where) {
  if (std::find(list.begin(), list.end(), value) != list.end())
    return bad_input("each value once", "'" + text + "' twice", where);
  list.push_back(std::move(value));
  return {};
}

std::vector<std::string> specs_of(const TuningOptions& options) {
  std::vector<std::string> specs;
  for (const std::string& list : options.backends)
    for (std::string& spec : split_backend_list(list)) specs.push_back(std::move(spec));
  return specs;
}

// The one spec that options of a runtime are meant for.
Result<std::string*> runtime_spec(std::vector<std::string>& specs, const char* option) {
  std::string* found = nullptr;
  for (std::string& spec : specs) {
    if (find_backend(split_backend_spec(spec).name)->runtime == nullptr) continue;
    if (found != nullptr)
      return bad_input("one runtime that it is meant for", *found + " and " + spec, option,
                       "Give it as a parameter: --backend onnxruntime:NAME=VALUE");
    found = &spec;
  }
  if (found == nullptr)
    return bad_input("a runtime that it is meant for", "none among the backends asked for", option,
                     "Give --backend onnxruntime or openvino with it");
  return found;
}

Status add_runtime_options(const TuningOptions& options, std::vector<std::string>& specs) {
  for (const std::string& path : options.runtime_libraries) {
    BT_TRY(spec, runtime_spec(specs, "--runtime-library"));
    *spec = with_parameter(*spec, "library", path);
  }
  for (const std::string& text : options.runtime_options) {
    BT_TRY(spec, runtime_spec(specs, "--runtime-option"));
    const std::size_t equals = text.find('=');
    if (equals == std::string::npos)
      return bad_input("NAME=VALUE", "'" + text + "'", "--runtime-option");
    *spec = with_parameter(*spec, text.substr(0, equals), text.substr(equals + 1));
  }
  return {};
}

// What is said of a command becomes parameters of its backend.
Status add_command_options(const TuningOptions& options, std::vector<std::string>& specs) {
  const auto spec = std::find_if(specs.begin(), specs.end(), [](const std::string& one) {
    return split_backend_spec(one).name == "command";
  });
  std::string environment;  // an entry a line
  for (const std::string& entry : options.command_environment) environment += entry + "\n";
  const struct {
    const char* parameter;
    const char* option;
    const std::string& text;
  } given[] = {{"command", "--command", options.command},
               {"time", "--time", options.command_time},
               {"setup", "--setup", options.setup},
               {"cleanup", "--cleanup", options.cleanup},
               {"rules", "--rules", options.command_rules},
               {"env", "--env", environment}};
  for (const auto& [parameter, option, text] : given) {
    if (text.empty()) continue;
    if (spec == specs.end())
      return bad_input("the backend that it is meant for", "none among those asked for", option,
                       "Give --backend command with it");
    *spec = with_parameter(*spec, parameter, command::escape(text));
  }
  if (spec != specs.end())
    BT_TRY_VOID(command::parse_settings(split_backend_spec(*spec).parameters));
  return {};
}

Status parse_backends(const TuningOptions& options, TuningRequest& request) {
  std::vector<std::string> names;
  for (const std::string& typed : specs_of(options)) {
    BT_TRY(spec, named_plugin(typed));
    const std::string name = split_backend_spec(spec).name;
    if (find_backend(name) == nullptr)
      return bad_input("a backend: " + names_in(backends()), "'" + name + "'", "--backend");
    BT_TRY_VOID(append_unique(names, name, name, "--backend"));
    request.backends.push_back(spec);
  }
  BT_TRY_VOID(add_command_options(options, request.backends));
  BT_TRY_VOID(parse_neuron_options(options, request));
  BT_TRY_VOID(add_runtime_options(options, request.backends));
  request.equal_settings = options.equal_settings;
  return options.equal_settings ? level_backends(request.backends) : Status{};
}

Status parse_axes(const TuningOptions& options, TuningRequest& request) {
  if (!options.dtypes.empty()) {
    for (const std::string& text : split_list(options.dtypes)) {
      const auto dtype = parse_dtype(text);
      if (!dtype)
        return bad_input("a data type: f32, tf32, bf16, f16, fp8, int8", "'" + text + "'",
                         "--dtype");
      BT_TRY_VOID(append_unique(request.dtypes, *dtype, text, "--dtype"));
    }
  }
  if (!options.threads.empty()) {
    for (const std::string& text : split_list(options.threads)) {
      BT_TRY(threads,
             parse_integer<int>(text, 1, kMostThreads, "a number of threads", "--threads"));
      BT_TRY_VOID(append_unique(request.threads, threads, text, "--threads"));
    }
  }
  request.auto_instances = options.instances == "auto";
  if (!options.instances.empty() && !request.auto_instances) {
    for (const std::string& text : split_list(options.instances)) {
      BT_TRY(instances, parse_integer<int>(text, 1, kMostThreads, "auto, or numbers of instances",
                                           "--instances"));
      BT_TRY_VOID(append_unique(request.instances, instances, text, "--instances"));
    }
  }
  if (!options.isa.empty()) {
    request.isa = options.isa;
  }
  if (!options.batches.empty()) {
    BT_TRY(batches, parse_batches(options.batches));
    request.batches = std::move(batches);
  }
  return {};
}

enum class Zero { refused, allowed };

Result<std::optional<Seconds>> parse_duration(const std::string& text, const char* option,
                                              Zero zero = Zero::refused) {
  if (text.empty()) return std::optional<Seconds>{};
  BT_TRY(seconds, parse_seconds(text, option));
  if (seconds <= 0 && zero == Zero::refused) return bad_input("a time above 0", text, option);
  return std::optional<Seconds>{seconds};
}

Status parse_limiter(const TuningOptions& options, TuningRequest& request) {
  request.allow_system_oom = options.allow_system_oom;
  if (options.limiter.empty()) return {};
  for (const LimiterWish wish : kLimiterWishes)
    if (name_of(wish) == options.limiter) request.limiter = wish;
  if (!request.limiter)
    return bad_input("a limiter: auto, account, cgroup, rlimit, none", "'" + options.limiter + "'",
                     "--limiter");
  return {};
}

Status parse_output_check(const TuningOptions& options, TuningRequest& request) {
  if (options.check_outputs.empty()) return {};
  for (const OutputCheck check : {OutputCheck::strict, OutputCheck::warn, OutputCheck::off})
    if (name_of(check) == options.check_outputs) request.check_outputs = check;
  if (!request.check_outputs)
    return bad_input("strict, warn or off", "'" + options.check_outputs + "'", "--check-outputs");
  return {};
}

Status parse_search(const TuningOptions& options, TuningRequest& request) {
  if (!options.boundary.empty()) {
    for (const BoundaryWish wish :
         {BoundaryWish::predicted, BoundaryWish::probed, BoundaryWish::none})
      if (name_of(wish) == options.boundary) request.boundary = wish;
    if (!request.boundary)
      return bad_input("a boundary: predicted, probed, none", "'" + options.boundary + "'",
                       "--boundary");
  }
  if (!options.strategy.empty()) {
    const auto known = strategies();
    if (std::none_of(known.begin(), known.end(),
                     [&](const auto& entry) { return entry.name == options.strategy; }))
      return bad_input("a strategy: " + names_in(known), "'" + options.strategy + "'",
                       "--strategy");
    request.strategy = options.strategy;
  }
  if (!options.max_batches.empty()) {
    BT_TRY(most, parse_integer<int>(options.max_batches, 1, kMostBatches, "a number of batches",
                                    "--max-batches"));
    if (options.strategy == "exhaustive")
      return bad_input("--max-batches with a strategy that chooses batches",
                       "--strategy exhaustive", "--max-batches", "Give --batches instead");
    request.max_batches = most;
  }
  BT_TRY(max_compiles, parse_max_compiles(options));
  request.max_compiles = max_compiles;
  if (!options.stop.empty()) {
    const auto known = stop_rules();
    if (std::none_of(known.begin(), known.end(),
                     [&](const auto& entry) { return entry.name == options.stop; }))
      return bad_input("a stop rule: " + names_in(known), "'" + options.stop + "'", "--stop",
                       "batchtune list rules tells what they do");
    request.stop = options.stop;
  }
  BT_TRY(budget, parse_duration(options.budget, "--budget"));
  BT_TRY(probe_budget, parse_duration(options.probe_budget, "--probe-budget"));
  BT_TRY(soak, parse_duration(options.soak, "--soak", Zero::allowed));
  BT_TRY(timeout, parse_duration(options.timeout, "--timeout"));
  request.soak = soak;
  request.budget = budget;
  request.probe_budget = probe_budget;
  request.timeout = timeout;
  if (!options.seed.empty()) {
    // The store keeps a seed as SQLite's signed integer.
    BT_TRY(seed, parse_integer<std::uint64_t>(options.seed, 0, INT64_MAX, "a seed", "--seed"));
    request.seed = seed;
  }
  return {};
}

}  // namespace

std::string_view name_of(BoundaryWish wish) {
  switch (wish) {
    case BoundaryWish::predicted:
      return "predicted";
    case BoundaryWish::probed:
      return "probed";
    case BoundaryWish::none:
      return "none";
  }
  return "?";
}

std::string_view name_of(LimiterWish wish) {
  switch (wish) {
    case LimiterWish::automatic:
      return "auto";
    case LimiterWish::account:
      return "account";
    case LimiterWish::cgroup:
      return "cgroup";
    case LimiterWish::rlimit:
      return "rlimit";
    case LimiterWish::none:
      return "none";
  }
  return "?";
}

Result<Format> parse_format(const OutputOptions& options) {
  Format format = Format::text;
  if (options.format == "json")
    format = Format::json;
  else if (options.format == "csv")
    format = Format::csv;
  else if (options.format != "text")
    return bad_input("text, json or csv", "'" + options.format + "'", "--format");
  if (options.quiet && format != Format::text)
    return bad_input("one form of output", "--quiet with --format " + options.format, "",
                     "Leave one of the two out");
  return format;
}

Result<TuningRequest> parse_tuning(const TuningOptions& options) {
  TuningRequest request;
  BT_TRY_VOID(parse_backends(options, request));
  BT_TRY_VOID(parse_axes(options, request));
  BT_TRY_VOID(parse_wishes(options, request));
  BT_TRY_VOID(parse_search(options, request));
  BT_TRY_VOID(parse_user_batches(options, request));
  BT_TRY_VOID(parse_limiter(options, request));
  BT_TRY_VOID(parse_output_check(options, request));
  if (request.equal_settings && !request.dtypes.empty() &&
      request.dtypes != std::vector<DType>{DType::f32})
    return bad_input("f32 with --equal-settings", options.dtypes, "--dtype",
                     "ONNX Runtime computes in the types of the file alone: leave one of the two out");
  request.verify = options.verify;
  request.input = absolute_input(options.input);
  if (!options.mode.empty() && options.mode != "inference")
    return bad_input("the mode inference", "'" + options.mode + "'", "--mode",
                     "Training is estimated only: batchtune estimate MODEL --mode training");
  request.revision = options.revision;
  request.branch = options.branch;
  request.label = options.label;
  request.given = given_settings(options);
  return request;
}

std::vector<Setting> given_settings(const TuningOptions& options) {
  std::vector<Setting> given;
  for (const std::string& spec : specs_of(options)) given.push_back({"backend", spec, "--backend"});
  for (const std::string& path : options.runtime_libraries)
    given.push_back({"runtime_library", path, "--runtime-library"});
  for (const std::string& text : options.runtime_options)
    given.push_back({"runtime_option", text, "--runtime-option"});
  for (const std::string& entry : options.command_environment)
    given.push_back({"env", entry, "--env"});
  for (const std::string& text : options.compiler_args)
    given.push_back({"compiler_args", text, "--compiler-args"});
  for (const SingleOption& option : kSingleOptions)
    if (const std::string& text = options.*option.member; !text.empty())
      given.push_back({option.name,
                       option.member == &TuningOptions::input ? absolute_input(text) : text,
                       option.option});
  for (const FlagOption& option : kFlagOptions)
    if (options.*option.member) given.push_back({option.name, true, option.option});
  for (const std::string& limit : options.latency_limits)
    given.push_back({"latency_limit", limit, "--latency-limit"});
  for (const std::string& price : options.prices) given.push_back({"price", price, "--price"});
  return given;
}

std::vector<SettingName> setting_names() {
  std::vector<SettingName> names{{"backend", "--backend", SettingKind::repeated},
                                 {"runtime_library", "--runtime-library", SettingKind::repeated},
                                 {"runtime_option", "--runtime-option", SettingKind::repeated},
                                 {"env", "--env", SettingKind::repeated},
                                 {"compiler_args", "--compiler-args", SettingKind::repeated},
                                 {"latency_limit", "--latency-limit", SettingKind::repeated},
                                 {"price", "--price", SettingKind::repeated}};
  for (const SingleOption& option : kSingleOptions)
    names.push_back({option.name, option.option, SettingKind::single});
  for (const FlagOption& option : kFlagOptions)
    names.push_back({option.name, option.option, SettingKind::flag});
  return names;
}

TuningOptions options_from(const std::vector<Setting>& given) {
  TuningOptions options;
  for (const Setting& setting : given) {
    const std::string text = to_string(setting.value);
    if (setting.name == "backend") options.backends.push_back(text);
    if (setting.name == "runtime_library") options.runtime_libraries.push_back(text);
    if (setting.name == "runtime_option") options.runtime_options.push_back(text);
    if (setting.name == "env") options.command_environment.push_back(text);
    if (setting.name == "compiler_args") options.compiler_args.push_back(text);
    if (setting.name == "latency_limit") options.latency_limits.push_back(text);
    if (setting.name == "price") options.prices.push_back(text);
    for (const SingleOption& option : kSingleOptions)
      if (setting.name == option.name) options.*option.member = text;
    for (const FlagOption& option : kFlagOptions)
      if (setting.name == option.name) options.*option.member = text == "true";
  }
  return options;
}

}  // namespace batchtune
