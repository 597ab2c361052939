#include "tuner/measure/visit.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <exception>
#include <new>
#include <optional>
#include <system_error>

#include <benchmark/benchmark.h>

namespace batchtune {
namespace {

constexpr char kBenchmarkName[] = "visit";

// Keeps nothing: samples are captured in the loop. With the library's own reporter a second call
// crashes.
class SilentReporter final : public benchmark::BenchmarkReporter {
 public:
  bool ReportContext(const Context&) override { return true; }
  void ReportRuns(const std::vector<Run>&) override {}
};

// Of a call with several instances: they wait for each other once or twice in a usual visit, and
// the beacon still beats far more often than any timeout.
constexpr Seconds kSecondsOfACall = 0.030;
constexpr int kMostRunsOfACall = 64;

// One for each timed run, or one for all of them.
int iterations(const VisitPlan& plan) {
  return plan.instances == 1 ? plan.timed : 1;
}

using SteadyTime = std::chrono::steady_clock::time_point;

Seconds between(SteadyTime start, SteadyTime end) {
  return std::chrono::duration<double>(end - start).count();
}

// The runs of one visit. `last_end`: when the last run of all visits so far was over.
class Recorder {
 public:
  Recorder(const VisitPlan& plan, std::size_t number, VisitHooks& hooks,
           std::optional<SteadyTime>& last_end)
      : plan_(plan), number_(number), hooks_(hooks), last_end_(last_end) {}

  // The body of the benchmark. The library checks that the loop runs out (leaving it early aborts
  // the process) unless an error was reported.
  void run_all(benchmark::State& state) {
    hooks_.before(number_);
    plan_.program->announce(plan_.warm + plan_.timed);
    if (last_end_) runs_.gap = between(*last_end_, std::chrono::steady_clock::now());
    if (!run_block(plan_.warm)) state.SkipWithError("a warm run failed");
    hooks_.before_timed(number_);
    for (auto _ : state) {
      const std::optional<Seconds> seconds = run_block(plan_.timed / iterations(plan_));
      if (!seconds) {
        state.SkipWithError("a run failed");
        break;
      }
      state.SetIterationTime(*seconds);
    }
    runs_.extra = plan_.program->take_extra();
    hooks_.after(number_);
  }

  VisitRuns take_runs() {
    const auto wanted = static_cast<std::size_t>(plan_.warm + plan_.timed);
    const bool complete =
        std::ssize(runs_.instances) == plan_.instances &&
        std::all_of(runs_.instances.begin(), runs_.instances.end(),
                    [&](const auto& instance) { return instance.size() == wanted; });
    if (runs_.ending.status == TrialStatus::ok && !complete)
      runs_.ending = {TrialStatus::failed, "the backend reported too few or too many durations", "",
                      ""};
    if (runs_.ending.status != TrialStatus::ok) runs_.instances.clear();
    return std::move(runs_);
  }

 private:
  // Seconds of all its runs, of the slowest instance; nullopt when one ended otherwise than ok.
  std::optional<Seconds> run_block(int runs) {
    Seconds seconds = 0;
    for (int left = runs; left > 0;) {
      const int now = std::min(left, runs_of_a_call());
      const std::optional<Seconds> some = run(now);
      if (!some) return std::nullopt;
      seconds += *some;
      left -= now;
    }
    return seconds;
  }

  // The first call of several instances tells how long a run takes.
  int runs_of_a_call() const {
    if (plan_.instances == 1 || runs_.instances.empty()) return 1;
    Seconds longest = 0;
    for (const auto& instance : runs_.instances)
      if (!instance.empty()) longest = std::max(longest, instance.back());
    return longest * kMostRunsOfACall > kSecondsOfACall
               ? std::max(1, static_cast<int>(kSecondsOfACall / longest))
               : kMostRunsOfACall;
  }

  std::optional<Seconds> run(int n) {
    Outcome<RunTimes> times = RunTimes{};
    Ending& ending = runs_.ending;
    ending = ending_of_exceptions([&] { times = plan_.program->run(n); });
    last_end_ = std::chrono::steady_clock::now();
    if (ending.status == TrialStatus::ok && !times) ending = times.error();
    if (ending.status == TrialStatus::ok) ending = check_durations(*times);
    if (ending.status != TrialStatus::ok) return std::nullopt;
    const Seconds seconds = keep(*times);
    hooks_.after_run();
    return seconds;
  }

  // Returns what the slowest instance spent.
  Seconds keep(const RunTimes& times) {
    std::vector<Seconds> spent(static_cast<std::size_t>(plan_.instances));
    for (std::size_t i = 0; i < times.seconds.size(); ++i) {
      const auto instance =
          static_cast<std::size_t>(i < times.instance.size() ? times.instance[i] : 0);
      while (runs_.instances.size() <= instance)
        runs_.instances.emplace_back().reserve(static_cast<std::size_t>(plan_.warm + plan_.timed));
      runs_.instances[instance].push_back(times.seconds[i]);
      if (instance < spent.size()) spent[instance] += times.seconds[i];
    }
    return *std::max_element(spent.begin(), spent.end());
  }

  const VisitPlan& plan_;
  std::size_t number_;
  VisitHooks& hooks_;
  std::optional<SteadyTime>& last_end_;
  VisitRuns runs_;
};

}  // namespace

Ending check_durations(const RunTimes& times) {
  if (times.seconds.empty())
    return {TrialStatus::failed, "the backend reported no duration", "", ""};
  const bool sound = std::all_of(times.seconds.begin(), times.seconds.end(), [](Seconds seconds) {
    return std::isfinite(seconds) && seconds >= 0;
  });
  if (sound) return {};
  return {TrialStatus::failed, "the backend reported a duration that is none", "", ""};
}

Ending ending_of_exceptions(const std::function<void()>& work) {
  try {
    work();
    return {};
  } catch (const std::bad_alloc&) {
    return {TrialStatus::out_of_memory, "memory could not be allocated", "allocator: bad_alloc",
            "host"};
  } catch (const std::system_error& error) {
    if (error.code() == std::errc::resource_unavailable_try_again ||
        error.code() == std::errc::not_enough_memory)
      return {TrialStatus::out_of_memory, "memory could not be allocated",
              std::string("system: ") + error.what(), "host"};
    return {TrialStatus::failed, error.what(), "exception", ""};
  } catch (const std::exception& error) {
    return {TrialStatus::failed, error.what(), "exception", ""};
  } catch (...) {
    return {TrialStatus::failed, "an exception without a description", "exception", ""};
  }
}

// All visits are registered before the first one runs: registering and choosing benchmarks takes
// far longer than going from one to the next.
std::vector<VisitRuns> run_visits(std::span<const VisitPlan> plans, VisitHooks& hooks) {
  std::optional<SteadyTime> last_end;
  std::vector<Recorder> recorders;
  recorders.reserve(plans.size());
  for (const VisitPlan& plan : plans) {
    Recorder& recorder = recorders.emplace_back(plan, recorders.size(), hooks, last_end);
    benchmark::RegisterBenchmark(kBenchmarkName,
                                 [&recorder](benchmark::State& state) { recorder.run_all(state); })
        ->UseManualTime()
        ->Repetitions(1)  // whatever the environment says
        ->Iterations(iterations(plan));
  }
  SilentReporter reporter;
  if (!plans.empty()) benchmark::RunSpecifiedBenchmarks(&reporter, kBenchmarkName);
  benchmark::ClearRegisteredBenchmarks();
  std::vector<VisitRuns> results;
  for (Recorder& recorder : recorders) results.push_back(recorder.take_runs());
  return results;
}

}  // namespace batchtune
