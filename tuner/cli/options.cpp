// The options that several commands share, with their help.
#include "tuner/cli/options.h"

#include "tuner/cli/neuron_request.h"

namespace batchtune {

void add_format_option(Arguments& arguments, OutputOptions& options) {
  arguments.value("--format", options.format, "text, json or csv");
}

void add_output_options(Arguments& arguments, OutputOptions& options) {
  add_format_option(arguments, options);
  arguments.flag("-q,--quiet", options.quiet, "print the batch alone; no progress");
}

void add_database_option(Arguments& arguments, std::string& path) {
  arguments.value(
      "--db", path,
      "database (default: $BATCHTUNE_DB, else batchtune/batchtune.db in $XDG_DATA_HOME or "
      "~/.local/share)");
}

void add_device_options(Arguments& arguments, TuningOptions& options) {
  arguments.repeated(
      "--backend", options.backends,
      "backend, or the path of a plugin (./libmine.so), with its own parameters after a colon "
      "(simulated:wall=2GiB), or a list: "
      "onnxruntime,cpu; may be repeated (default: cpu; for an ONNX file the runtimes found)");
  arguments.repeated("--runtime-library", options.runtime_libraries,
                     "PATH of the library of the one runtime among the backends (default: "
                     "$BATCHTUNE_ONNXRUNTIME or $BATCHTUNE_OPENVINO, else looked for)");
  arguments.repeated("--runtime-option", options.runtime_options,
                     "NAME=VALUE, a parameter of that runtime's backend (batchtune list options); may "
                     "be repeated");
  arguments.value("--command", options.command,
                  "for --backend command: what is run, with {batch}, {n}, {threads}, {dtype} and "
                  "{seed} filled in");
  arguments.value("--time", options.command_time,
                  "how its latencies are known: printed (by it, the default), process (its own "
                  "time is taken) or server (it stays, and answers requests)");
  arguments.value("--setup", options.setup, "a command that is run before it");
  arguments.value("--cleanup", options.cleanup, "a command that is run after it");
  arguments.repeated("--env", options.command_environment,
                     "NAME=VALUE for these commands; may be repeated");
  arguments.value("--rules", options.command_rules,
                  "FILE of what lines that it prints mean (tuner/backend/command/README.md)");
  add_neuron_options(arguments, options);
  arguments.value("--dtype", options.dtypes, "data type, or a list: f32,bf16 (default: what each backend computes in by itself)");
  arguments.value("--threads", options.threads,
                  "threads of each instance, or a list: 1,2 (default: the CPUs, shared by the "
                  "instances)");
  arguments.value("--instances", options.instances,
                  "instances side by side, each with a batch in flight: a number, a list, or auto = "
                  "each divisor of the number of CPUs (default: auto for tune; one for measure, "
                  "and where --threads is given)");
  arguments.value("--isa", options.isa,
                  "widest instruction set allowed: reference, avx2, avx512, ...");
}

void add_wish_options(Arguments& arguments, TuningOptions& options) {
  arguments.repeated(
      "--latency-limit", options.latency_limits,
      "METRIC=TIME, such as p99=20ms (service time of one batch); METRIC is p50, p90, "
      "p95, p99, p99.9 or max; may be repeated");
  arguments.value("--memory-limit", options.memory_limit, "such as 2GiB");
  arguments.value("--objective", options.objective,
                  "knee (smallest batch within --give-up of the best throughput; the default), "
                  "throughput, latency (lowest one that gives --min-throughput) or cost (lowest "
                  "by --price)");
  arguments.value("--give-up", options.give_up, "throughput that knee may give up (default 2%)");
  arguments.value("--min-throughput", options.min_throughput,
                  "samples per second that latency must give, such as 500/s");
  arguments.repeated("--price", options.prices,
                     "for cost: 0.34/h, or cpu=0.34/h for one backend; may be repeated");
  arguments.value("--tolerance", options.tolerance,
                  "difference that does not matter: of batches that are alike within it the "
                  "smaller is chosen; adaptive looks for nothing better by less (default 1%)");
  arguments.value("--precision", options.precision,
                  "half width of an interval that is narrow enough (default 1%)");
}

void add_measuring_options(Arguments& arguments, TuningOptions& options) {
  arguments.value("--budget", options.budget, "seconds that runs may take (default 60s)");
  arguments.value("--boundary", options.boundary, "where memory ends: predicted, probed or none");
  arguments.value("--probe-budget", options.probe_budget,
                  "seconds for memory probes (default 60s)");
  arguments.value("--limiter", options.limiter,
                  "what holds a probe to the memory limit: auto, account, cgroup, rlimit or none");
  arguments.flag("--allow-system-oom", options.allow_system_oom,
                 "probe beyond 80 % of the available memory too, at the risk of other processes");
  arguments.flag("--verify", options.verify,
                 "hold outputs against the backend's reference kernels as well");
  arguments.value("--check-outputs", options.check_outputs,
                  "what becomes of a backend whose output differs from another's: strict, warn or "
                  "off (default: strict for our own kernels, warn for runtimes)");
  arguments.value("--input", options.input,
                  "FILE (.npz, or .npy for a model with one input) whose samples all backends "
                  "compute on, cycled to fill a batch (default: random ones)");
  arguments.flag("--equal-settings", options.equal_settings,
                 "level what runtimes do differently by default: f32, spinning, pinning, denormals "
                 "(default: each runtime's own)");
  arguments.value(
      "--timeout", options.timeout,
      "end a preparation or run after this (default: the longer of 60s and 20 x the estimate)");
  arguments.value("--seed", options.seed, "of weights, inputs and orders");
  arguments.value("--revision", options.revision,
                  "your own word for what was measured, kept in the session");
  arguments.value("--branch", options.branch, "likewise");
  arguments.value("--label", options.label, "likewise");
  arguments.value("--mode", options.mode, "inference; training can be estimated only");
}

}  // namespace batchtune
