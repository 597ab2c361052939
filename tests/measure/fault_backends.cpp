#include "tests/measure/fault_backends.h"

#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <functional>
#include <list>
#include <new>
#include <utility>
#include <vector>

namespace batchtune {
namespace {

namespace fs = std::filesystem;

constexpr Seconds kRun = 0.1;  // of the programs' own clock

// What each of a program's runs does, told its number from 1: the seconds that it took.
using Run = std::function<Seconds(int number)>;

class FaultProgram final : public Program {
 public:
  explicit FaultProgram(Run run) : run_(std::move(run)) {}
  Outcome<RunTimes> run(int n) override {
    RunTimes times;
    times.clock = ClockKind::virtual_clock;
    for (int i = 0; i < n; ++i) {
      times.seconds.push_back(run_(++count_));
      times.instance.push_back(0);
    }
    return times;
  }
  void set_input(std::uint64_t) override {}
  Outcome<std::vector<float>> read_output(std::int64_t) override { return std::vector<float>{1}; }
  MemoryUse memory() const override { return {}; }

 private:
  Run run_;
  int count_ = 0;
};

using Prepare = std::function<Run(const Candidate&)>;

class FaultModel final : public LoadedModel {
 public:
  explicit FaultModel(Prepare prepare) : prepare_(std::move(prepare)) {}
  bool shares_weights() const override { return true; }
  Seconds load_seconds() const override { return 0; }
  double output_tolerance() const override { return 0; }
  Outcome<std::unique_ptr<Program>> prepare(const Candidate& candidate) override {
    return std::make_unique<FaultProgram>(prepare_(candidate));
  }

 private:
  Prepare prepare_;
};

class FaultBackend final : public Backend {
 public:
  explicit FaultBackend(std::function<Prepare()> load) : load_(std::move(load)) {}
  DeviceInfo describe() override { return {}; }
  Outcome<std::unique_ptr<LoadedModel>> load(const Model&, const LoadOptions&,
                                             LoadReport&) override {
    return std::make_unique<FaultModel>(load_());
  }

 private:
  std::function<Prepare()> load_;
};

void count_a_kill(const std::string& path) {
  if (path.empty()) return;
  std::string file = path;
  if (fs::is_directory(path))
    for (const auto& entry : fs::directory_iterator(path))
      if (entry.path().filename().string().rfind("batchtune.probe-", 0) == 0)
        file = entry.path() / "memory.events.local";
  std::ofstream(file) << "oom_kill 1\n";
}

Seconds die(const std::string& path) {
  count_a_kill(path);
  kill(getpid(), SIGKILL);
  for (;;) pause();
}

std::vector<char>& taken() {
  static std::vector<char> memory;
  return memory;
}

void take(std::size_t bytes) {
  taken().resize(taken().size() + bytes, 1);
}

void start_a_child(const std::string& file) {
  const pid_t child = fork();
  if (child == 0)
    for (;;) pause();
  std::ofstream(file) << child << std::flush;
}

Run hanging_run(std::string file, int first) {
  return [file = std::move(file), first](int number) {
    if (number < first) return kRun;
    std::ofstream{file + ".hangs"};
    for (;;) pause();
  };
}

std::unique_ptr<Backend> every_run(Run run) {
  return std::make_unique<FaultBackend>([run] { return [run](const Candidate&) { return run; }; });
}

}  // namespace

std::unique_ptr<Backend> open_fault_backend(const std::string& name, const std::string& text) {
  if (name == "kill") return every_run([text](int) { return die(text); });
  if (name == "once")
    return every_run([text](int) {
      if (fs::exists(text)) return kRun;
      std::ofstream{text};
      return die("");
    });
  if (name == "throws")
    return std::make_unique<FaultBackend>(
        [] { return [](const Candidate&) -> Run { throw std::bad_alloc(); }; });
  if (name == "hungry" || name == "gorged")
    return std::make_unique<FaultBackend>([text, dies = name == "gorged"] {
      return [text, dies](const Candidate&) -> Run {
        take(std::stoull(text));
        return [dies](int) { return dies ? die("") : kRun; };
      };
    });
  if (name == "leaky")
    return every_run([text](int) {
      static std::list<std::vector<char>> kept;
      kept.emplace_back(std::stoull(text), '1');
      return kRun;
    });
  if (name == "reports") return every_run([text](int) { return std::stod(text); });
  if (name == "tiring") return every_run([](int number) { return kRun * (1 + 0.05 * number); });
  if (name == "family")
    return std::make_unique<FaultBackend>([text] {
      start_a_child(text);
      return [text](const Candidate& candidate) {
        return hanging_run(text, candidate.batch == 1 ? 1 : 2);
      };
    });
  return nullptr;
}

}  // namespace batchtune
