// --resume: which stored session goes on, and whether it may.
#pragma once

#include <optional>
#include <string>

#include "storage/store.h"
#include "tuner/cli/options.h"
#include "tuner/core/error.h"
#include "tuner/core/session.h"
#include "tuner/workload/model.h"

namespace batchtune {

// `which`: a session, or "" for the last unended one of the model, which must be known then. An
// error when there is none or it has ended.
Result<SessionRecord> find_resumable(const Store& store, const std::string& which,
                                     const std::optional<Model>& model);

// The model that a session was run with, from the graph that is stored with it.
Result<Model> stored_model(const SessionHeader& header);

// What is asked now against what the session was asked: an error names every difference. Options
// that are not given now agree. Machine and code must be the same: their rounds are judged
// together.
Status check_resumable(const SessionHeader& stored, const TuningRequest& request,
                       const Model& model);

}  // namespace batchtune
