// The batching guide's formula for inference, with all its terms:
//
//   batch = ceil(0.5 x (peak FLOP/s / memory bandwidth)
//                / (FLOP per sample / (dense parameters x dtype bytes)))
//
// A first order guess: it counts the reading of weights alone, so it knows nothing of activations,
// caches or overheads (roofline.h does). Trap: the guide's table prints 6 for BERT-Large on
// Inferentia because it rounds 77.312 GFLOP to 77.3; with exact counts the quotient is exactly 5.
// Both are given, and the ceiling is taken of x (1 - 1e-9), so that floating-point noise on an
// exact quotient cannot add one.
#pragma once

#include <string>
#include <vector>

#include "tuner/core/device.h"
#include "tuner/core/error.h"
#include "tuner/core/estimate.h"
#include "tuner/core/session.h"

namespace batchtune {

// The guide aims at half the ridge, without giving a reason.
inline constexpr double kGuideShareOfRidge = 0.5;

// The five figures that the formula takes; all positive and finite.
struct FormulaFigures {
  double peak_flops = 0;  // FLOP/s
  double bandwidth = 0;   // bytes/s
  double flops_per_sample = 0;
  double dense_parameters = 0;
  double dtype_bytes = 0;
};

// An error names the figure that is missing, zero, negative or not finite.
Result<FormulaEstimate> batching_formula(const FormulaFigures& figures);

// Exact dense counts of the model; peak of `dtype` (device_peak) and main memory's bandwidth of the
// device. guide_batch is the same with the guide's printed counts where the guide has the model
// (bert-large at 128 tokens, resnet-50): 6, 2, 5, 1 for bf16 on its own two devices. An error when
// the model has no dense weights or the device no peak for the data type.
Result<FormulaEstimate> batching_formula(const ModelSummary& model, const DeviceInfo& device,
                                         DType dtype);

// One row of the guide's table as printed, and the formula recomputed from what is printed.
struct GuideRow {
  std::string model;         // "bert-large": name in the zoo
  std::string device;        // "inferentia": name in the catalogue
  std::string model_label;   // "BERT-Large (SeqLen=128)"
  std::string device_label;  // "Inferentia"
  DType dtype = DType::bf16;
  std::int64_t printed_batch = 0;
  FormulaEstimate formula;
};
std::vector<GuideRow> guide_table();

}  // namespace batchtune
