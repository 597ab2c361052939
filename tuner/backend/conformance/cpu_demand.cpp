#include "tuner/backend/conformance/cpu_demand.h"

#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <system_error>

namespace batchtune::conformance {
namespace {

constexpr double kNano = 1e-9;

Seconds seconds_of(clockid_t clock) {
  timespec time{};
  clock_gettime(clock, &time);
  return static_cast<double>(time.tv_sec) + kNano * static_cast<double>(time.tv_nsec);
}

// Without the looking itself.
Seconds ran_by_all() {
  return seconds_of(CLOCK_PROCESS_CPUTIME_ID) - seconds_of(CLOCK_THREAD_CPUTIME_ID);
}

// Of each thread but this one, by "RAN WAITED SLICES" in nanoseconds. Kernels without schedstat
// leave all of them out.
void read_threads(std::map<pid_t, ThreadTime>& threads) {
  const std::string self = std::to_string(gettid());
  std::error_code failed;
  for (std::filesystem::directory_iterator task("/proc/self/task", failed), end;
       !failed && task != end; task.increment(failed)) {
    const std::string name = task->path().filename().string();
    std::ifstream file(task->path() / "schedstat");
    double ran = 0, waited = 0;
    if (name != self && file >> ran >> waited)
      threads[std::stoi(name)] = {kNano * ran, kNano * waited};
  }
}

double stretch_of(const ThreadTime& thread) {
  return (thread.ran + thread.waited) / thread.ran;
}

}  // namespace

double computing_threads(std::vector<ThreadTime> threads, Seconds ran_by_all, Seconds passed) {
  std::erase_if(threads, [](const ThreadTime& thread) { return thread.ran <= 0; });
  std::sort(threads.begin(), threads.end(), [](const ThreadTime& a, const ThreadTime& b) {
    return stretch_of(a) < stretch_of(b);
  });
  Seconds known = 0, below = 0;
  for (const ThreadTime& thread : threads) known += thread.ran;
  double usual = 1;
  for (const ThreadTime& thread : threads) {
    usual = stretch_of(thread);
    below += thread.ran;
    if (2 * below >= known) break;
  }
  Seconds wanted = std::max(0.0, ran_by_all - known) * usual;
  for (const ThreadTime& thread : threads) wanted += thread.ran * std::min(stretch_of(thread), usual);
  return wanted / passed;
}

CpuDemand::CpuDemand() : first_of_all_(ran_by_all()), last_of_all_(first_of_all_) {
  read_threads(first_);
}

void CpuDemand::look() {
  read_threads(last_);
  last_of_all_ = ran_by_all();
  passed_ = stopwatch_.seconds();
}

double CpuDemand::threads() const {
  std::vector<ThreadTime> since;
  for (const auto& [thread, time] : last_) {
    const auto known = first_.find(thread);
    const ThreadTime before = known != first_.end() ? known->second : ThreadTime{};
    since.push_back({time.ran - before.ran, time.waited - before.waited});
  }
  return computing_threads(std::move(since), last_of_all_ - first_of_all_, passed_);
}

}  // namespace batchtune::conformance
