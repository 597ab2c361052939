// What `compare` shows: two sessions side by side, and what moved. JSON: compare.schema.json.
#pragma once

#include <string>

#include "reports/report.h"
#include "tuner/core/comparison.h"

namespace batchtune {

struct CompareReport {
  std::string base, now;  // what was compared, resolved: "session 11, resnet-50, 2026-01-02"
  Comparison comparison;
  bool simulated = false;  // one of them
};

std::string text_compare(const CompareReport& report, const TextOptions& options);
std::string json_compare(const CompareReport& report);
std::string csv_compare(const CompareReport& report);

}  // namespace batchtune
