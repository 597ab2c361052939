// batchtune list WHAT: one table for each thing that there is more than one of.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <span>
#include <utility>

#include "reports/rules_report.h"
#include "tuner/backend/backend_list.h"
#include "tuner/backend/onnxruntime/options.h"
#include "tuner/backend/openvino/options.h"
#include "tuner/backend/simulated/parameters.h"
#include "tuner/cli/calibration.h"
#include "tuner/cli/command.h"
#include "tuner/cli/database.h"
#include "tuner/cli/plugins.h"
#include "tuner/cli/report_output.h"
#include "tuner/cli/runtimes.h"
#include "tuner/core/units.h"
#include "tuner/estimate/catalogue.h"
#include "tuner/estimate/figures.h"
#include "tuner/measure/queries.h"
#include "tuner/measure/stop_rule.h"
#include "tuner/search/strategy.h"
#include "tuner/workload/hlo/source.h"
#include "tuner/workload/onnx/onnx.h"
#include "tuner/workload/work.h"
#include "tuner/workload/zoo.h"

namespace batchtune {
namespace {

struct ListOptions {
  std::string what;
  std::string backend;  // a spec; "": devices as they are known without one
  std::string database;
  OutputOptions output;
};

// A cell for people beside the plain number.
struct Figure {
  Value value;
  std::string shown;
};

template <typename Format>
Figure figure(const Result<double>& value, Format format) {
  return value ? Figure{*value, format(*value)} : Figure{};
}
std::string flops_per_second(double rate) {
  return format_count(rate) + "FLOP/s";
}

void add_row(Listing& list, const std::vector<Figure>& cells) {
  std::vector<Value> row;
  std::vector<std::string> shown;
  for (const Figure& cell : cells) {
    row.push_back(cell.value);
    shown.push_back(cell.shown);
  }
  list.rows.push_back(std::move(row));
  list.shown.push_back(std::move(shown));
}

Figure text(std::string_view value) {
  return {std::string(value), ""};
}

Result<Listing> list_models(const ListOptions&) {
  Listing list;
  list.columns = {{"name", "model"},
                  {"parameters", "parameters", true},
                  {"flops_per_sample", "FLOP", true},
                  {"dense_flops_per_sample", "dense FLOP", true},
                  {"activation_bytes_per_sample", "activations", true},
                  {"description", ""}};
  for (const ZooEntry& entry : zoo()) {
    BT_TRY(model, build_zoo_model(entry.name));
    const ModelSummary summary = summarise(model);
    std::string parameters;
    for (const auto& [name, value] : entry.defaults)
      parameters += fmt::format("@{}={}", name, value);
    add_row(list, {{std::string(entry.name), std::string(entry.name) + parameters},
                   {summary.parameters, format_count(summary.parameters)},
                   {summary.flops_per_sample, format_count(summary.flops_per_sample)},
                   {summary.dense_flops_per_sample, format_count(summary.dense_flops_per_sample)},
                   {summary.activation_bytes_per_sample,
                    format_bytes(summary.activation_bytes_per_sample)},
                   text(entry.description)});
  }
  return list;
}

void add_device(Listing& list, const DeviceInfo& device, const std::string& description) {
  const Result<double> memory = device.memory_bytes
                                    ? Result<double>(*device.memory_bytes)
                                    : Result<double>(environment_error("memory", "none"));
  add_row(list, {text(device.name),
                 figure(device_peak(device, DType::f32), flops_per_second),
                 figure(device_peak(device, DType::bf16), flops_per_second),
                 figure(main_memory_bandwidth(device), format_rate),
                 figure(memory, format_bytes),
                 {std::int64_t{device.cores}, ""},
                 {device.simulated, ""},
                 text(description)});
}

// As they are named for --backend; what they say of themselves.
void add_simulated_devices(Listing& list) {
  for (const simulated::Accelerator& accelerator : simulated::accelerators()) {
    DeviceInfo device = simulated::describe(accelerator);
    device.name = "simulated:" + accelerator.name;
    device.cores = static_cast<int>(accelerator.cores);
    add_device(list, device, "SIMULATED, figures of one core: " + accelerator.description);
  }
}

Result<Listing> list_devices(const ListOptions& options) {
  Listing list;
  list.columns = {{"name", "device"},
                  {"peak_f32", "f32", true},
                  {"peak_bf16", "bf16", true},
                  {"bytes_per_second", "bandwidth", true},
                  {"memory_bytes", "memory", true},
                  {"cores", "cores", true},
                  {"simulated", "simulated", false, 2},
                  {"description", ""}};
  if (!options.backend.empty()) {
    BT_TRY(spec, named_plugin(options.backend));
    BT_TRY(device, describe_backend(spec));
    add_device(list, device, device.backend + " " + device.version);
    return list;
  }
  std::optional<Calibration> measured;
  const auto place = database_path(options.database);
  if (place && std::filesystem::exists(place->path)) {
    BT_TRY(store, open_database_read_only(options.database));
    BT_TRY(stored, stored_calibration(*store));
    measured = std::move(stored);
  }
  if (measured) {
    add_device(list, measured->device, "cpu: measured here, " + measured->measured_at);
  } else {
    BT_TRY(cpu, describe_backend("cpu"));
    add_device(list, cpu, "cpu: not measured yet (batchtune calibrate)");
  }
  for (const CatalogueEntry& entry : catalogue())
    add_device(list, to_device(entry), std::string(entry.description));
  add_simulated_devices(list);
  return list;
}

// The library of a runtime with its version, the version of another backend, or what is missing.
Figure found_of(const BackendEntry& entry) {
  if (entry.simulated) return {};
  const auto library =
      entry.runtime != nullptr ? find_runtime(entry) : Result<FoundLibrary>(FoundLibrary{});
  if (!library) return text(to_string(library.error()));
  const auto device = describe_backend(entry.name);
  if (!device) return text(to_string(device.error()));
  return text(entry.runtime == nullptr
                  ? device->version
                  : fmt::format("{}, {} ({})", device->version, library->path, library->origin));
}

Result<Listing> list_backends(const ListOptions&) {
  Listing list;
  list.columns = {{"name", "backend"},
                  {"memory_kind", "memory"},
                  {"simulated", "simulated"},
                  {"description", ""},
                  {"found", "found"}};
  for (const BackendEntry& entry : backends())
    add_row(list, {text(entry.name),
                   text(name_of(entry.memory_kind)),
                   {entry.simulated, ""},
                   text(entry.description),
                   found_of(entry)});
  return list;
}

Result<Listing> list_all_kernels(const ListOptions&) {
  Listing list;
  list.columns = {{"name", "kernel"},
                  {"backend", "backend", false, 1},
                  {"operation", "operation"},
                  {"dtype", "dtype"},
                  {"isa", "isa"},
                  {"usable", "usable"},
                  {"reason", "why not"}};
  for (const BackendEntry& entry : backends()) {
    BT_TRY(kernels, list_kernels(entry.name));
    for (const KernelInfo& kernel : kernels)
      add_row(list, {text(kernel.name),
                     text(entry.name),
                     text(kernel.operation),
                     text(kernel.dtype),
                     text(kernel.isa),
                     {kernel.usable, ""},
                     text(kernel.reason)});
  }
  return list;
}

Result<Listing> list_ops(const ListOptions&) {
  Listing list;
  list.columns = {
      {"name", "operation"}, {"format", "in"}, {"counted", "counted"}, {"xla", "XLA program"}};
  const std::vector<std::string> in_programs = hlo_operations();
  for (int kind = 0; kind < static_cast<int>(OpKind::foreign); ++kind)
    add_row(list, {text(name_of(static_cast<OpKind>(kind))),
                   text("model files"),
                   text(""),
                   {!in_programs.empty(), ""}});
  for (const OnnxOperation& one : onnx_operations())
    add_row(list,
            {text(one.name),
             text(fmt::format("ONNX opset {} on", one.since)),
             text(one.counted),
             {std::binary_search(in_programs.begin(), in_programs.end(), one.name), ""}});
  return list;
}

// Of the runtimes: what --runtime-option takes. Of the simulated devices: what follows their name.
Result<Listing> list_options(const ListOptions&) {
  Listing list;
  list.columns = {{"backend", "backend"}, {"name", "option"}, {"values", "values"}, {"meaning", ""}};
  const auto add = [&](const char* backend, std::span<const runtime::Parameter> parameters) {
    for (const runtime::Parameter& one : parameters)
      if (!one.meaning.empty())
        add_row(list, {text(backend), text(one.name), text(one.values), text(one.meaning)});
  };
  add("onnxruntime", onnxruntime::parameters());
  add("openvino", openvino::parameters());
  add("simulated", simulated::known_parameters());
  return list;
}

Result<Listing> list_sessions(const ListOptions& options) {
  Listing list;
  list.columns = {{"number", "session", true},  {"started_at", "started (UTC)"},
                  {"command", "command"},       {"model", "model"},
                  {"backend", "backend"},       {"simulated", "simulated", false, 2},
                  {"ended", "ended"},           {"observations", "observations", true, 1},
                  {"best_batch", "batch", true}};
  list.when_empty = "No sessions yet: run batchtune tune MODEL.";
  BT_TRY(store, open_database_read_only(options.database));
  BT_TRY(sessions, store->list_sessions());
  for (const SessionListing& session : sessions)
    add_row(list, {{session.number, ""},
                   text(session.started_at),
                   text(session.command),
                   text(session.model),
                   text(session.backend),
                   {session.simulated, ""},
                   text(name_of(session.end)),
                   {std::int64_t{session.observations}, ""},
                   {session.best_batch ? Value(*session.best_batch) : Value(), ""}});
  return list;
}

Result<Listing> list_formats(const ListOptions&) {
  Listing list;
  list.columns = {{"name", "format"}, {"description", ""}};
  add_row(list, {text("text"), text("tables for people")});
  add_row(list, {text("json"), text("one document with a schema_version")});
  add_row(list, {text("csv"), text("one row per trial")});
  return list;
}

Result<Listing> list_strategies(const ListOptions&) {
  Listing list;
  list.columns = {{"name", "strategy"}, {"description", ""}};
  for (const StrategyEntry& entry : strategies())
    add_row(list, {text(entry.name), text(entry.description)});
  return list;
}

RuleParameter shown_parameter(const StopParameter& parameter) {
  RuleParameter shown{std::string(parameter.name), std::string(parameter.description),
                      std::string(parameter.unit), parameter.value, ""};
  if (parameter.unit == "share") shown.shown_default = fmt::format("{:g} %", 100 * parameter.value);
  if (parameter.unit == "s") shown.shown_default = format_seconds(parameter.value);
  return shown;
}

// Not a plain table: each rule has parameters of its own.
Status print_rules(Format format) {
  std::vector<RuleEntry> rules;
  for (const StopRuleEntry& entry : stop_rules()) {
    RuleEntry rule{std::string(entry.name), std::string(entry.description), {}};
    for (const StopParameter& parameter : entry.parameters)
      rule.parameters.push_back(shown_parameter(parameter));
    rules.push_back(std::move(rule));
  }
  return print_result(format == Format::json  ? json_rules(rules)
                      : format == Format::csv ? csv_rules(rules)
                                              : text_rules(rules, text_options()));
}

struct ListedKind {
  const char* name;
  Result<Listing> (*make)(const ListOptions&);
};
constexpr ListedKind kKinds[] = {{"models", list_models},     {"devices", list_devices},
                           {"backends", list_backends}, {"kernels", list_all_kernels},
                           {"ops", list_ops},           {"options", list_options},
                           {"sessions", list_sessions},
                           {"formats", list_formats},   {"strategies", list_strategies}};

constexpr char kRules[] = "rules";

Result<int> run_list(const ListOptions& options) {
  BT_TRY(format, parse_format(options.output));
  if (!options.backend.empty() && options.what != "devices")
    return bad_input("--backend with list devices", "list " + options.what, "--backend");
  if (options.what == kRules) {
    BT_TRY_VOID(print_rules(format));
    return kDone;
  }
  std::string known;
  for (const ListedKind& kind : kKinds) {
    known += std::string(kind.name) + ", ";
    if (options.what != kind.name) continue;
    BT_TRY(list, kind.make(options));
    list.command = "list";
    list.what = kind.name;
    BT_TRY_VOID(print_listing(list, format));
    return kDone;
  }
  return bad_input("something to list: " + known + kRules, "'" + options.what + "'");
}

}  // namespace

void add_list_command(Arguments& arguments) {
  auto options = std::make_shared<ListOptions>();
  arguments.required("WHAT", options->what,
                     "models devices backends kernels ops options sessions formats strategies rules");
  arguments.value("--backend", options->backend,
                  "list devices: the one of this backend alone, as it says; also the path of a plugin");
  add_database_option(arguments, options->database);
  add_format_option(arguments, options->output);
  arguments.run([options] { return run_list(*options); });
}

}  // namespace batchtune
