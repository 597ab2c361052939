#include "tuner/backend/neuron/compilations.h"

#include <algorithm>
#include <system_error>
#include <utility>

#include "tuner/core/stopwatch.h"

namespace batchtune::neuron {

// All are asked before the first is waited for.
Compilations::~Compilations() {
  for (std::jthread& thread : threads_) thread.request_stop();
}

Compilations::Job* Compilations::find(const Work& work) {
  const auto found = std::find_if(jobs_.begin(), jobs_.end(), [&](const auto& job) {
    return job->work.program == work.program && job->work.entry.arguments == work.entry.arguments;
  });
  return found == jobs_.end() ? nullptr : found->get();
}

void Compilations::start(Work work) {
  if (compiler_.cache().find(work.program, work.entry.arguments)) return;
  const std::scoped_lock lock(mutex_);
  if (find(work) != nullptr) return;
  if (std::ssize(threads_) < at_once_) {
    try {
      threads_.emplace_back([this](const std::stop_token& stop) { serve(stop); });
    } catch (const std::system_error&) {
      if (threads_.empty()) return;  // then it is compiled when it is asked for
    }
  }
  jobs_.push_back(std::make_unique<Job>(Job{std::move(work), false, std::nullopt}));
  news_.notify_all();
}

void Compilations::serve(const std::stop_token& stop) {
  while (true) {
    std::unique_lock lock(mutex_);
    Job* next = nullptr;
    const auto has_next = [&] {
      const auto waiting = std::find_if(jobs_.begin(), jobs_.end(),
                                        [](const auto& job) { return !job->taken; });
      next = waiting == jobs_.end() ? nullptr : waiting->get();
      return next != nullptr;
    };
    if (!news_.wait(lock, stop, has_next) || stop.stop_requested()) return;
    next->taken = true;  // from now on it stays until it is done
    lock.unlock();
    auto outcome = compiler_.compile(next->work, stop);
    lock.lock();
    next->outcome = std::move(outcome);
    news_.notify_all();
  }
}

Outcome<Finished> Compilations::finish(const Work& work) {
  const Stopwatch stopwatch;
  std::unique_lock lock(mutex_);
  Job* const job = find(work);
  const bool is_mine = job == nullptr || !job->taken;
  const bool was_done = !is_mine && job->outcome.has_value();
  std::optional<Outcome<Compiled>> outcome;
  if (!is_mine) {
    news_.wait(lock, [&] { return job->outcome.has_value(); });
    outcome = std::move(job->outcome);
  }
  std::erase_if(jobs_, [&](const auto& one) { return one.get() == job; });
  lock.unlock();
  if (is_mine) outcome = compiler_.compile(work);
  if (!*outcome) return tl::unexpected(std::move(outcome->error()));
  const bool no_wait = was_done || (is_mine && (**outcome).was_cached);
  return Finished{std::move((**outcome).neff), no_wait ? 0 : stopwatch.seconds()};
}

}  // namespace batchtune::neuron
