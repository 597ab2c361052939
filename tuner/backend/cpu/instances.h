// The instances of a loaded model, each with an arena on CPUs of its own (and, where there are
// enough, cores of its own); how they run side by side is side_by_side.h's. Knows no model and no
// step.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "kernels/arena.h"
#include "tuner/backend/side_by_side.h"

namespace batchtune::cpu {

class Instances {
 public:
  // At least one, of `threads` threads each. Throws std::system_error where a thread cannot be
  // started.
  Instances(int count, int threads);

  int count() const { return side_by_side_->count(); }
  kernels::Arena& arena(int instance) { return *arenas_[static_cast<std::size_t>(instance)]; }

  // As SideBySide::run, each batch within its instance's arena.
  using RunBatch = std::function<void(int instance, kernels::Team& team)>;
  RunTimes run(int n, const RunBatch& batch);
  bool over() const { return side_by_side_->over(); }

 private:
  std::vector<std::unique_ptr<kernels::Arena>> arenas_;
  std::unique_ptr<SideBySide> side_by_side_;  // its threads are pinned to the arenas: first to go
};

}  // namespace batchtune::cpu
