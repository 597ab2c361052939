// The child's side of measuring: reads requests, runs programs, answers. One thread; ends with its
// parent. It opens backends through the functions it is given, so that it knows none by name.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "tuner/backend/backend.h"
#include "tuner/core/error.h"
#include "tuner/measure/canary.h"

namespace batchtune {

// Name of the hidden subcommand: main() hands `argv[1] == kWorkerCommand` to run_worker() before it
// does anything else, and returns what that returns.
inline constexpr char kWorkerCommand[] = "__worker";

// The spec of the reference programs' backend, which cli supplies over kernels/probe. Its two
// programs are told apart by LoadOptions::parameters: kReferencePrograms. It gets an empty Model,
// threads = the session's CPUs and batch 1; 2 to 5 ms a run.
inline constexpr char kReferenceBackend[] = "reference";
inline constexpr const char* kReferencePrograms[] = {"compute", "cache"};
// A third one of the same backend that does nothing, and reads the clock as every program does: it
// measures the harness, never takes part in rounds.
inline constexpr char kNullProgram[] = "null";

struct WorkerEnvironment {
  std::function<Result<std::unique_ptr<Backend>>(const std::string& spec)> open_backend;
  std::function<Result<std::vector<KernelInfo>>(const std::string& spec)> kernels_of_backend;
  std::function<std::unique_ptr<Canaries>(int cpus)> make_canaries = {};  // may be empty: none
};

// Serves the parent until it says quit or is gone. Returns the exit code. Both descriptors may be
// one socket.
int run_worker(int in_fd, int out_fd, const WorkerEnvironment& environment);

// The same on the descriptor that the parent gave this process: what main() calls.
int run_worker(const WorkerEnvironment& environment);

}  // namespace batchtune
