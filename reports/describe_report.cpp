#include "reports/describe_report.h"

#include <fmt/format.h>

#include "reports/json/parts.h"
#include "reports/text/table.h"
#include "reports/text/words.h"
#include "tuner/core/units.h"
#include "tuner/core/unknown.h"

namespace batchtune {
namespace {

constexpr int kDescribeSchema = 1;

std::string shape_text(const std::vector<std::int64_t>& shape) {
  std::string text;
  for (std::int64_t size : shape) text += fmt::format("{}{}", text.empty() ? "" : " x ", size);
  return text;
}

std::string count_or_absent(double count) {
  return count > 0 ? format_count(count) : text::kAbsent;
}

std::string operations_table(const DescribeReport& report, int width) {
  text::Column name{"", "operation", true, 0, {}}, kind{"", "kind", true, 0, {}},
      details{"", "details", true, 2, {}}, output{"", "output per sample", true, 0, {}},
      flops{"", "FLOP", false, 0, {}}, parameters{"", "parameters", false, 1, {}};
  for (const OperationRow& row : report.operations) {
    name.cells.push_back(text::one_line(row.name));
    kind.cells.push_back(row.kind);
    details.cells.push_back(row.details);
    output.cells.push_back(shape_text(row.output));
    flops.cells.push_back(count_or_absent(row.flops));
    parameters.cells.push_back(count_or_absent(row.parameters));
  }
  return text::format_table({name, kind, details, output, flops, parameters}, width);
}

std::string declared_lines(const RuntimeDeclaration& declared, int width) {
  std::string text;
  const std::pair<const char*, const std::string*> lines[] = {{"read by", &declared.runtime},
                                                              {"inputs", &declared.inputs},
                                                              {"outputs", &declared.outputs},
                                                              {"made up", &declared.ids},
                                                              {"trouble", &declared.trouble}};
  for (const auto& [head, value] : lines)
    if (!value->empty()) text += text::wrapped(fmt::format("  {:<12}", head), *value, width);
  return text;
}

json::Json json_declared(const RuntimeDeclaration& declared) {
  json::Json json = json::Json::object();
  json["runtime"] = declared.runtime;
  const std::pair<const char*, const std::string*> members[] = {{"inputs", &declared.inputs},
                                                                {"outputs", &declared.outputs},
                                                                {"ids", &declared.ids},
                                                                {"trouble", &declared.trouble}};
  for (const auto& [name, value] : members)
    json[name] = value->empty() ? json::Json() : json::Json(*value);
  return json;
}

}  // namespace

std::string text_describe(const DescribeReport& report, const TextOptions& options) {
  const ModelSummary& model = report.model;
  std::string text = text::wrapped("", model.name + ": " + report.description, options.width);
  if (!report.operations.empty()) text += operations_table(report, options.width) + "\n";
  text += report.operations.empty() ? "operations unknown\n"
                                    : fmt::format("{} operations\n", report.operations.size());
  if (report.declared) text += declared_lines(*report.declared, options.width);
  for (const auto& [name, size] : report.dims) text += fmt::format("  {:<12}{}\n", name, size);
  if (!has_counts(model)) return text + fmt::format("  hash        {}\n", model.hash);
  text += fmt::format("  parameters  {} as published, {} in matrices and filters\n",
                      format_count(model.parameters), format_count(model.dense_parameters));
  text +=
      fmt::format("  work        {}FLOP per sample, {}FLOP of it dense\n",
                  format_count(model.flops_per_sample), format_count(model.dense_flops_per_sample));
  text += fmt::format("  activations {} per sample in f32, all tensors\n",
                      format_bytes(model.activation_bytes_per_sample));
  return text + fmt::format("  hash        {}\n", model.hash);
}

std::string json_describe(const DescribeReport& report) {
  json::Json operations = json::Json::array(), dims = json::Json::object();
  for (const auto& [name, size] : report.dims) dims[name] = size;
  for (const OperationRow& row : report.operations)
    operations.push_back({{"name", row.name},
                          {"kind", row.kind},
                          {"details", row.details},
                          {"output", row.output},
                          {"flops", json::number(row.flops)},
                          {"parameters", json::number(row.parameters)},
                          {"output_elements", json::number(row.output_elements)}});
  const json::Json declared = report.declared ? json_declared(*report.declared) : json::Json();
  return json::document({{"schema_version", kDescribeSchema},
                         {"command", "describe"},
                         {"model", json::model(report.model)},
                         {"description", report.description},
                         {"dims", dims},
                         {"operations", operations},
                         {"declared", declared}});
}

}  // namespace batchtune
