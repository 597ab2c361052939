#include "tests/measure/racing_backends.h"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <functional>
#include <stop_token>
#include <thread>
#include <utility>

namespace batchtune {
namespace {

using SteadyClockOfHost = std::chrono::steady_clock;

// What a program does in its run number `number` (from 1): its seconds.
using Runs = std::function<Seconds(int number)>;

class RunningProgram final : public Program {
 public:
  RunningProgram(std::int64_t batch, float output, int& prepared, Runs runs)
      : batch_(batch), output_(output), prepared_(prepared), runs_(std::move(runs)) {
    ++prepared_;
  }
  ~RunningProgram() override { --prepared_; }

  Outcome<RunTimes> run(int n) override {
    RunTimes times;
    for (int i = 0; i < n; ++i) times.seconds.push_back(runs_(++number_));
    times.instance.assign(times.seconds.size(), 0);
    return times;
  }
  void set_input(std::uint64_t) override {}
  Outcome<std::vector<float>> read_output(std::int64_t samples) override {
    return std::vector<float>(static_cast<std::size_t>(std::min(samples, batch_)), output_);
  }
  MemoryUse memory() const override { return {}; }

 private:
  std::int64_t batch_;
  float output_;
  int& prepared_;
  Runs runs_;
  int number_ = 0;
};

class RunningModel final : public LoadedModel {
 public:
  using MakeRuns = std::function<Runs(const Candidate& candidate, const int& prepared)>;
  RunningModel(MakeRuns make_runs, float output)
      : make_runs_(std::move(make_runs)), output_(output) {}

  bool shares_weights() const override { return true; }
  Seconds load_seconds() const override { return 0; }
  double output_tolerance() const override { return 1e-3; }
  Outcome<std::unique_ptr<Program>> prepare(const Candidate& candidate) override {
    return std::make_unique<RunningProgram>(candidate.batch, output_, prepared_,
                                            make_runs_(candidate, prepared_));
  }

 private:
  MakeRuns make_runs_;
  float output_;
  int prepared_ = 0;  // programs that live
};

class RunningBackend final : public Backend {
 public:
  explicit RunningBackend(RunningModel::MakeRuns make_runs, std::string kernels = "none")
      : make_runs_(std::move(make_runs)), kernels_(std::move(kernels)) {}

  DeviceInfo describe() override { return {}; }
  Outcome<std::unique_ptr<LoadedModel>> load(const Model&, const LoadOptions& options,
                                             LoadReport& report) override {
    const bool reference = options.isa == "reference" && kernels_ != "none";
    report.effective.push_back({"isa", std::string(reference ? "reference" : "avx2"), "test"});
    const float output = kernels_ == "wrong" && !reference ? 2 : 1;
    return std::make_unique<RunningModel>(make_runs_, output);
  }

 private:
  RunningModel::MakeRuns make_runs_;
  std::string kernels_;
};

void spin_until(const std::atomic<SteadyClockOfHost::rep>& until, const std::stop_token& stop) {
  while (!stop.stop_requested() &&
         SteadyClockOfHost::now().time_since_epoch().count() < until.load())
    continue;
}

Runs spin(SteadyClockOfHost::duration after_each_run) {
  return [after_each_run](int) {
    static std::atomic<SteadyClockOfHost::rep> until{0};
    static std::jthread spinner;
    const auto now = SteadyClockOfHost::now().time_since_epoch();
    const bool spins = until.exchange((now + after_each_run).count()) > now.count();
    if (!spins) spinner = std::jthread([](std::stop_token stop) { spin_until(until, stop); });
    return 0.001;
  };
}

// The programs of a process take turns: who ran last is the process's.
Runs cold(int slow) {
  return [slow, me = std::make_shared<int>(0), since = 0](int) mutable {
    static const int* last = nullptr;
    since = std::exchange(last, me.get()) == me.get() ? since + 1 : 1;
    return since <= slow ? 0.00216 : 0.002;
  };
}

Runs crowded(bool suspect, const int& prepared) {
  return [suspect, &prepared](int number) {
    if (suspect && number == 2 && prepared > 1) kill(getpid(), SIGKILL);
    return 0.001;
  };
}

class NullProgram final : public Program {
 public:
  Outcome<RunTimes> run(int n) override {
    RunTimes times;
    for (int i = 0; i < n; ++i) {
      const auto start = SteadyClockOfHost::now();
      times.seconds.push_back(
          std::chrono::duration<double>(SteadyClockOfHost::now() - start).count());
      times.instance.push_back(0);
    }
    return times;
  }
  void set_input(std::uint64_t) override {}
  Outcome<std::vector<float>> read_output(std::int64_t) override { return std::vector<float>{}; }
  MemoryUse memory() const override { return {}; }
};

class ScriptedCanaries final : public Canaries {
 public:
  explicit ScriptedCanaries(int cpus) : cpus_(static_cast<std::size_t>(cpus)) {}
  CanaryReading burst() override {
    const double factor = ++number_ % 4 == 0 ? 2 : 1;
    return {std::vector(cpus_, 30e-6 * factor), std::vector(cpus_, 100e-6 * factor), 2e9,
            std::vector(cpus_ / 2, 80e-9), std::vector(cpus_, 60e3 * factor)};
  }

 private:
  std::size_t cpus_;
  int number_ = 0;
};

}  // namespace

std::unique_ptr<Backend> open_racing_backend(const std::string& name,
                                             const std::string& parameters) {
  const auto backend = [](const std::function<Runs(const Candidate&, const int&)>& make_runs) {
    return std::make_unique<RunningBackend>(make_runs);
  };
  const auto number = [&] { return std::stoi(parameters); };
  if (name == "spinning")
    return backend([](const auto&...) { return spin(std::chrono::hours(1)); });
  if (name == "lingering")
    return backend([](const auto&...) { return spin(std::chrono::milliseconds(3)); });
  if (name == "cold") return backend([slow = number()](const auto&...) { return cold(slow); });
  if (name == "crowded")
    return backend([batch = number()](const Candidate& candidate, const int& prepared) {
      return crowded(candidate.batch == batch, prepared);
    });
  if (name == "not_a_number")
    return backend([batch = number()](const Candidate& candidate, const int&) -> Runs {
      return [bad = candidate.batch == batch](int run) {
        return bad && run > 1 ? std::nan("") : 0.001;
      };
    });
  if (name == "kernels")
    return std::make_unique<RunningBackend>(
        [](const auto&...) { return Runs([](int) { return 0.001; }); }, parameters);
  return nullptr;
}

std::unique_ptr<Program> make_null_program() {
  return std::make_unique<NullProgram>();
}

std::string deadly_marker(pid_t parent) {
  return std::filesystem::temp_directory_path() / ("bt_deadly_" + std::to_string(parent));
}

std::unique_ptr<Canaries> make_scripted_canaries(int cpus) {
  if (cpus == kDeadlyCpus && !std::filesystem::exists(deadly_marker(getppid()))) {
    std::ofstream{deadly_marker(getppid())};
    kill(getpid(), SIGKILL);
  }
  return std::make_unique<ScriptedCanaries>(cpus);
}

}  // namespace batchtune
