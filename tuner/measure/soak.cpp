#include "tuner/measure/soak.h"

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <string>
#include <utility>

#include "tuner/core/stopwatch.h"
#include "tuner/measure/memory_readings.h"
#include "tuner/measure/visit.h"

namespace batchtune {
namespace {

constexpr int kQuarters = 4;
// Of resident memory, from one quarter to the next: less is an allocator that settles.
constexpr double kGrowth = 0.01;
constexpr Bytes kLeastGrowth = Bytes{1} << 20;
constexpr int kThirds = 3;
constexpr std::ptrdiff_t kLeastRuns = 12;  // with less than four in a third one of them decides
constexpr double kFastShare = 0.1;         // the fastest tenth: neighbours do not reach all of it
constexpr double kPaceLoss =
    0.15;  // levels of a shared machine differ by some percent by themselves

constexpr Seconds kSecondsAhead = 1;
constexpr int kMostAhead = 10'000;  // of short runs

constexpr std::size_t kMostRuns = 8192;  // kept: enough for tenths of thirds, 64 KiB

bool keeps_growing(const std::vector<Bytes>& resident) {
  if (std::ssize(resident) < kQuarters) return false;
  return std::adjacent_find(resident.begin(), resident.end(), [](Bytes before, Bytes after) {
           const double step = static_cast<double>(after - before);
           return step < kGrowth * static_cast<double>(before) || after - before < kLeastGrowth;
         }) == resident.end();
}

Seconds fast_run(std::vector<Seconds> runs) {
  const auto index = static_cast<std::ptrdiff_t>(kFastShare * static_cast<double>(runs.size()));
  std::nth_element(runs.begin(), runs.begin() + index, runs.end());
  return runs[static_cast<std::size_t>(index)];
}

// Made in one go by programs that can: a second's, so that the beacon beats far more often than any
// timeout. The first is alone, since nothing is known of it.
int runs_ahead(Seconds run, Seconds left) {
  const Seconds most = std::min(kSecondsAhead, left);
  return run > 0 ? static_cast<int>(std::clamp<double>(most / run, 1, kMostAhead)) : 1;
}

}  // namespace

SoakRecord::SoakRecord() {
  runs.reserve(kMostRuns);
  resident.reserve(kQuarters);
}

void SoakRecord::add(Seconds run) {
  if (seen++ % stride != 0) return;
  runs.push_back(run);
  if (runs.size() < kMostRuns) return;
  for (std::size_t i = 0; i < kMostRuns / 2; ++i) runs[i] = runs[2 * i];
  runs.resize(kMostRuns / 2);
  stride *= 2;
}

Ending judge_soak(const SoakRecord& record) {
  if (keeps_growing(record.resident)) {
    const auto bytes = [](Bytes count) { return format_bytes(static_cast<double>(count)); };
    return {TrialStatus::unstable, "its memory keeps growing under sustained load",
            "soak: resident " + bytes(record.resident.front()) + " after a quarter, " +
                bytes(record.resident.back()) + " at the end, more in each quarter",
            ""};
  }
  if (std::ssize(record.runs) < kLeastRuns) return {};
  const std::ptrdiff_t third = std::ssize(record.runs) / kThirds;
  const Seconds first = fast_run({record.runs.begin(), record.runs.begin() + third});
  const Seconds last = fast_run({record.runs.end() - third, record.runs.end()});
  if (last <= first * (1 + kPaceLoss)) return {};
  const int percent = static_cast<int>(std::lround((last / first - 1) * 100));
  return {TrialStatus::unstable, "it slows down under sustained load",
          "soak: its fast runs took " + format_seconds(first) + " in the first third and " +
              format_seconds(last) + " in the last, " + std::to_string(percent) + " % more",
          ""};
}

protocol::Soaked soak(Program& program, Seconds seconds, const std::function<void()>& beat) {
  const Stopwatch stopwatch;
  protocol::Soaked soaked;
  SoakRecord record;
  const Ending thrown = ending_of_exceptions([&] {
    Seconds run = 0;
    int ahead = 0, started = 0;  // runs that are announced; since then, those that cost extra
    const auto are_made = [&] { return ahead > 0 && started == 1; };
    for (Seconds passed = 0; passed < seconds || soaked.runs == 0 || are_made(); beat()) {
      if (ahead == 0) {
        ahead = runs_ahead(run, seconds - passed);
        started = 0;
        program.announce(ahead);
      }
      --ahead;
      const auto times = program.run(1);
      if (!times) {
        soaked.ending = times.error();
        return;
      }
      soaked.ending = check_durations(*times);
      if (soaked.ending.status != TrialStatus::ok) return;
      ++soaked.runs;
      run = *std::max_element(times->seconds.begin(), times->seconds.end());
      record.add(run);
      const Seconds extra = program.take_extra();
      started += extra > 0 ? 1 : 0;
      soaked.spent += run + extra;
      passed = std::max(soaked.spent, stopwatch.seconds());
      const auto quarters = static_cast<double>(std::ssize(record.resident) + 1);
      if (passed * kQuarters >= seconds * quarters)
        record.resident.push_back(read_process_memory(getpid()).resident.value_or(0));
    }
  });
  if (thrown.status != TrialStatus::ok) soaked.ending = thrown;
  if (soaked.ending.status == TrialStatus::ok) soaked.ending = judge_soak(record);
  return soaked;
}

}  // namespace batchtune
