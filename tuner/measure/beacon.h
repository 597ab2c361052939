// A page of memory shared between a worker and its parent, in which the worker says what it has in
// hand. It survives whatever ends the worker, so a death is laid to the right phase, program and
// batch; a counter in it is the sign of life. Writing it costs some nanoseconds and no system call.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "tuner/core/error.h"
#include "tuner/core/observation.h"

namespace batchtune {

enum class Phase {
  starting,
  idle,
  loading,
  preparing,
  first_run,
  checking,
  warm,
  timed,
  canary,
  profiling,
  soak
};
std::string_view name_of(Phase phase);  // as in "last seen preparing batch 8"

struct BeaconState {
  Phase phase = Phase::starting;
  TrialId program = 0;     // 0: none
  std::int64_t batch = 0;  // 0: none
  std::uint64_t beats = 0;
};

class Beacon {
 public:
  // In the parent: a new page, all zero; its descriptor is handed to the child.
  static Result<Beacon> create();
  // In the child. A beacon over private memory when `fd` is none of ours (tests, a foreign parent).
  static Beacon attach(int fd);
  Beacon(Beacon&&) noexcept;
  Beacon& operator=(Beacon&&) noexcept;
  ~Beacon();

  void set(Phase phase, TrialId program = 0, std::int64_t batch = 0) noexcept;  // beats as well
  void beat() noexcept;
  BeaconState read() const noexcept;
  int fd() const { return fd_; }

 private:
  struct Page;
  Beacon(Page* page, int fd) : page_(page), fd_(fd) {}
  Page* page_ = nullptr;
  int fd_ = -1;  // owned by the parent's side; -1 in the child
};

}  // namespace batchtune
