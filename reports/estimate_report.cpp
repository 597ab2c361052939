#include "reports/estimate_report.h"

#include <fmt/format.h>
#include <cmath>
#include <limits>

#include "reports/json/parts.h"
#include "reports/text/table.h"
#include "reports/text/words.h"
#include "tuner/core/inferentia.h"
#include "tuner/core/units.h"

namespace batchtune {
namespace {

constexpr int kEstimateSchema = 1;

// The guide's picture: between which batches the model's intensity passes the device's ridge.
std::string straddle(const FormulaEstimate& f) {
  const auto at = [&](std::int64_t batch) {
    return format_number(f.intensity_per_sample * static_cast<double>(batch), 4);
  };
  if (f.intensity_per_sample >= f.ridge)
    return fmt::format("none: batch 1 ({} FLOP/byte) is at or above the ridge already", at(1));
  return fmt::format("batch {} ({} FLOP/byte) to batch {} ({}): the ridge lies between them",
                     f.below_ridge, at(f.below_ridge), f.above_ridge, at(f.above_ridge));
}

std::string formula_text(const FormulaEstimate& f, int width) {
  std::string text =
      "Formula of the batching guide (weights alone are counted as memory traffic)\n";
  text += fmt::format("  peak        {}FLOP/s\n", format_count(f.peak_flops));
  text += fmt::format("  bandwidth   {}\n", format_rate(f.bandwidth));
  text += fmt::format("  ridge       peak / bandwidth = {} FLOP/byte\n", format_number(f.ridge, 4));
  text += fmt::format("  work        {}FLOP per sample, dense\n", format_count(f.flops_per_sample));
  text += fmt::format("  weights     {} dense parameters of {} bytes\n",
                      format_count(f.dense_parameters), format_number(f.dtype_bytes, 1));
  text += fmt::format(
      "  intensity   work / weight bytes = {} FLOP/byte at batch 1, growing with the batch\n",
      format_number(f.intensity_per_sample, 4));
  text +=
      fmt::format("  batch       ceil(0.5 x {} / {}) = ceil({}) = {}\n", format_number(f.ridge, 4),
                  format_number(f.intensity_per_sample, 4), format_number(f.exact, 4), f.batch);
  if (f.guide_batch)
    text +=
        fmt::format("  guide       {} with the figures that the guide prints\n", *f.guide_batch);
  return text + text::wrapped("  straddle    ", straddle(f), width);
}

std::string curve_text(const Estimate& estimate, int width) {
  double least_latency = std::numeric_limits<double>::infinity(), least_memory = least_latency;
  for (const PointEstimate& point : estimate.curve) {
    least_latency = std::min(least_latency, point.latency);
    least_memory = std::min(least_memory, point.memory);
  }
  const text::Unit time = text::latency_unit(least_latency),
                   memory = text::memory_unit(least_memory);
  text::Column mark{"", "", true, 0, {}}, batch{"", "batch", false, 0, {}},
      latency{"", "latency, " + time.name, false, 0, {}}, throughput{"", "samples/s", false, 0, {}},
      bytes{"", "memory, " + memory.name, false, 1, {}}, bound{"", "bound", true, 2, {}};
  for (const PointEstimate& point : estimate.curve) {
    mark.cells.push_back(point.batch == estimate.batch ? ">" : "");
    batch.cells.push_back(std::to_string(point.batch));
    latency.cells.push_back(text::figure(point.latency / time.size));
    throughput.cells.push_back(text::figure(point.throughput));
    bytes.cells.push_back(text::figure(point.memory / memory.size));
    bound.cells.emplace_back(name_of(point.bound));
  }
  return "Per-layer roofline (a bound: kernels do not reach it)\n" +
         text::format_table({mark, batch, latency, throughput, bytes, bound}, width);
}

// Only of the first Inferentia; "" of every other device.
std::string inferentia_text(const EstimateReport& report, int width) {
  if (!report.model || !is_inferentia(report.device.name)) return "";
  return "Inf1\n" + text::wrapped("  compiler    ", text::kInferentiaIs, width) +
         text::wrapped("  latency     ", "where it is strict, " + text::pipeline_words(report.model->dense_parameters),
                       width);
}

json::Json pipeline_of(const EstimateReport& report) {
  if (!report.model || !is_inferentia(report.device.name)) return nullptr;
  return {{"cores", pipeline_cores(report.model->dense_parameters)}, {"most", kMostPipelineCores}};
}

}  // namespace

std::string text_estimate(const EstimateReport& report, const TextOptions& options) {
  const Estimate& estimate = report.estimate;
  const std::string subject = report.model ? report.model->name + " on " : "";
  std::string text = text::wrapped(
      "", subject + report.device.name + ", " + to_string(estimate.group), options.width);
  if (report.device.simulated) text += "SIMULATED: the device is a simulated one.\n";
  if (report.model)
    text += fmt::format("  {} parameters ({} dense), {}FLOP per sample ({}FLOP dense)\n",
                        format_count(report.model->parameters),
                        format_count(report.model->dense_parameters),
                        format_count(report.model->flops_per_sample),
                        format_count(report.model->dense_flops_per_sample));
  if (estimate.formula) text += "\n" + formula_text(*estimate.formula, options.width);
  if (!estimate.curve.empty()) text += "\n" + curve_text(estimate, options.width);
  if (const std::string words = inferentia_text(report, options.width); !words.empty())
    text += "\n" + words;
  std::string sentence =
      fmt::format("=> start at batch {} ({}-bound there)", estimate.batch, name_of(estimate.bound));
  if (estimate.formula) sentence += fmt::format("; the formula says {}", estimate.formula->batch);
  if (estimate.formula && estimate.formula->guide_batch)
    sentence += fmt::format(", the guide {}", *estimate.formula->guide_batch);
  return text + "\n" + text::bold(sentence, options.color) + "\n";
}

std::string json_estimate(const EstimateReport& report) {
  return json::document({{"schema_version", kEstimateSchema},
                         {"command", "estimate"},
                         {"model", report.model ? json::model(*report.model) : json::Json(nullptr)},
                         {"device", json::device(report.device)},
                         {"estimate", json::estimate(report.estimate)},
                         {"curve", json::curve(report.estimate)},
                         {"pipeline", pipeline_of(report)}});
}

std::string csv_estimate(const EstimateReport& report) {
  const auto cell = [](double value) {
    return std::isfinite(value) ? fmt::format("{}", value) : std::string();
  };
  std::string text = "batch,latency,throughput,memory,bound,simulated\n";
  for (const PointEstimate& point : report.estimate.curve)
    text += fmt::format("{},{},{},{},{},{}\n", point.batch, cell(point.latency),
                        cell(point.throughput), cell(point.memory), name_of(point.bound),
                        report.device.simulated);
  return text;
}

std::string quiet_estimate(const EstimateReport& report) {
  return std::to_string(report.estimate.batch) + "\n";
}

}  // namespace batchtune
