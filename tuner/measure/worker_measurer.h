// The Measurer over worker processes: one racing worker per backend that holds several programs,
// one for the reference programs, and a solo worker per memory probe. It never loads a backend
// itself. Trap: the thread that calls it first must live as long as it does (workers die with that
// thread).
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tuner/backend/backend.h"
#include "tuner/core/clock.h"
#include "tuner/core/session.h"
#include "tuner/measure/backend_outputs.h"
#include "tuner/measure/canary.h"
#include "tuner/measure/clean_up.h"
#include "tuner/measure/measurer.h"
#include "tuner/workload/model.h"

namespace batchtune {

struct MeasuredBackend {
  std::string name;        // as in CandidateGroup::backend
  std::string parameters;  // of the backend's own ("wall=2GiB"); "" for none
  MemoryKind memory_kind =
      MemoryKind::account;                  // BackendEntry::memory_kind: how a probe is limited
  std::string isa;                          // LoadOptions::isa
  std::vector<std::string> proven_kernels;  // LoadOptions::proven_kernels
  OutputCheck outputs = OutputCheck::warn;  // against those of other backends
  std::string input_file = {};              // LoadOptions::input_file
  CleanUp clean_up = {};                    // behind its workers, where they do not end in order
  std::map<std::string, std::string> variants = {};  // LoadOptions::variant_arguments, by CandidateGroup::variant
};

// Told each time that a worker has loaded the model: what cli keeps as notes.
struct LoadNotice {
  CandidateGroup group;
  Seconds load_seconds = 0;
  LoadReport report;
};

// How a process is held to a memory limit where the backend's own account does not decide.
enum class LimiterWish {
  automatic,  // the account where there is one, else a cgroup that may be written, else RLIMIT_AS
  account,
  cgroup,
  rlimit,
  none,
};

struct WorkerMeasurerOptions {
  Model model;  // passed infer_shapes()
  std::vector<MeasuredBackend>
      backends;            // one for each CandidateGroup::backend that will be asked for
  std::uint64_t seed = 1;  // of weights, inputs and of the order of rounds
  Seconds timeout =
      60;  // wall time of one load, prepare or run without an answer: it is ended then
  int reference_threads =
      0;  // the session's CPUs; 0: no reference programs (simulated; CPU without AVX2)
  int canary_cpus = 0;  // CPUs that bursts judge between visits; 0: no canaries
  QuietLevels quiet;    // learned in earlier sessions on this machine
  LimiterWish limiter = LimiterWish::automatic;
  std::string cgroup_root = "/sys/fs/cgroup";
  // That the programs of all racing workers may hold together; each worker has an equal part.
  std::optional<Bytes> programs_memory;
  bool verify = false;  // outputs also against the backend's reference kernels (isa "reference")
  // A resumed session: the most Visit::warm of each trial in its stored rounds, so that visits stay
  // comparable.
  std::map<TrialId, int> warm = {};
  Seconds session_age = 0;  // a resumed session: Observation::started goes on from here
  std::function<void(const LoadNotice&)> on_load;  // may be empty
  // Told of each backend whose output was held against another's; may be empty.
  std::function<void(const OutputNotice&)> on_outputs;
  // A reference program ended and is left out from now on; may be empty.
  std::function<void(const std::string& name, const Ending& ending)> on_reference_lost;
  const Clock* clock = nullptr;  // for Observation::started; nullptr: the steady clock
};

class WorkerMeasurer final : public Measurer {
 public:
  explicit WorkerMeasurer(WorkerMeasurerOptions options);  // starts no process yet
  ~WorkerMeasurer() override;                              // ends all its processes

  Result<Observation> prepare(TrialId trial, const Candidate& candidate) override;
  Result<Observation> run_round(const RoundRequest& request) override;
  Result<Observation> probe(const ProbeRequest& request) override;
  void release(TrialId trial) override;
  void compile_ahead(const Candidate& candidate) override;

  // What the harness itself costs, by a program that does nothing, in a worker of its own.
  // outside_share is left open. An Error: no worker could be started.
  Result<Overhead> measure_overhead();
  const QuietLevels& quiet_levels() const;  // as learned so far

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace batchtune
