// From what was asked to what will be done: the header of a new session (devices, estimates,
// settings in force with their origins), and from a header, new or stored, the search problem and
// what measures it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "storage/store.h"
#include "tuner/cli/devices.h"
#include "tuner/cli/options.h"
#include "tuner/cli/session_programs.h"
#include "tuner/core/error.h"
#include "tuner/core/session.h"
#include "tuner/measure/worker_measurer.h"
#include "tuner/search/strategy.h"
#include "tuner/workload/model.h"

namespace batchtune {

struct SessionPlan {
  std::vector<std::string> backends;  // specs
  Problem problem;
  WorkerMeasurerOptions measuring;  // without on_load and clock
  std::unique_ptr<SessionPrograms> programs;  // of simulated devices, until the plan is gone
};

// What parse_tuning() cannot see, since it needs this machine or what is meant by default: splits,
// memory limit, and wishes with what they need. Measures and opens nothing.
Status check_request(const TuningRequest& request);

// The backends asked for, opened; "cpu" when none was. Checks the request before.
Result<std::vector<OpenDevice>> open_devices(const TuningRequest& request, Store& store,
                                             bool quiet);

// Everything that is known before the first observation, but for the store's number. `command` is
// tune or measure.
Result<SessionHeader> make_header(const TuningRequest& request, const Model& model,
                                  const std::vector<OpenDevice>& devices, const Store& store,
                                  const std::string& command);

// `request` is the one that the header was made from (for a stored header: made again from its
// settings).
Result<SessionPlan> make_plan(const TuningRequest& request, const Model& model,
                              const SessionHeader& header, const Store& store);

// The header's strategy, made from the problem and the header's seed.
std::unique_ptr<Strategy> make_strategy(const SessionHeader& header, const Problem& problem);

}  // namespace batchtune
