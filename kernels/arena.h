// Threads for kernels: the one place that knows oneTBB.
// A program run is one TBB region (Arena::run); inside it, operations share their chunks among the
// lanes through a job that lanes claim from with atomics, since a TBB task per operation often does
// not get its second thread within 20 us. Lane i begins with the i-th part of the chunks and helps
// the others afterwards, so that what it wrote in one operation it reads in the next. Helpers spin
// while the region lasts and use no CPU outside it.
#pragma once

#include <sched.h>

#include <cstdint>
#include <memory>
#include <type_traits>

namespace batchtune::kernels {

const char* arena_library();  // name and version of what runs the threads: "oneTBB 2021.8"

using ChunkFunction = void (*)(void* function, std::int64_t chunk, int lane);

// Who does a Team's chunks: the lanes of an arena, or threads that a library brought along.
class Threads {
 public:
  // As Team::for_each says of f.
  virtual void share(std::int64_t chunks, void* function, ChunkFunction call) = 0;

 protected:
  ~Threads() = default;
};

// How much there is to do. A hand-off costs about a microsecond: tiny work stays on the caller.
enum class Grain : std::uint8_t { normal, tiny };

// The lanes of one region. Only the thread that runs the region's body may call for_each, and not
// from inside a chunk.
class Team {
 public:
  // A team of one lane without an arena: everything runs on the caller.
  Team() = default;
  // Of other threads than an arena's; they must outlive the team.
  Team(Threads& threads, int lanes) : threads_(&threads), lanes_(lanes) {}

  int lanes() const { return lanes_; }

  // Calls f(chunk, lane) for every chunk in [0, chunks), each once, on some lane in [0, lanes()),
  // in no set order; returns when all are done, and what they wrote is visible. Two chunks on one
  // lane never overlap: lane-local scratch needs no lock. f must not throw.
  template <typename F>
  void for_each(std::int64_t chunks, F&& f, Grain grain = Grain::normal) {
    if (threads_ == nullptr || lanes_ == 1 || chunks <= 1 || grain == Grain::tiny) {
      for (std::int64_t chunk = 0; chunk < chunks; ++chunk) f(chunk, 0);
      return;
    }
    using Function = std::remove_reference_t<F>;
    share(chunks, const_cast<void*>(static_cast<const void*>(&f)),
          [](void* function, std::int64_t chunk, int lane) {
            (*static_cast<Function*>(function))(chunk, lane);
          });
  }

 private:
  void share(std::int64_t chunks, void* function, ChunkFunction call);

  Threads* threads_ = nullptr;
  int lanes_ = 1;
};

enum class Pin : std::uint8_t { no, yes };

// `threads` lanes (at least 1). With Pin::yes lane i runs on the i-th CPU (modulo their number)
// that the constructing thread may use; the thread that calls run() is pinned for the time of the
// call, or longer under a CallerPin, and gets its own set back. One run() at a time per arena;
// arenas are independent of each other.
class Arena {
 public:
  Arena(int threads, Pin pin);
  ~Arena();
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  int lanes() const;
  bool pinned() const;  // asked for, and the CPUs are known

  // Calls body(Team&) on the calling thread (lane 0). Returns after the body; helpers that never
  // arrived are not waited for inside it. An exception from the body passes through.
  template <typename F>
  void run(F&& body) {
    using Function = std::remove_reference_t<F>;
    run_erased(const_cast<void*>(static_cast<const void*>(&body)),
               [](void* function, Team& team) { (*static_cast<Function*>(function))(team); });
  }

 private:
  friend class CallerPin;
  void run_erased(void* function, void (*call)(void* function, Team& team));

  struct State;
  std::unique_ptr<State> state_;
};

// Holds the calling thread on lane 0's CPU, if the arena is pinned: around runs that are timed one
// by one, whose times would have the system calls of pinning in them otherwise. May be nested.
class CallerPin {
 public:
  explicit CallerPin(Arena& arena);
  ~CallerPin();
  CallerPin(const CallerPin&) = delete;
  CallerPin& operator=(const CallerPin&) = delete;

 private:
  Arena* arena_ = nullptr;  // whose flag and thread are to be set back
  cpu_set_t before_;
};

}  // namespace batchtune::kernels
