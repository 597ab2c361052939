#include "tuner/estimate/guide.h"

#include <algorithm>
#include <cmath>
#include <initializer_list>

#include "tuner/estimate/figures.h"

namespace batchtune {
namespace {

// The guide's table (neuroncore-batching page): printed counts of its two models and figures of its
// devices.
struct GuideModel {
  const char* name;   // in the zoo, with its default dimensions
  const char* alias;  // the same with the dimension said
  const char* label;
  double flops;
  double parameters;
};
constexpr GuideModel kGuideModels[] = {
    {"bert-large", "bert-large@seq=128", "BERT-Large (SeqLen=128)", 77.3e9, 302e6},
    {"resnet-50", "resnet-50", "ResNet-50", 7.8e9, 25e6},
};
struct GuideDevice {
  const char* name;
  const char* label;
  double peak;
  double bandwidth;
};
constexpr GuideDevice kGuideDevices[] = {
    {"inferentia", "Inferentia", 64e12, 50e9},
    {"trainium", "Trainium", 210e12, 820e9},
};
constexpr std::int64_t kPrintedBatches[2][2] = {{6, 2}, {5, 1}};  // [model][device]

const GuideModel* guide_model(const std::string& name) {
  for (const GuideModel& model : kGuideModels)
    if (name == model.name || name == model.alias) return &model;
  return nullptr;
}

Status check(const FormulaFigures& figures) {
  const std::pair<const char*, double> named[] = {{"peak FLOP/s", figures.peak_flops},
                                                  {"memory bandwidth", figures.bandwidth},
                                                  {"FLOP per sample", figures.flops_per_sample},
                                                  {"dense parameters", figures.dense_parameters},
                                                  {"bytes per element", figures.dtype_bytes}};
  for (const auto& [name, value] : named)
    if (!(value > 0) || !std::isfinite(value))
      return bad_input("a positive figure for " + std::string(name), std::to_string(value),
                       "batching formula");
  return {};
}

}  // namespace

Result<FormulaEstimate> batching_formula(const FormulaFigures& figures) {
  BT_TRY_VOID(check(figures));
  FormulaEstimate out;
  out.peak_flops = figures.peak_flops;
  out.bandwidth = figures.bandwidth;
  out.flops_per_sample = figures.flops_per_sample;
  out.dense_parameters = figures.dense_parameters;
  out.dtype_bytes = figures.dtype_bytes;
  out.ridge = figures.peak_flops / figures.bandwidth;
  out.intensity_per_sample =
      figures.flops_per_sample / (figures.dense_parameters * figures.dtype_bytes);
  const double ridge_batch = out.ridge / out.intensity_per_sample;
  out.exact = kGuideShareOfRidge * ridge_batch;
  out.batch = std::max<std::int64_t>(1, guarded_ceil(out.exact));
  // Strictly below and above: a batch that lies on the ridge itself is between the two.
  out.below_ridge = std::max<std::int64_t>(1, guarded_ceil(ridge_batch) - 1);
  out.above_ridge = guarded_floor(ridge_batch) + 1;
  return out;
}

Result<FormulaEstimate> batching_formula(const ModelSummary& model, const DeviceInfo& device,
                                         DType dtype) {
  BT_TRY(peak, device_peak(device, dtype));
  BT_TRY(bandwidth, main_memory_bandwidth(device));
  FormulaFigures figures{.peak_flops = peak,
                         .bandwidth = bandwidth,
                         .flops_per_sample = model.dense_flops_per_sample,
                         .dense_parameters = model.dense_parameters,
                         .dtype_bytes = static_cast<double>(size_of(dtype))};
  BT_TRY(out, batching_formula(figures));
  if (const GuideModel* printed = guide_model(model.name)) {
    figures.flops_per_sample = printed->flops;
    figures.dense_parameters = printed->parameters;
    BT_TRY(with_printed, batching_formula(figures));
    out.guide_batch = with_printed.batch;
  }
  return out;
}

std::vector<GuideRow> guide_table() {
  std::vector<GuideRow> rows;
  for (std::size_t m = 0; m < std::size(kGuideModels); ++m) {
    for (std::size_t d = 0; d < std::size(kGuideDevices); ++d) {
      const GuideModel& model = kGuideModels[m];
      const GuideDevice& device = kGuideDevices[d];
      GuideRow row{.model = model.name,
                   .device = device.name,
                   .model_label = model.label,
                   .device_label = device.label,
                   .dtype = DType::bf16,
                   .printed_batch = kPrintedBatches[m][d],
                   .formula = {}};
      row.formula = *batching_formula({.peak_flops = device.peak,
                                       .bandwidth = device.bandwidth,
                                       .flops_per_sample = model.flops,
                                       .dense_parameters = model.parameters,
                                       .dtype_bytes = static_cast<double>(size_of(row.dtype))});
      row.formula.guide_batch = row.formula.batch;
      rows.push_back(std::move(row));
    }
  }
  return rows;
}

}  // namespace batchtune
