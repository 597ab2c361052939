// What batchtune estimate was asked, and the parts of it that inference and training share.
#pragma once

#include <string>

#include "tuner/cli/devices.h"
#include "tuner/cli/model_source.h"
#include "tuner/cli/options.h"
#include "tuner/core/error.h"

namespace batchtune {

struct EstimateCommandOptions {
  std::string model, device;
  ModelOptions model_options;
  bool guide = false;
  std::string mode = "inference";
  std::string dtype, threads, instances, batches, memory_limit, give_up, isa;
  std::string peak, bandwidth, flops, params;  // raw figures
  std::string tensor_parallel, pipeline_parallel, state_bytes, optimizer_bytes;
  std::string database;
  OutputOptions output;

  bool has_raw_figures() const {
    return !peak.empty() || !bandwidth.empty() || !flops.empty() || !params.empty();
  }
};

// The device that --device names: this machine (measured), a backend, a device file or the
// catalogue's.
Result<OpenDevice> find_any_device(const EstimateCommandOptions& options);

// MODEL with its options; its operations are known.
Result<Model> load_estimated_model(const EstimateCommandOptions& options);

// --mode training: the guide's formula, and the memory model beside it. Gives the exit code.
Result<int> estimate_for_training(const EstimateCommandOptions& options, Format format);

}  // namespace batchtune
