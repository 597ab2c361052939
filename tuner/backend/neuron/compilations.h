// Compilations in the background, while the device measures others: some at a time, each waited for
// by a thread that sleeps meanwhile. Their children end with this object, and with the process
// however that ends.
#pragma once

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "tuner/backend/neuron/compiler.h"

namespace batchtune::neuron {

struct Finished {
  std::string neff;
  Seconds waited = 0;  // for the compiler; 0: it was compiled before
};

class Compilations {
 public:
  Compilations(const Compiler& compiler, int at_once) : compiler_(compiler), at_once_(at_once) {}
  ~Compilations();
  Compilations(const Compilations&) = delete;
  Compilations& operator=(const Compilations&) = delete;

  const Compiler& compiler() const { return compiler_; }
  // In its turn; not what is under way or in the cache. What fails is told by finish().
  void start(Work work);
  // Waits for what is under way; what still waits for its turn, or was never started, is compiled at
  // once.
  Outcome<Finished> finish(const Work& work);

 private:
  struct Job {
    Work work;
    bool taken = false;
    std::optional<Outcome<Compiled>> outcome;
  };
  using Jobs = std::deque<std::unique_ptr<Job>>;

  void serve(const std::stop_token& stop);
  Job* find(const Work& work);

  const Compiler& compiler_;
  const int at_once_;
  std::mutex mutex_;
  std::condition_variable_any news_;  // a job to take, or one that is done
  Jobs jobs_;                         // until finish() has asked for them
  std::vector<std::jthread> threads_;  // first to go
};

}  // namespace batchtune::neuron
