// batchtune describe MODEL: operations, shapes, work.
#include "reports/describe_report.h"

#include <fmt/format.h>

#include <memory>
#include <utility>

#include "tuner/backend/module_loader.h"
#include "tuner/cli/command.h"
#include "tuner/cli/declared_model.h"
#include "tuner/cli/model_source.h"
#include "tuner/cli/report_output.h"
#include "tuner/workload/model_file.h"
#include "tuner/workload/opaque.h"
#include "tuner/workload/work.h"

namespace batchtune {
namespace {

struct DescribeOptions {
  std::string model;
  ModelOptions model_options;
  OutputOptions output;
};

void append(std::string& details, const std::string& part) {
  details += (details.empty() ? "" : ", ") + part;
}

// "3x3 / 2, 32 groups, bias, relu": what the table's other columns leave out.
std::string details_of(const Op& op) {
  std::string details;
  const Window& window = op.window;
  const bool slides =
      op.kind == OpKind::conv2d || op.kind == OpKind::max_pool || op.kind == OpKind::average_pool;
  if (slides)
    append(details, fmt::format("{}x{} / {}", window.kernel_h, window.kernel_w, window.stride_h));
  if (op.groups > 1)
    append(details,
           fmt::format("{} {}", op.groups, op.kind == OpKind::batched_matmul ? "heads" : "groups"));
  if (op.kind == OpKind::input && op.input_kind == InputKind::token_ids)
    append(details, fmt::format("ids below {}", op.vocabulary));
  if (op.folded_batch_norm)
    append(details, "batch norm");
  else if (op.epilogue.bias)
    append(details, "bias");
  if (op.fused) append(details, "fused");
  if (!op.epilogue.residual.empty()) append(details, "+ " + op.epilogue.residual);
  for (const Activation activation : {op.activation, op.epilogue.activation})
    if (activation != Activation::none) append(details, std::string(name_of(activation)));
  return details;
}

DescribeReport report_of(const Model& model) {
  DescribeReport report{summarise(model), model.description, model.dims, {}, std::nullopt};
  for (const Op& op : model.ops) {
    const OpWork work = work_of(model, op);
    const std::string kind(op.kind == OpKind::foreign ? op.operation : name_of(op.kind));
    report.operations.push_back({op.name, kind, details_of(op), op.output, work.flops,
                                 work.weight_elements, work.output_elements});
  }
  return report;
}

// Of a file: what the kernels of our own make of it. Builds without them have nothing to say.
void explain_file(Model& model) {
  if (!model.file || model.file->format != "onnx") return;
  const auto text = explain_in_module(module_path("cpu"), model);
  if (text && !text->empty()) model.description += "; " + *text;
}

Result<int> run_describe(const DescribeOptions& options) {
  BT_TRY(format, parse_format(options.output));
  if (format == Format::csv) return bad_input("text or json", "csv", "--format");
  BT_TRY(name, with_model_options(options.model, options.model_options));
  BT_TRY(model, load_model(name));
  explain_file(model);
  DescribeReport report = report_of(model);
  if (format_of(model) != nullptr) report.declared = ask_runtime(model);
  BT_TRY_VOID(print_result(format == Format::json ? json_describe(report)
                                                  : text_describe(report, text_options())));
  return kDone;
}

}  // namespace

void add_describe_command(Arguments& arguments) {
  auto options = std::make_shared<DescribeOptions>();
  arguments.required("MODEL", options->model, "zoo name, .json, .onnx, .ort or .xml file");
  add_model_options(arguments, options->model_options);
  add_format_option(arguments, options->output);
  arguments.run([options] { return run_describe(*options); });
}

}  // namespace batchtune
