// Runtimes that users install (ONNX Runtime, OpenVINO): what of finding their libraries is the
// environment's, and which of them an ONNX file is measured with where nothing is said.
#pragma once

#include <string>

#include "tuner/backend/backend.h"
#include "tuner/backend/runtime/finder.h"
#include "tuner/cli/options.h"
#include "tuner/core/error.h"
#include "tuner/workload/model.h"

namespace batchtune {

// The spec with the library that the environment names ($BATCHTUNE_ONNXRUNTIME), or that the process
// which started this one has found, where there is one and the spec names none.
std::string with_library_of_environment(const std::string& spec);

// Finds the library of the spec's runtime, if it has one, before workers are started: they do not
// look again. Errors are theirs to tell.
void hand_down_library(const std::string& spec);

// Where its library lies; loads nothing, and looks once in a process. For entries with a runtime.
Result<FoundLibrary> find_runtime(const BackendEntry& entry);

// Of a model from an ONNX file with no backend asked for: the runtimes that are found, since a file
// is deployed in one of them. Without any, cpu (said on stderr unless quiet). Of a file that one
// runtime alone reads (workload/opaque.h): that one, or an error that tells what is missing. Added to
// what was given, so that the session keeps it.
Status default_to_runtimes(const Model& model, TuningRequest& request, bool quiet);

}  // namespace batchtune
