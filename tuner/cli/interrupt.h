// SIGINT and SIGTERM end a session after the observation in hand; the report of what was seen still
// comes. A second signal, of either kind, ends the process at once.
#pragma once

#include <atomic>

namespace batchtune {

// While it lives, the two signals set flags. One within another adds nothing: a signal that has
// come holds for both. Not for several threads.
class InterruptWatch {
 public:
  InterruptWatch();
  ~InterruptWatch();
  InterruptWatch(const InterruptWatch&) = delete;
  InterruptWatch& operator=(const InterruptWatch&) = delete;

  const std::atomic<bool>& interrupted() const;
  int signal() const;  // 0: none came
};

}  // namespace batchtune
