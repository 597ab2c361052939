// What a runtime's own message says of how a trial ended.
#pragma once

#include <string>

#include "tuner/backend/backend.h"
#include "tuner/core/candidate.h"
#include "tuner/core/observation.h"

namespace batchtune::runtime {

enum class Refusal { fault, cannot };  // cannot: the runtime says that it has no such thing

// out_of_memory on the host where the message says that memory could not be had; else unsupported
// or failed. `what` was to be done ("ONNX Runtime could not load the model"); the message is the
// evidence.
Ending ending_of_message(std::string what, std::string message, Refusal refusal = Refusal::fault);

Ending no_memory(std::string what);  // for what std::bad_alloc was thrown
Ending unsupported(std::string reason);

// Refuses a candidate that the model was not loaded for, and batches below 1.
Outcome<void> check_candidate(const Candidate& candidate, const CandidateGroup& loaded);

}  // namespace batchtune::runtime
