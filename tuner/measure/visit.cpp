#include "tuner/measure/visit.h"

#include <algorithm>
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

class Recorder {
 public:
  Recorder(Program& program, const std::function<void()>& after_run)
      : program_(program), after_run_(after_run) {}

  // One run. Returns its duration, that of the slowest instance; nullopt when it ended otherwise
  // than ok.
  std::optional<Seconds> run() {
    Outcome<RunTimes> times = RunTimes{};
    ending_ = ending_of_exceptions([&] { times = program_.run(1); });
    if (ending_.status == TrialStatus::ok && !times) ending_ = times.error();
    if (ending_.status == TrialStatus::ok && times->seconds.empty())
      ending_ = {TrialStatus::failed, "the backend reported no duration", "", ""};
    if (ending_.status != TrialStatus::ok) return std::nullopt;
    keep(*times);
    after_run_();
    return *std::max_element(times->seconds.begin(), times->seconds.end());
  }

  const Ending& ending() const { return ending_; }
  std::vector<std::vector<Seconds>> take_samples() { return std::move(samples_); }

 private:
  void keep(const RunTimes& times) {
    for (std::size_t i = 0; i < times.seconds.size(); ++i) {
      const auto instance =
          static_cast<std::size_t>(i < times.instance.size() ? times.instance[i] : 0);
      if (samples_.size() <= instance) samples_.resize(instance + 1);
      samples_[instance].push_back(times.seconds[i]);
    }
  }

  Program& program_;
  const std::function<void()>& after_run_;
  Ending ending_;
  std::vector<std::vector<Seconds>> samples_;
};

// The library checks that the loop runs out (leaving it early aborts the process) unless an error
// was reported.
void loop(benchmark::State& state, Recorder& recorder, int warm) {
  bool going = true;
  for (int i = 0; i < warm && going; ++i) going = recorder.run().has_value();
  if (!going) return state.SkipWithError("a warm run failed");
  for (auto _ : state) {
    const std::optional<Seconds> seconds = recorder.run();
    if (!seconds) {
      state.SkipWithError("a run failed");
      break;
    }
    state.SetIterationTime(*seconds);
  }
}

}  // namespace

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

Outcome<std::vector<std::vector<Seconds>>> run_visit(Program& program, int warm, int timed,
                                                     const std::function<void()>& after_run) {
  Recorder recorder(program, after_run);
  benchmark::RegisterBenchmark(kBenchmarkName,
                               [&](benchmark::State& state) { loop(state, recorder, warm); })
      ->UseManualTime()
      ->Iterations(timed);
  SilentReporter reporter;
  benchmark::RunSpecifiedBenchmarks(&reporter, kBenchmarkName);
  benchmark::ClearRegisteredBenchmarks();
  if (recorder.ending().status != TrialStatus::ok) return tl::unexpected(recorder.ending());
  return recorder.take_samples();
}

}  // namespace batchtune
