#include "tuner/backend/simulated/compiler.h"

#include <algorithm>
#include <limits>

namespace batchtune::simulated {

Compiler::Compiler(int at_a_time) : free_at_(static_cast<std::size_t>(at_a_time), 0) {}

void Compiler::add_compiled(const std::string& program) {
  ends_.emplace(program, -std::numeric_limits<Seconds>::infinity());
}

Seconds Compiler::start(const Job& job, Seconds earliest) {
  Seconds& free = *std::min_element(free_at_.begin(), free_at_.end());
  free = std::max(free, earliest) + job.seconds;
  ends_[job.program] = untold_[job.program] = free;
  return free;
}

void Compiler::start_until(Seconds now) {
  while (!waiting_.empty() && *std::min_element(free_at_.begin(), free_at_.end()) <= now) {
    const Job job = waiting_.front();
    waiting_.pop_front();
    start(job, job.asked);
  }
}

void Compiler::compile_ahead(const std::string& program, Seconds seconds, Seconds now) {
  start_until(now);
  const bool waits = std::any_of(waiting_.begin(), waiting_.end(),
                                 [&](const Job& job) { return job.program == program; });
  if (ends_.contains(program) || waits) return;
  waiting_.push_back({program, seconds, now});
  start_until(now);
}

Seconds Compiler::wait_for(const std::string& program, Seconds seconds, Seconds now) {
  start_until(now);
  std::erase_if(waiting_, [&](const Job& job) { return job.program == program; });
  const auto known = ends_.find(program);
  const Seconds end = known != ends_.end() ? known->second : start({program, seconds, now}, now);
  return std::max<Seconds>(0, end - now);
}

std::vector<std::string> Compiler::take_finished(Seconds now) {
  start_until(now);
  std::vector<std::string> finished;
  for (const auto& [program, end] : untold_)
    if (end <= now) finished.push_back(program);
  for (const std::string& program : finished) untold_.erase(program);
  return finished;
}

}  // namespace batchtune::simulated
