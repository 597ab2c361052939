// One racing worker: a process that holds the programs of one backend side by side and visits them
// in turn. It remembers what the process should hold: after a crash the suspect alone is lost, and
// the others are prepared again, in a fresh process, when they are next used.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tuner/core/error.h"
#include "tuner/measure/worker_measurer.h"
#include "tuner/measure/worker_process.h"

namespace batchtune {

// What a racing worker is told once.
struct RacingSetup {
  const MeasuredBackend* backend = nullptr;  // outlives the worker; looked at anew for each load
  std::string model_json;                    // "" for the reference programs
  std::uint64_t seed = 1;
  Seconds timeout = 60;
  bool check = true;
  std::function<void(const LoadNotice&)> on_load;  // may be empty
};

// A backend's answer to one preparation.
struct PreparedProgram {
  protocol::Prepared answer;  // answer.spent also when the worker died: real seconds then
  Seconds load_seconds = 0;
};

// What came of a share: visits in the order in which they were made, and programs that ended.
struct ShareResult {
  std::vector<protocol::Visited> visits;
  std::vector<std::pair<TrialId, Ending>> endings;
  Seconds spent = 0;  // reported seconds of visits and of preparing again
};

class RacingWorker {
 public:
  explicit RacingWorker(RacingSetup setup) : setup_(std::move(setup)) {}

  // `parameters`: LoadOptions::parameters of this program's group; programs with equal group and
  // parameters share one loaded model. Not for a program that it holds. An Error: no process, or no
  // backend.
  Result<PreparedProgram> prepare(TrialId program, const Candidate& candidate,
                                  const std::string& parameters);
  // Visits all of them, whatever becomes of some; each program is in it at most once.
  Result<ShareResult> visit(std::vector<protocol::PlannedVisit> share);
  void release(TrialId program);
  // Ends the process, which gives its memory to others; what it held is prepared again when it is
  // next used.
  void rest() { lose_process(); }

  bool holds(TrialId program) const { return programs_.contains(program); }

 private:
  using LoadKey = std::pair<CandidateGroup, std::string>;  // group, parameters
  struct Held {
    Candidate candidate;
    LoadKey key;
    bool ready = false;  // in the process that runs now
  };

  Result<Ending> ensure_loaded(const LoadKey& key, Seconds& load_seconds);
  Status ensure_process();
  void lose_dead_process();
  void unload_unused();
  Result<PreparedProgram> prepare_in_process(TrialId program, const Candidate& candidate,
                                             const LoadKey& key);
  Status prepare_missing(std::vector<protocol::PlannedVisit>& share, ShareResult& result);
  void run_share(std::vector<protocol::PlannedVisit>& share, ShareResult& result);
  void lose_process();

  RacingSetup setup_;
  std::unique_ptr<WorkerProcess> process_;
  std::map<LoadKey, int> loads_;  // in the process that runs now
  int next_load_ = 1;
  std::map<TrialId, Held> programs_;
};

// LoadOptions that a session's settings give for one group.
LoadOptions load_options(const MeasuredBackend& backend, const CandidateGroup& group,
                         const std::string& parameters, std::uint64_t seed);
std::string backend_spec(const MeasuredBackend& backend);  // "simulated:wall=2GiB"

}  // namespace batchtune
