// What a backend's threads do: beside and after runs, and when one is to end.
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <ctime>
#include <string>
#include <thread>

#include "tuner/backend/conformance/checks.h"
#include "tuner/backend/conformance/cpu_demand.h"
#include "tuner/backend/conformance/steps.h"
#include "tuner/backend/plugin/cancellable.h"
#include "tuner/core/process_state.h"
#include "tuner/core/stopwatch.h"

namespace batchtune::conformance {
namespace {

constexpr std::int64_t kBatch = 16;
constexpr Seconds kLook = 0.3;  // of runs
constexpr Seconds kStep = 0.005;
constexpr double kThreadSlack =
    0.25;  // of a thread, on average: the caller's own work between runs

Seconds cpu_seconds() {
  timespec time{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

void sleep_for(Seconds seconds) {
  std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
}

// Threads that computed, on average, while runs were made for about `kLook`.
Step<double> threads_in_use(const Subject& subject, int threads) {
  LoadOptions options = subject.options;
  options.group.threads = threads;
  options.group.instances = 1;
  BT_TRY(model, load(subject, options));
  BT_TRY(program, prepare(*model, options.group, kBatch));
  BT_TRY_VOID(run(*program));
  double used = 0;
  std::jthread observer([&](const std::stop_token& stop) {
    CpuDemand demand;
    while (!stop.stop_requested()) {
      sleep_for(kStep);
      demand.look();
    }
    used = demand.threads();
  });
  const Stopwatch stopwatch;
  while (stopwatch.seconds() < kLook) BT_TRY_VOID(run(*program));
  observer.request_stop();
  observer.join();
  return used;
}

Step<Finding> keeps_to_threads(const Subject& subject) {
  std::string seen;
  const int most = std::max(1, subject.options.group.threads);
  for (const int threads : {1, most}) {
    BT_TRY(used, threads_in_use(subject, threads));
    const std::string words =
        std::to_string(threads) + " asked for, " + format_number(used, 2) + " in use";
    if (used > threads + kThreadSlack) return failed(words);
    seen += (seen.empty() ? "" : "; ") + words;
    if (threads == most) break;
  }
  return passed(seen);
}

constexpr Seconds kSpinsForGood = 1;
constexpr double kQuietShare = 0.05;  // of a CPU

// How long after its last run the process went on using CPU; as long as it was looked at where it
// never ended.
Seconds restless_seconds() {
  const Stopwatch stopwatch;
  Seconds restless = 0;
  int quiet = 0;  // looks in a row
  while (quiet < 10 && stopwatch.seconds() < kSpinsForGood) {
    const Stopwatch look;
    const Seconds before = cpu_seconds();
    sleep_for(kStep);
    if (cpu_seconds() - before < kQuietShare * look.seconds() &&
        runnable_threads(getpid(), gettid()) == 0) {
      ++quiet;
    } else {
      quiet = 0;
      restless = stopwatch.seconds();
    }
  }
  return restless;
}

Step<Finding> goes_quiet(const Subject& subject) {
  BT_TRY(model, load(subject));
  BT_TRY(program, prepare(*model, subject.options.group, kBatch));
  Seconds longest = 0;
  for (int i = 0; i < 3; ++i) {
    BT_TRY_VOID(run(*program, 2));
    longest = std::max(longest, restless_seconds());
    if (longest >= kSpinsForGood - 2 * kStep) break;
  }
  if (longest >= kSpinsForGood - 2 * kStep)
    return failed("it still computes " + format_seconds(longest) + " after a run");
  if (longest > kSpinPatience + 2 * kStep)
    return advisory("threads spin for " + format_seconds(longest) +
                    " after a run; measuring stops the process after " +
                    format_seconds(kSpinPatience));
  return passed("no CPU is used " + format_seconds(std::max(longest, kStep)) + " after a run");
}

constexpr Seconds kInMiddle = 0.1;  // after which it is cancelled
constexpr Seconds kLongRun = 3;     // that it would have taken
constexpr Seconds kSoon = 1;        // as plugin_abi.h has it
constexpr double kMostRuns = 1e6;

Step<Finding> is_cancelled(const Subject& subject) {
  BT_TRY(model, load(subject));
  BT_TRY(program, prepare(*model, subject.options.group, kBatch));
  auto* const cancellable = dynamic_cast<Cancellable*>(program.get());
  if (cancellable == nullptr) return skipped("only plugins can have it");
  if (!cancellable->can_cancel()) return skipped("the plugin has no cancel()");
  cancellable->cancel();  // without a run in progress nothing happens
  BT_TRY_VOID(run(*program));
  const Stopwatch one;
  BT_TRY_VOID(run(*program));
  Seconds late = 0;
  Seconds expected = one.seconds();  // of a run; many in a row can be far cheaper than one alone
  for (;;) {
    const double runs = std::ceil(kLongRun / std::max(expected, kLongRun / kMostRuns));
    Stopwatch since;
    std::jthread canceller([&] {
      sleep_for(kInMiddle);
      since = Stopwatch();
      cancellable->cancel();
    });
    const Stopwatch all;
    const auto times = program->run(static_cast<int>(runs));
    const Seconds took = all.seconds();
    canceller.join();
    late = since.seconds();
    if (!times) break;
    if (took > kLongRun / 2 || runs >= kMostRuns)
      return failed("run() did all its " + format_number(runs, 3) + " runs, " + format_seconds(late) +
                    " after it was cancelled");
    expected = std::min(expected / 2, took / runs);  // it may have been done before
  }
  if (late > kSoon) return failed("run() returned " + format_seconds(late) + " later");
  BT_TRY_VOID(run(*program));
  return passed("run() returned " + format_seconds(late) + " later, and runs again");
}

}  // namespace

Finding check_threads(const Subject& subject) {
  return finding_of(keeps_to_threads(subject));
}
Finding check_quiet(const Subject& subject) {
  return finding_of(goes_quiet(subject));
}
Finding check_cancel(const Subject& subject) {
  return finding_of(is_cancelled(subject));
}

}  // namespace batchtune::conformance
