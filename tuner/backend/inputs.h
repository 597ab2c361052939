// The samples that a backend's programs compute on: seeded, or those of LoadOptions::input_file.
#pragma once

#include <utility>

#include "tuner/backend/backend.h"
#include "tuner/workload/samples/input_source.h"

namespace batchtune {

inline Ending no_samples(const Error& error) {
  return {TrialStatus::failed, "the samples of the inputs cannot be had", to_string(error), ""};
}

// `model` has the inputs as operations. The file was looked at before anything was measured, so an
// error means that it has changed, or that only the runtime knew the model's inputs.
inline Outcome<InputSource> inputs_of(const Model& model, const LoadOptions& options) {
  auto source = InputSource::open(options.input_file, model);
  if (!source) return tl::unexpected(no_samples(source.error()));
  return std::move(*source);
}

}  // namespace batchtune
