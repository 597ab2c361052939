// Settings that a backend says are in force only once it has loaded a model: they join the
// session's effective ones under the backend's name: "cpu.isa"; "cpu.isa.2" where the second group
// has another one than that.
#pragma once

#include "tuner/core/session.h"
#include "tuner/measure/worker_measurer.h"

namespace batchtune {

// Whether anything changed.
bool add_loaded_settings(SessionHeader& header, const LoadNotice& notice);

// "onnxruntime.output_error.f32" ("neuron.output_error.f32.bf16" of a variant), relative, with what
// it was held against as its origin.
bool add_output_settings(SessionHeader& header, const OutputNotice& notice);

}  // namespace batchtune
