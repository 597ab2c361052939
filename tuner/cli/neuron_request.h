// What --cores, --in-flight, --compiler-args and --neff mean: parameters of the neuron backend, and
// the groups that it is searched in.
#pragma once

#include <string>
#include <vector>

#include "tuner/cli/arguments.h"
#include "tuner/cli/options.h"
#include "tuner/cli/splits.h"
#include "tuner/core/error.h"

namespace batchtune {

void add_neuron_options(Arguments& arguments, TuningOptions& options);

// Of the request, whose backends are known; --neff and --compiler-args ask for the backend where none
// was asked for. Errors: numbers; an option without the backend; arguments that need a name.
// Both --in-flight and --instances are for several backends: the second is for the others then.
Status parse_neuron_options(const TuningOptions& options, TuningRequest& request);

// Every number of cores with every number of executions in flight on each. Without --in-flight,
// --instances counts those of all cores (pairs that do not fit each other are left out); without both
// there is one on each core. One thread each: it waits for the device.
std::vector<Split> neuron_splits(const TuningRequest& request);

// Of a backend's groups, as they were typed; where there are none, one without a name.
std::vector<CompilerVariant> variants_of(const TuningRequest& request, const std::string& backend);

}  // namespace batchtune
