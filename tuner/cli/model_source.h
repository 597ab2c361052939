// MODEL of a command: the options that belong to it, and loading what it names.
#pragma once

#include <string>
#include <vector>

#include "tuner/cli/arguments.h"
#include "tuner/cli/options.h"
#include "tuner/core/error.h"
#include "tuner/core/value.h"
#include "tuner/workload/model.h"

namespace batchtune {

struct ModelOptions {
  std::vector<std::string> dims;  // "seq=128"
  std::string batch_axis;         // name of the dimension that is the batch; "" to find it

  bool given() const { return !dims.empty() || !batch_axis.empty(); }
};

void add_model_options(Arguments& arguments, ModelOptions& options);  // --dim, --batch-axis

// The name or path with these options in it, as load_model() takes it: "encoder.onnx@seq=128". The
// same given twice is one; two different sizes of a dimension, or names of the batch, are an error.
// `where`: of the dims, for errors ("--dim", or a place in models.toml).
Result<std::string> with_model_options(const std::string& name_or_path, const ModelOptions& options,
                                       const std::string& where = "--dim");

// What is measured by `request`. Where the command backend alone is asked for, a name that is no
// model's is one for what the command runs (workload/opaque.h); a word about it goes to stderr
// unless quiet.
Result<Model> load_measured_model(const std::string& name_or_path, const TuningRequest& request,
                                  bool quiet);

// Refuses a model whose operations cannot be read. `what` is asked of it: "estimate".
Status check_operations_known(const Model& model, const std::string& what);

// That each backend asked for can run a file that only one runtime reads.
Status check_readers(const Model& model, const TuningRequest& request);

}  // namespace batchtune
