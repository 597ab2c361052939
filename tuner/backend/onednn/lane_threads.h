// The lanes of an instance as the threads of a kernels::Team: calls of kernels/tensor share their
// chunks among the same threads that oneDNN's primitives run on.
#pragma once

#include <atomic>
#include <functional>

#include "kernels/arena.h"
#include "tuner/backend/onednn/lanes.h"

namespace batchtune::onednn {

class LaneThreads final : public kernels::Threads {
 public:
  explicit LaneThreads(const Lanes& lanes) : lanes_(lanes) {}

  // A lane is one turn of for_each(): no two chunks of it overlap, whichever thread has the turn.
  void share(std::int64_t chunks, void* function, kernels::ChunkFunction call) override {
    std::atomic<std::int64_t> next{0};
    const auto turn = [&](std::int64_t lane) {
      for (std::int64_t chunk = next++; chunk < chunks; chunk = next++)
        call(function, chunk, static_cast<int>(lane));
    };
    lanes_.for_each(lanes_.threads(), std::cref(turn));
  }

 private:
  const Lanes& lanes_;
};

}  // namespace batchtune::onednn
