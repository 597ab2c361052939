// What the tests of measuring share: a small model, candidates, and the backends of the test
// worker.
#pragma once

#include <string>

#include "tuner/core/candidate.h"
#include "tuner/measure/worker.h"
#include "tuner/measure/worker_measurer.h"
#include "tuner/workload/model.h"

namespace batchtune {

// Beside the project's backends, and those of fault_backends.h and racing_backends.h, the test
// worker knows:
//   garbage      writes bytes that are no frame to its channel, then waits
//   chatty       prints to stdout, then is the simulated backend
//   slow         takes a moment to open, then is the simulated backend
//   stray:FILE   answers a question that nobody asked, unless FILE exists, which it creates
//   mapping      takes 1 GiB of address space at loading and 64 MiB for each program, unaccounted
//   nan          its batch 1 gives NaN, the others do not
//   proving      proves a kernel at each load that was not told of the proof
//   reference    three programs on the host's clock, in place of kernels/probe; one of them fails
//                with kThreadsWithoutCache
// and its canaries are scripted.
inline constexpr int kThreadsWithoutCache = 99;
WorkerEnvironment test_environment();

// "FILE probe" or "FILE share": starts a worker of the backend family:FILE, which hangs in its
// first run or in a share, prints its process id and that of what it started, and waits to be
// killed.
inline constexpr char kOrphanCommand[] = "__orphan";
int become_parent_of_a_hanging_worker(const std::string& file, bool in_a_share);

// Of a direct child of this process that is no zombie; 0 when there is none.
int pid_of_a_child();
// Kills a child of this process and waits until it is a zombie, which is left for its parent to
// reap.
void kill_child(int pid);

bool is_running(int pid);  // not even a zombie is
bool is_gone_within(int pid, Seconds seconds);

Model small_model();  // 8 -> 4
Candidate simulated_candidate(std::int64_t batch, int instances = 1);

// A measurer over one simulated backend with these parameters; patient, unless the test says
// otherwise.
WorkerMeasurerOptions simulated_options(const std::string& parameters);

}  // namespace batchtune
