// One racing worker: a process that holds the programs of one backend side by side and visits them
// in turn. It remembers what the process should hold: after a crash the suspect alone is lost, and
// the others are prepared again, in a fresh process, when they are next used.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "tuner/core/error.h"
#include "tuner/measure/memory_groups.h"
#include "tuner/measure/parking.h"
#include "tuner/measure/worker_measurer.h"
#include "tuner/measure/worker_process.h"

namespace batchtune {

// What a racing worker is told once.
struct RacingSetup {
  const MeasuredBackend* backend = nullptr;  // outlives the worker; looked at anew for each load
  std::string model_json;                    // "" for the reference programs
  std::uint64_t seed = 1;
  Seconds timeout = 60;
  bool check = true, verify = false;                    // protocol::Prepare
  bool watch = false;                                   // protocol::Share
  int canary_cpus = 0;                                  // protocol::Hello
  std::function<void(const LoadNotice&)> on_load = {};  // may be empty
};

// A backend's answer to one preparation.
struct PreparedProgram {
  protocol::Prepared answer;  // answer.spent also when the worker died: real seconds then
  Seconds load_seconds = 0;  // where it is the first one since the model was loaded
  std::vector<std::int64_t> compiled = {};  // likewise: LoadReport::compiled
  bool worth_another_try = false;  // it died of what may have been another program's doing
};

// What came of a share: what the worker said of the visits that it made, in their order (more than
// one answer where it died in between), and the programs that ended.
struct ShareResult {
  std::vector<protocol::ShareDone> parts;  // each has one visit to each of its programs
  std::vector<std::pair<TrialId, Ending>> endings;
  Seconds spent = 0;  // reported seconds of visits and of preparing again
};

class RacingWorker {
 public:
  explicit RacingWorker(RacingSetup setup) : setup_(std::move(setup)) {}
  RacingWorker(RacingWorker&&) = default;
  RacingWorker& operator=(RacingWorker&&) = delete;
  ~RacingWorker() { lose_process(); }

  // `parameters`: LoadOptions::parameters of this program's group; programs with equal group and
  // parameters share one loaded model. Not for a program that it holds. An Error: no process, or no
  // backend.
  Result<PreparedProgram> prepare(TrialId program, const Candidate& candidate,
                                  const std::string& parameters);
  // Starts compiling it in the background; the model is loaded for that where it is not. A hint: what
  // fails is told when it is prepared.
  void compile_ahead(const Candidate& candidate, const std::string& parameters);
  // Prepares again what of the share is not ready; what fails now leaves the share.
  Result<ShareResult> make_ready(std::vector<protocol::PlannedVisit>& share);
  // Visits all of them, whatever becomes of some, those that are not ready after preparing them
  // again. With an ending its visits are gone from the share. Of a death that nothing lays to one
  // of them `anchor` is suspected last.
  Result<ShareResult> visit(std::vector<protocol::PlannedVisit> share, TrialId anchor = 0);
  void release(TrialId program);
  // Gives the memory of programs back, those that were not used for longest first, until what is
  // left and `keep` fit `limit` together. They are prepared again when they are next used.
  void make_room(const std::set<TrialId>& keep, Bytes limit);
  // Ends the process, which gives its memory to others; what it held is prepared again when it is
  // next used.
  void rest() { lose_process(); }

  // Sees to it that it uses no CPU until it is next asked for something.
  void park();
  std::optional<Seconds> cpu_seconds() const;  // of its process; nullopt: it has none

  bool holds(TrialId program) const { return programs_.contains(program); }
  ProgramMemory memory_of(TrialId program) const;  // of one that it holds

 private:
  using LoadKey = std::pair<CandidateGroup, std::string>;  // group, parameters
  struct Held {
    Candidate candidate;
    LoadKey key;
    std::optional<MemoryUse> memory;
    bool ready = false;        // in the process that runs now
    bool tried_alone = false;  // it had a process of its own after it died for no known reason
    std::uint64_t used = 0;    // number of its last use
  };
  struct Loaded {
    int number = 0;  // the process's number for it
    bool shares_weights = false;
  };
  struct LoadTold {
    Seconds seconds = 0;
    std::vector<std::int64_t> compiled;
  };

  Result<Ending> ensure_loaded(const LoadKey& key);
  Status ensure_process();
  void lose_dead_process();
  void unload_unused(const std::set<TrialId>& keep);
  std::size_t count_ready() const;
  Result<PreparedProgram> prepare_in_process(TrialId program, const Candidate& candidate,
                                             const LoadKey& key);
  Status prepare_missing(std::vector<protocol::PlannedVisit>& share, ShareResult& result);
  Status visit_all(std::vector<protocol::PlannedVisit> share, TrialId anchor, ShareResult& result);
  std::optional<Ending> run_share(std::vector<protocol::PlannedVisit>& share, ShareResult& result);
  TrialId named_suspect(const std::vector<protocol::PlannedVisit>& share) const;
  void take_answer(protocol::ShareDone done, ShareResult& result);
  void lay_death_to(TrialId suspect, std::vector<protocol::PlannedVisit>& share,
                    const Ending& ending, ShareResult& result);
  void lose_process();

  RacingSetup setup_;
  std::unique_ptr<WorkerProcess> process_;
  std::optional<ParkedProcess> parked_;     // of the process that runs now
  std::map<LoadKey, Loaded> loads_;         // in the process that runs now
  std::map<LoadKey, bool> shares_weights_;  // of every load that was seen
  std::map<LoadKey, LoadTold> untold_;      // loads that no preparation has told yet
  int next_load_ = 1;
  std::uint64_t uses_ = 0;
  std::map<TrialId, Held> programs_;
  std::vector<protocol::PlannedVisit> alone_;  // to be visited in a process of their own
};

// LoadOptions that a session's settings give for one group.
LoadOptions load_options(const MeasuredBackend& backend, const CandidateGroup& group,
                         const std::string& parameters, std::uint64_t seed);
std::string backend_spec(const MeasuredBackend& backend);  // "simulated:wall=2GiB"

}  // namespace batchtune
