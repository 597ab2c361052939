// The threads of one instance. oneDNN brings none of its own: it uses those of OpenMP or oneTBB
// (whichever it was built for), as many as the calling thread is set to, and this sets them. So all
// that describes, makes or runs primitives happens within().
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

namespace batchtune::onednn {

class Lanes {
 public:
  // `cpus`: thread i runs on the i-th of them; empty: anywhere.
  Lanes(int threads, std::vector<int> cpus);
  ~Lanes();
  Lanes(const Lanes&) = delete;
  Lanes& operator=(const Lanes&) = delete;

  int threads() const { return threads_; }
  bool pinned() const { return !cpus_.empty(); }

  // On the calling thread, which is pinned for so long and gets its own CPUs back at the end. May
  // be nested: the innermost counts. What `work` throws passes through.
  void within(const std::function<void()>& work);

  // Calls each(0) to each(count - 1), in any order, by all threads. Within within() only; `each`
  // must not throw.
  void for_each(std::int64_t count, const std::function<void(std::int64_t)>& each) const;

 private:
  struct Threads;  // of the runtime

  int threads_;
  std::vector<int> cpus_;
  std::unique_ptr<Threads> of_runtime_;
};

// CPUs for `instances` of `threads` each, of those that this thread may use: the first ones, as the
// cpu backend takes them; of several instances both hardware threads of a core are one's. Round and
// round where there are fewer; empty lists where none are known.
std::vector<std::vector<int>> cpus_of_instances(int instances, int threads);

}  // namespace batchtune::onednn
