// Threads pinned to CPUs that start together and are parked in between, using no CPU.
// Not a pool for kernels (kernels/arena.h is): this one exists to measure, and links without
// oneTBB.
#pragma once

#include <functional>
#include <memory>
#include <vector>

namespace batchtune::probe {

// The CPUs that this process may run on, ascending (sched_getaffinity). Never empty: {0} if the
// system does not say.
std::vector<int> allowed_cpus();

class PinnedTeam {
 public:
  // One thread per entry of `cpus`. Where the system refuses a thread the team is smaller; size()
  // says.
  explicit PinnedTeam(const std::vector<int>& cpus);
  ~PinnedTeam();
  PinnedTeam(const PinnedTeam&) = delete;
  PinnedTeam& operator=(const PinnedTeam&) = delete;

  int size() const;
  bool pinned() const;  // whether every thread got its CPU

  // The first `members` threads (at most size()) each call prepare(i), meet, and call work(i).
  // Seconds from the first start of `work` to its last end; waking up and preparing are not in it.
  // Called from one thread at a time. Neither function may throw.
  double run(int members, const std::function<void(int)>& prepare,
             const std::function<void(int)>& work);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace batchtune::probe
