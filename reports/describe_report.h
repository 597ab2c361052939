// What `describe` shows of a model: its operations with shapes and work, and the sums.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "reports/report.h"
#include "tuner/core/session.h"

namespace batchtune {

struct OperationRow {
  std::string name, kind;
  std::string details;               // "7x7 / 2, 64 channels"; may be empty
  std::vector<std::int64_t> output;  // per sample
  double flops = 0;                  // per sample
  double parameters = 0;             // weight elements
  double output_elements = 0;        // per sample
};

// Of a file that its runtime alone reads: what that says of it, in its words ("x float [batch, 3, 224, 224]"); "" where
// it says nothing.
struct RuntimeDeclaration {
  std::string runtime;  // with its version
  std::string inputs, outputs;
  std::string ids;      // what seeded inputs of whole numbers are
  std::string trouble;  // why it does not load
};

struct DescribeReport {
  ModelSummary model;
  std::string description;
  std::map<std::string, std::int64_t> dims;
  std::vector<OperationRow> operations;
  std::optional<RuntimeDeclaration> declared;
};

std::string text_describe(const DescribeReport& report, const TextOptions& options);
std::string json_describe(const DescribeReport& report);

}  // namespace batchtune
