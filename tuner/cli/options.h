// The options that several commands share: as typed, then as values. Parsing knows no model and no
// device; effective values (which depend on them) are effective_settings.h's.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "tuner/cli/arguments.h"
#include "tuner/core/dtype.h"
#include "tuner/core/error.h"
#include "tuner/core/limits.h"
#include "tuner/core/value.h"
#include "tuner/measure/worker_measurer.h"
#include "tuner/search/strategy.h"

namespace batchtune {

enum class Format { text, json, csv };

struct OutputOptions {
  std::string format = "text";
  bool quiet = false;
};

// As typed; "" or empty = not given.
struct TuningOptions {
  std::vector<std::string> backends;  // lists of specs
  std::vector<std::string> runtime_libraries, runtime_options;
  std::string command, setup, cleanup, command_time, command_rules;  // of the command backend
  std::vector<std::string> command_environment;
  std::string neff, cores, in_flight;      // of the neuron backend
  std::vector<std::string> compiler_args;  // likewise
  std::string dtypes, mode, threads, instances, isa;
  std::string batches;
  std::string compiled_batch, user_batch, user_batches;  // user_batches.h
  std::vector<std::string> latency_limits;
  std::vector<std::string> prices;
  std::string memory_limit, objective, give_up, min_throughput, precision, tolerance;
  std::string boundary, strategy, stop, budget, max_batches, max_compiles, probe_budget, soak, timeout, seed;
  std::string limiter, check_outputs, input;
  bool allow_system_oom = false, verify = false, equal_settings = false;
  std::string revision, branch, label;
};

// A named way of compiling: CandidateGroup::variant and LoadOptions::variant_arguments.
struct CompilerVariant {
  std::string name, arguments;
};

// What of TuningOptions is meant by the user; absent = the default decides.
struct TuningRequest {
  std::vector<std::string> backends;  // specs: "simulated:wall=2GiB"
  std::vector<DType> dtypes;
  std::vector<int> threads;     // of each instance
  std::vector<int> instances;   // see splits.h for what is meant where one of the two is empty
  bool auto_instances = false;  // --instances auto was typed
  std::vector<int> cores, in_flight;      // of the neuron backend (neuron_request.h)
  std::vector<CompilerVariant> variants;  // likewise; empty: the only one has no name
  std::string isa;
  std::vector<std::int64_t> batches;  // ascending, unique
  std::vector<std::int64_t> compiled_batches, split_batches;  // measure: what is split into runs of what; else empty
  std::vector<UserBatch> user_batches;                        // a mix that a compiled batch is looked for; else empty
  std::vector<LatencyLimit> latency_limits;
  std::optional<Bytes> memory_limit;
  std::optional<Objective> objective;
  std::optional<double> give_up, precision, tolerance;
  std::optional<double> min_throughput;  // samples/s
  std::map<std::string, double> prices;  // per hour, by backend; "": of any other
  std::optional<BoundaryWish> boundary;
  std::string strategy, stop;
  std::optional<int> max_batches;
  std::optional<int> max_compiles;  // compile_limits.h
  std::optional<Seconds> budget, probe_budget, soak, timeout;  // soak: 0 is off
  std::optional<std::uint64_t> seed;
  std::optional<LimiterWish> limiter;
  std::optional<OutputCheck> check_outputs;
  std::string input;  // absolute path of a file of samples; "" for seeded ones
  bool allow_system_oom = false, verify = false, equal_settings = false;
  std::string revision, branch, label;

  std::vector<Setting> given;  // every option that decides what is measured, as typed
};

// The options that decide what is measured and how it is judged, as a session keeps them
// ("requested"), and back:
// --resume makes the same request again from them.
std::vector<Setting> given_settings(const TuningOptions& options);
TuningOptions options_from(const std::vector<Setting>& given);

// Every name that given_settings() may use: {"memory_limit", "--memory-limit", single}.
enum class SettingKind { single, repeated, flag };
struct SettingName {
  std::string name, option;
  SettingKind kind = SettingKind::single;
};
std::vector<SettingName> setting_names();

void add_format_option(Arguments& arguments, OutputOptions& options);   // --format
void add_output_options(Arguments& arguments, OutputOptions& options);  // --format and --quiet
void add_database_option(Arguments& arguments, std::string& path);
void add_device_options(Arguments& arguments,
                        TuningOptions& options);  // backend, dtype, threads, instances, isa
void add_wish_options(Arguments& arguments,
                      TuningOptions& options);  // limits, objective, precision
// budgets, boundary, limiter, verify, timeout, seed, revision, branch, label, mode
void add_measuring_options(Arguments& arguments, TuningOptions& options);

Result<Format> parse_format(const OutputOptions& options);  // with --quiet only text
Result<TuningRequest> parse_tuning(const TuningOptions& options);

// "1,8,32", "1:64", "1:64:x2", "8:64:8" and lists of these: ascending, unique.
Result<std::vector<std::int64_t>> parse_batches(const std::string& text,
                                                const std::string& option = "--batches");

// Limits and objective of the request over those of `base` (the defaults, or a stored session's).
Wishes wishes_of(const TuningRequest& request, const Wishes& base);

std::string_view name_of(BoundaryWish wish);
std::string_view name_of(LimiterWish wish);

}  // namespace batchtune
