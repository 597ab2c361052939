// The instances of a loaded model side by side: each has a thread that runs it; the first one's is
// the caller. Knows no model and no device: what one run of an instance is, the backend says.
// The trap: a run counts only under the load of all others. So all start at one moment, and who has
// done its runs goes on with uncounted ones until the last has done its own.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <functional>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

#include "tuner/backend/backend.h"

namespace batchtune {

Seconds steady_seconds();  // the clock of loading, preparing and running

// How loading ends where an instance's thread could not be started.
Ending no_thread(const std::system_error& error);

class SideBySide {
 public:
  // Called on an instance's own thread, with work that it must do once: of a further instance all
  // that its thread ever does, of the first one its part of one run(). To be put around it: a pin,
  // a thread's settings. May be empty.
  using Around = std::function<void(int instance, const std::function<void()>& work)>;

  // At least one. Throws std::system_error where a thread cannot be started: see no_thread().
  explicit SideBySide(int count, Around around = {});
  SideBySide(const SideBySide&) = delete;
  SideBySide& operator=(const SideBySide&) = delete;

  int count() const { return static_cast<int>(members_.size()); }

  // One batch of one instance. Called on that instance's thread; once over() is true nobody looks
  // at what it does, and it should return soon.
  using RunBatch = std::function<void(int instance)>;
  // n runs of each, tagged by instance. What a batch throws is thrown here when all are back. Uses
  // no CPU outside of this call.
  RunTimes run(int n, const RunBatch& batch);
  bool over() const { return unfinished_.load(std::memory_order_relaxed) == 0; }

 private:
  struct Member {
    std::vector<Seconds> seconds;  // of the runs that count
    std::exception_ptr failure;
  };

  void within(int instance, const std::function<void()>& work);
  void serve(int instance, const std::stop_token& stop);  // a further instance's thread
  void take_part(int instance);
  void run_batches(int instance);
  void start_together();

  Around around_;
  std::vector<Member> members_;
  int runs_ = 0;  // the job in hand; written while nobody works
  const RunBatch* batch_ = nullptr;
  std::atomic<int> arrived_{0};
  std::atomic<int> unfinished_{0};  // that have not done their runs yet
  std::mutex mutex_;
  std::condition_variable_any wake_;
  std::condition_variable back_;
  std::uint64_t job_ = 0;              // number of the last one
  int working_ = 0;                    // further instances that are not back from it
  std::vector<std::jthread> threads_;  // of the further instances; the first to go
};

}  // namespace batchtune
