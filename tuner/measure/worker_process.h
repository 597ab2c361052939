// The parent's side of one worker: the same executable, started anew, with a socket between.
// However it ends, the answer is a typed Ending and no process is left behind.
#pragma once

#include <sys/types.h>

#include <memory>
#include <optional>
#include <string>

#include "tuner/backend/backend.h"
#include "tuner/core/error.h"
#include "tuner/measure/channel.h"
#include "tuner/measure/protocol.h"

namespace batchtune {

inline constexpr int kWorkerFd = 3;  // in the child: both directions

class WorkerProcess {
 public:
  // Starts `/proc/self/exe __worker` in a process group of its own and says hello to it.
  static Result<std::unique_ptr<WorkerProcess>> start(const std::string& backend_spec);
  // Asks it to quit, and kills its group when it does not at once.
  ~WorkerProcess();
  WorkerProcess(const WorkerProcess&) = delete;
  WorkerProcess& operator=(const WorkerProcess&) = delete;

  // Says nothing of success: receive() tells of a worker that is gone or does not read.
  void send(const protocol::Request& request);

  // The next reply that is not a beat. Without reply or beat for `timeout` seconds of real time the
  // worker is killed: timeout. A worker that is gone: crashed (signal or exit code). Garbage:
  // killed, failed. After an Ending every further call gives the same one.
  Outcome<protocol::Reply> receive(Seconds timeout);

  // The last sign of life: what was in hand when it ended.
  const protocol::Beat& last_beat() const { return last_beat_; }
  bool ended() const { return ending_.has_value(); }
  // Ended, or died since its last answer: then every later call says so too.
  bool gone();
  // For an answer to another question: what it says next cannot be trusted, so it is killed.
  // Failed.
  Ending out_of_step();
  pid_t pid() const { return pid_; }

 private:
  WorkerProcess(pid_t pid, int fd) : pid_(pid), fd_(fd), channel_(fd, fd) {}
  Ending end(const ChannelEnd& why, Seconds timeout);
  std::optional<int> wait_for_exit(Seconds patience);
  void kill_group();

  pid_t pid_;
  int fd_;
  Channel channel_;
  protocol::Beat last_beat_;
  bool reaped_ = false;
  long peak_rss_kib_ = 0;  // known once reaped
  std::optional<Ending> ending_;
};

}  // namespace batchtune
