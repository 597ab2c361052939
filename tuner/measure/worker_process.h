// The parent's side of one worker: the same executable, started anew, with a socket between.
// However it ends, the answer is a typed Ending and no process is left behind.
#pragma once

#include <sys/types.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tuner/backend/backend.h"
#include "tuner/core/error.h"
#include "tuner/measure/beacon.h"
#include "tuner/measure/channel.h"
#include "tuner/measure/clean_up.h"
#include "tuner/measure/endings.h"
#include "tuner/measure/limiter.h"
#include "tuner/measure/memory_readings.h"
#include "tuner/measure/protocol.h"

namespace batchtune {

inline constexpr int kWorkerFd = 3;  // in the child: both directions
inline constexpr int kBeaconFd = 4;  // in the child: for Beacon::attach()

struct WorkerStart {
  std::string backend_spec;
  int canary_cpus = 0;               // Hello::canary_cpus
  MemoryLimiter* limiter = nullptr;  // outlives the process; nullptr: no limit
  std::string proc_root = kProcRoot;
  CleanUp clean_up = {};
};

class WorkerProcess {
 public:
  // Starts `/proc/self/exe __worker` in a process group of its own and says hello to it.
  static Result<std::unique_ptr<WorkerProcess>> start(WorkerStart setup);
  static Result<std::unique_ptr<WorkerProcess>> start(const std::string& backend_spec) {
    return start(WorkerStart{backend_spec});
  }
  // Asks it to quit, and kills its group when it does not at once.
  ~WorkerProcess();
  WorkerProcess(const WorkerProcess&) = delete;
  WorkerProcess& operator=(const WorkerProcess&) = delete;

  // Says nothing of success: receive() tells of a worker that is gone or does not read.
  void send(const protocol::Request& request);

  // The next reply. Without one, and without a beat of its beacon, for `timeout` seconds of real
  // time the worker is killed: timeout. A worker that is gone: see endings.h. Garbage: killed,
  // failed. After an Ending every further call gives the same one.
  Outcome<protocol::Reply> receive(Seconds timeout);

  // What it has in hand, or had when it ended.
  BeaconState beacon() const { return beacon_.read(); }
  bool ended() const { return judgement_.has_value(); }
  // How it ended; nullptr while it has not.
  const Judgement* judgement() const { return judgement_ ? &*judgement_ : nullptr; }
  // Killed for want of memory, or by SIGKILL for no reason that could be seen: of several programs
  // that it held another one may have been the cause.
  bool may_be_anothers_doing() const;
  // Of its life; 0 until it is reaped (read_process_memory() tells before), and where its parent
  // held more when it was started: the system's count includes that.
  Bytes peak_resident() const { return peak_is_own() ? peak_resident_ : 0; }
  // Ended, or died since its last answer: then every later call says so too.
  bool gone();
  // For an answer to another question: what it says next cannot be trusted, so it is killed.
  // Failed.
  Ending out_of_step();
  pid_t pid() const { return pid_; }

 private:
  WorkerProcess(pid_t pid, int fd, Beacon beacon, WorkerStart setup);
  void end(const ChannelEnd& why, Seconds timeout);
  void judge_as(EndingEvidence::How how, const std::string& detail = "", Seconds silence = 0);
  void wait_for_news(Seconds& patience, Seconds timeout);
  std::optional<int> wait_for_exit(Seconds patience);
  void kill_all();
  void keep_loads(const protocol::Request& request);
  void clean_up();
  bool peak_is_own() const { return peak_resident_ > parent_peak_; }

  pid_t pid_;
  int pid_fd_;  // -1: this kernel has none
  int fd_;
  Channel channel_;
  Beacon beacon_;
  WorkerStart setup_;
  std::uint64_t beats_seen_ = 0;
  std::vector<protocol::Load> loads_;  // in it, where somebody cleans up behind it
  MachineMemory before_;       // when it was last asked something
  std::optional<int> status_;  // of waitpid, once reaped
  Bytes parent_peak_ = 0;      // resident, when it was started
  Bytes peak_resident_ = 0;    // the larger of that and its own, once reaped
  std::optional<Judgement> judgement_;
};

}  // namespace batchtune
