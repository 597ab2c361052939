// --extend and --track: a new session that follows an earlier one. It asks what the earlier one was
// asked, save for what is given now, on the same model and device, and is linked to it among its
// requested settings. What is visited: tuner/deploy/follow.h.
#pragma once

#include <optional>
#include <string>

#include "storage/store.h"
#include "tuner/cli/options.h"
#include "tuner/cli/tune_command.h"
#include "tuner/core/error.h"
#include "tuner/workload/model.h"

namespace batchtune {

// `now`: the options typed. `model`: absent where none was named; the session's own then. Errors:
// an unknown session or one that measured nothing, another model, another backend or device, and
// for extend_session() anything else that has made the session stale.

// Everything that the session has not ruled out. Where other data types, threads or instances are
// asked for now, it has ruled nothing out.
Result<TuneTask> extend_session(const Store& store, const std::string& which,
                                const TuningOptions& now, const std::optional<Model>& model);

// Its front, choice and neighbours, each of them, and the batches given now.
Result<TuneTask> track_session(const Store& store, const std::string& which,
                               const TuningOptions& now, const std::optional<Model>& model);

}  // namespace batchtune
