// batchtune estimate: what is predicted before measuring. A model on a device, raw figures without
// a model, the batching guide's table, or training (estimate_training.cpp).
#include <fmt/format.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "reports/estimate_report.h"
#include "tuner/backend/backend_list.h"
#include "tuner/cli/command.h"
#include "tuner/cli/database.h"
#include "tuner/cli/estimate_options.h"
#include "tuner/cli/host.h"
#include "tuner/cli/plugins.h"
#include "tuner/cli/report_output.h"
#include "tuner/cli/splits.h"
#include "tuner/core/units.h"
#include "tuner/estimate/catalogue.h"
#include "tuner/estimate/guide.h"
#include "tuner/estimate/roofline.h"
#include "tuner/workload/model_file.h"
#include "tuner/workload/work.h"

namespace batchtune {
namespace {

constexpr char kGivenFigures[] = "given figures";

// What is estimated decides which options count; one without effect is a misunderstanding.
enum Use : unsigned { kGuide = 1, kModel = 2, kRaw = 4, kTraining = 8 };
struct UsedOption {
  const char* option;
  std::string EstimateCommandOptions::*text;
  unsigned uses;
};
constexpr UsedOption kUsedOptions[] = {
    {"MODEL", &EstimateCommandOptions::model, kModel | kTraining},
    {"--device", &EstimateCommandOptions::device, kModel | kTraining},
    {"--dtype", &EstimateCommandOptions::dtype, kModel | kRaw},
    {"--threads", &EstimateCommandOptions::threads, kModel},
    {"--instances", &EstimateCommandOptions::instances, kModel},
    {"--isa", &EstimateCommandOptions::isa, kModel},
    {"--batches", &EstimateCommandOptions::batches, kModel},
    {"--memory-limit", &EstimateCommandOptions::memory_limit, kModel | kTraining},
    {"--give-up", &EstimateCommandOptions::give_up, kModel},
    {"--peak", &EstimateCommandOptions::peak, kRaw},
    {"--bandwidth", &EstimateCommandOptions::bandwidth, kRaw},
    {"--flops", &EstimateCommandOptions::flops, kRaw},
    {"--params", &EstimateCommandOptions::params, kRaw | kTraining},
    {"--tp", &EstimateCommandOptions::tensor_parallel, kTraining},
    {"--pp", &EstimateCommandOptions::pipeline_parallel, kTraining},
    {"--state-bytes", &EstimateCommandOptions::state_bytes, kTraining},
    {"--optimizer-bytes", &EstimateCommandOptions::optimizer_bytes, kTraining}};

Status check_uses(const EstimateCommandOptions& options) {
  const auto [use, words] = options.guide                ? std::pair{kGuide, "--guide"}
                            : options.mode == "training" ? std::pair{kTraining, "--mode training"}
                            : options.has_raw_figures()
                                ? std::pair{kRaw, "raw figures"}
                                : std::pair{kModel, "a MODEL with --mode inference"};
  for (const UsedOption& used : kUsedOptions)
    if (!(options.*used.text).empty() && (used.uses & use) == 0)
      return bad_input(std::string("options that count for ") + words, used.option, "",
                       "Leave one of the two out");
  return {};
}

constexpr DType kCatalogueDtype = DType::bf16;  // that its accelerators compute in

// nullopt: not given.
Result<std::optional<DType>> dtype_of(const EstimateCommandOptions& options) {
  if (options.dtype.empty()) return std::nullopt;
  const auto dtype = parse_dtype(options.dtype);
  if (!dtype)
    return bad_input("a data type: f32, tf32, bf16, f16, fp8, int8", "'" + options.dtype + "'",
                     "--dtype");
  return dtype;
}

std::string device_name(const EstimateCommandOptions& options) {
  return options.device.empty() ? "cpu" : options.device;
}

bool is_device_file(const std::string& name) {
  return name.ends_with(".json");
}

// nullptr: a device that nothing runs on.
const BackendEntry* backend_of(const EstimateCommandOptions& options) {
  return find_backend(split_backend_spec(device_name(options)).name);
}

// One instance with all CPUs unless told otherwise; a catalogue device is taken whole.
Result<Split> split_of(const EstimateCommandOptions& options) {
  const BackendEntry* backend = backend_of(options);
  for (const auto& [text, option] :
       {std::pair{&options.threads, "--threads"}, std::pair{&options.instances, "--instances"}})
    if (backend == nullptr && !text->empty())
      return bad_input(std::string(option) + " with a device that batchtune runs on",
                       "--device " + device_name(options), option);
  if (backend == nullptr) return Split{};
  TuningOptions typed;
  typed.backends = {device_name(options)};
  typed.threads = options.threads;
  typed.instances = options.instances.empty() ? "1" : options.instances;
  BT_TRY(request, parse_tuning(typed));
  BT_TRY_VOID(check_splits(request));
  const std::vector<Split> splits = splits_of(request, backend->simulated);
  if (splits.size() != 1)
    return bad_input("one split of the CPUs: one number of threads, one of instances",
                     fmt::format("{} of them", splits.size()), "--threads, --instances",
                     "Estimate one after the other");
  return splits.front();
}

Result<EstimateOptions> options_of(const EstimateCommandOptions& options) {
  EstimateOptions out;
  if (!options.batches.empty()) {
    BT_TRY(batches, parse_batches(options.batches));
    out.batches = std::move(batches);
  }
  if (!options.memory_limit.empty()) {
    BT_TRY(limit, parse_bytes(options.memory_limit, "--memory-limit"));
    out.memory_limit = static_cast<double>(limit);
  }
  if (!options.give_up.empty()) {
    BT_TRY(share, parse_fraction(options.give_up, "--give-up"));
    out.give_up = share;
  }
  return out;
}

Status print_estimate(const EstimateReport& report, const OutputOptions& output, Format format) {
  if (output.quiet) return print_result(quiet_estimate(report));
  return print_result(format == Format::json  ? json_estimate(report)
                      : format == Format::csv ? csv_estimate(report)
                                              : text_estimate(report, text_options()));
}

Result<int> estimate_inference(const EstimateCommandOptions& options, Format format) {
  BT_TRY(estimate_options, options_of(options));
  BT_TRY(model, load_estimated_model(options));
  // Checked before a device is opened, which may have to be calibrated first.
  BT_TRY(given_dtype, dtype_of(options));
  BT_TRY(split, split_of(options));
  BT_TRY(device, find_any_device(options));
  const DType otherwise =
      device.entry ? device.figures.device.default_dtype.value_or(DType::f32) : kCatalogueDtype;
  const DType dtype = given_dtype.value_or(otherwise);
  const CandidateGroup group{device.entry ? device.entry->name : "", dtype, split.threads,
                             split.instances, model.dims};
  EstimateReport report{
      summarise(model), device.entry ? device.at(split.cpus()) : device.figures.device, {}};
  BT_TRY(estimate, estimate_model(model, report.device, group, estimate_options));
  report.estimate = std::move(estimate);
  BT_TRY_VOID(print_estimate(report, options.output, format));
  return kDone;
}

Result<FormulaFigures> raw_figures(const EstimateCommandOptions& options, DType dtype) {
  for (const auto& [text, option] :
       {std::pair{&options.peak, "--peak"}, std::pair{&options.bandwidth, "--bandwidth"},
        std::pair{&options.flops, "--flops"}, std::pair{&options.params, "--params"}})
    if (text->empty())
      return bad_input("--peak, --bandwidth, --flops and --params together, or a MODEL",
                       std::string("no ") + option, "",
                       "Example: --peak 64T --bandwidth 50GB/s --flops 77.3G --params 302M");
  BT_TRY(peak, parse_count(options.peak, "--peak"));
  BT_TRY(bandwidth, parse_rate(options.bandwidth, "--bandwidth"));
  BT_TRY(flops, parse_count(options.flops, "--flops"));
  BT_TRY(params, parse_count(options.params, "--params"));
  return FormulaFigures{peak, bandwidth, flops, params, static_cast<double>(size_of(dtype))};
}

Result<int> estimate_raw(const EstimateCommandOptions& options, Format format) {
  BT_TRY(given_dtype, dtype_of(options));
  const DType dtype = given_dtype.value_or(kCatalogueDtype);
  BT_TRY(figures, raw_figures(options, dtype));
  BT_TRY(formula, batching_formula(figures));
  EstimateReport report;
  report.device.name = kGivenFigures;
  report.estimate.group.dtype = dtype;
  report.estimate.batch = formula.batch;
  const double intensity = formula.intensity_per_sample * static_cast<double>(formula.batch);
  report.estimate.bound = intensity >= formula.ridge ? Bound::compute : Bound::memory;
  report.estimate.formula = formula;
  BT_TRY_VOID(print_estimate(report, options.output, format));
  return kDone;
}

Listing guide_listing() {
  Listing list;
  list.command = "estimate";
  list.what = "guide";
  list.columns = {{"model", "model"},
                  {"device", "device"},
                  {"dtype", "dtype"},
                  {"peak_flops", "peak", true},
                  {"bandwidth", "bandwidth", true},
                  {"flops_per_sample", "FLOP", true, 1},
                  {"dense_parameters", "dense parameters", true, 2},
                  {"exact", "exact", true},
                  {"batch", "batch", true},
                  {"printed_batch", "guide prints", true}};
  for (const GuideRow& row : guide_table()) {
    const FormulaEstimate& formula = row.formula;
    list.rows.push_back({row.model, row.device, std::string(name_of(row.dtype)), formula.peak_flops,
                         formula.bandwidth, formula.flops_per_sample, formula.dense_parameters,
                         formula.exact, formula.batch, row.printed_batch});
    list.shown.push_back({row.model_label, row.device_label, "",
                          format_count(formula.peak_flops) + "FLOP/s",
                          format_rate(formula.bandwidth), format_count(formula.flops_per_sample),
                          format_count(formula.dense_parameters), "", "", ""});
  }
  return list;
}

Result<int> run_estimate(EstimateCommandOptions options) {
  if (!is_device_file(options.device)) {
    BT_TRY(device, named_plugin(options.device));
    options.device = device;
  }
  BT_TRY(format, parse_format(options.output));
  const bool training = options.mode == "training";
  if (!training && options.mode != "inference")
    return bad_input("the mode inference or training", "'" + options.mode + "'", "--mode");
  if (!options.model.empty() && options.has_raw_figures())
    return bad_input("a MODEL, or raw figures", "both", "", "Leave one of the two out");
  BT_TRY_VOID(check_uses(options));
  if (options.model.empty() && options.model_options.given())
    return bad_input("a MODEL with --dim and --batch-axis", "none", "estimate");
  if (options.guide) {
    BT_TRY_VOID(print_listing(guide_listing(), format));
    return kDone;
  }
  if (training) return estimate_for_training(options, format);
  if (!options.model.empty()) return estimate_inference(options, format);
  if (!options.has_raw_figures())
    return bad_input("a MODEL, raw figures or --guide", "none", "",
                     "Example: batchtune estimate resnet-50");
  return estimate_raw(options, format);
}

}  // namespace

Result<Model> load_estimated_model(const EstimateCommandOptions& options) {
  BT_TRY(name, with_model_options(options.model, options.model_options));
  BT_TRY(model, load_model(name));
  BT_TRY_VOID(check_operations_known(model, "estimate"));
  return model;
}

Result<OpenDevice> find_any_device(const EstimateCommandOptions& options) {
  const std::string name = device_name(options);
  OpenDevice open{.spec = name, .figures = {}};
  if (is_device_file(name)) {
    BT_TRY(device, read_device_file(name));
    open.figures.device = std::move(device);
  } else if (find_backend(split_backend_spec(name).name) != nullptr) {
    BT_TRY(store, open_database(options.database));
    return open_device(name, options.isa, *store, options.output.quiet);
  } else {
    BT_TRY(device, find_device(name));
    open.figures.device = std::move(device);
  }
  if (!options.isa.empty())
    return bad_input("--isa with the device cpu", "--device " + name, "--isa");
  return open;
}

void add_estimate_command(Arguments& arguments) {
  auto options = std::make_shared<EstimateCommandOptions>();
  arguments.value("MODEL", options->model, "zoo name, .onnx or .json file");
  add_model_options(arguments, options->model_options);
  arguments.value("--device", options->device,
                  "name (batchtune list devices), .json device file, or cpu (the default): this "
                  "machine, measured");
  arguments.flag("--guide", options->guide, "the batching guide's table, recomputed");
  arguments.value("--mode", options->mode, "inference or training");
  arguments.value("--dtype", options->dtype,
                  "the backend's own on this machine (f32), bf16 on catalogue devices by default");
  arguments.value("--threads", options->threads,
                  "of this machine, of each instance (default: all CPUs, shared by the instances)");
  arguments.value("--instances", options->instances, "side by side (default: one)");
  arguments.value("--isa", options->isa, "widest instruction set of this machine that is allowed");
  arguments.value("--batches", options->batches, "shown: 1,8,32 or 1:64 or 1:64:x2");
  arguments.value("--memory-limit", options->memory_limit,
                  "such as 2GiB; training: memory of a core");
  arguments.value("--give-up", options->give_up,
                  "throughput given up for a smaller batch (default 2%)");
  arguments.value("--peak", options->peak, "raw: FLOP/s, such as 64T");
  arguments.value("--bandwidth", options->bandwidth, "raw: such as 50GB/s");
  arguments.value("--flops", options->flops, "raw: FLOP per sample, such as 77.3G");
  arguments.value("--params", options->params, "raw: dense parameters, such as 302M");
  arguments.value("--tp", options->tensor_parallel, "training: tensor-parallel rank");
  arguments.value("--pp", options->pipeline_parallel, "training: pipeline-parallel rank");
  arguments.value("--state-bytes", options->state_bytes,
                  "training: weight and gradient bytes per parameter (4)");
  arguments.value("--optimizer-bytes", options->optimizer_bytes,
                  "training: optimizer bytes per parameter (12)");
  add_database_option(arguments, options->database);
  add_output_options(arguments, options->output);
  arguments.run([options] { return run_estimate(*options); });
}

}  // namespace batchtune
