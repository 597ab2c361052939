// What `estimate` shows: the batching guide's formula with its terms, and the curve of the
// per-layer roofline. JSON: estimate.schema.json.
#pragma once

#include <optional>
#include <string>

#include "reports/report.h"
#include "tuner/core/device.h"
#include "tuner/core/estimate.h"
#include "tuner/core/session.h"

namespace batchtune {

struct EstimateReport {
  std::optional<ModelSummary> model;  // absent for raw figures (--flops, --params)
  DeviceInfo device;                  // for raw figures: name "given figures"
  Estimate estimate;
};

std::string text_estimate(const EstimateReport& report, const TextOptions& options);
std::string json_estimate(const EstimateReport& report);
std::string csv_estimate(const EstimateReport& report);    // the curve
std::string quiet_estimate(const EstimateReport& report);  // the batch alone

}  // namespace batchtune
