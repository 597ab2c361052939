#include "tests/measure/support.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <thread>
#include <type_traits>

#include "tests/measure/compiling_backends.h"
#include "tests/measure/fault_backends.h"
#include "tests/measure/racing_backends.h"
#include "tuner/backend/backend_list.h"
#include "tuner/measure/channel.h"
#include "tuner/measure/protocol.h"
#include "tuner/measure/worker_process.h"
#include "tuner/workload/model_file.h"

namespace batchtune {
namespace {

constexpr Seconds kPatient = 60;  // a busy machine must not look like a hang

// A program on the host's clock: some microseconds of arithmetic.
class HostProgram final : public Program {
 public:
  Outcome<RunTimes> run(int n) override {
    RunTimes times;
    for (int i = 0; i < n; ++i) {
      const auto start = std::chrono::steady_clock::now();
      for (int k = 0; k < 10000; ++k) sum_ = sum_ * 0.5 + k;
      times.seconds.push_back(
          std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
      times.instance.push_back(0);
    }
    return times;
  }
  void set_input(std::uint64_t) override {}
  Outcome<std::vector<float>> read_output(std::int64_t) override {
    return std::vector<float>{static_cast<float>(sum_)};
  }
  MemoryUse memory() const override { return {}; }

 private:
  volatile double sum_ = 1;
};

class HostModel final : public LoadedModel {
 public:
  bool shares_weights() const override { return true; }
  Seconds load_seconds() const override { return 0; }
  double output_tolerance() const override { return 0; }
  Outcome<std::unique_ptr<Program>> prepare(const Candidate&) override {
    return std::make_unique<HostProgram>();
  }
};

class NullModel final : public LoadedModel {
 public:
  bool shares_weights() const override { return true; }
  Seconds load_seconds() const override { return 0; }
  double output_tolerance() const override { return 0; }
  Outcome<std::unique_ptr<Program>> prepare(const Candidate&) override {
    return make_null_program();
  }
};

class ReferenceBackend final : public Backend {
 public:
  DeviceInfo describe() override { return {}; }
  Outcome<std::unique_ptr<LoadedModel>> load(const Model& model, const LoadOptions& options,
                                             LoadReport&) override {
    const bool known =
        options.parameters == kReferencePrograms[0] || options.parameters == kReferencePrograms[1];
    if (options.parameters == kNullProgram) return std::make_unique<NullModel>();
    const bool lacks = options.group.threads == kThreadsWithoutCache &&
                       options.parameters == kReferencePrograms[1];
    if (!known || lacks || !model.ops.empty())
      return tl::unexpected(Ending{TrialStatus::failed, "not a reference program", "", ""});
    return std::make_unique<HostModel>();
  }
};

// Proves its only kernel at each load that was not told of the proof.
class ProvingBackend final : public Backend {
 public:
  DeviceInfo describe() override { return {}; }
  Outcome<std::unique_ptr<LoadedModel>> load(const Model&, const LoadOptions& options,
                                             LoadReport& report) override {
    if (options.proven_kernels.empty()) report.newly_proven_kernels = {"gemm"};
    return std::make_unique<HostModel>();
  }
};

// Answers with NaN at batch 1.
class NanModel final : public LoadedModel {
 public:
  class NanProgram final : public Program {
   public:
    explicit NanProgram(std::int64_t batch) : batch_(batch) {}
    Outcome<RunTimes> run(int n) override {
      const auto runs = static_cast<std::size_t>(n);
      return RunTimes{std::vector<Seconds>(runs, 0.001), std::vector<int>(runs, 0)};
    }
    void set_input(std::uint64_t) override {}
    Outcome<std::vector<float>> read_output(std::int64_t samples) override {
      const float value = batch_ == 1 ? std::nanf("") : 1;
      return std::vector<float>(static_cast<std::size_t>(std::min(samples, batch_)), value);
    }
    MemoryUse memory() const override { return {}; }

   private:
    std::int64_t batch_;
  };
  bool shares_weights() const override { return true; }
  Seconds load_seconds() const override { return 0; }
  double output_tolerance() const override { return 0; }
  Outcome<std::unique_ptr<Program>> prepare(const Candidate& candidate) override {
    return std::make_unique<NanProgram>(candidate.batch);
  }
};

void* reserve(std::size_t bytes) {  // address space alone
  void* start = mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  return start == MAP_FAILED ? nullptr : start;
}

class MappingModel final : public LoadedModel {
 public:
  bool shares_weights() const override { return true; }
  Seconds load_seconds() const override { return 0; }
  double output_tolerance() const override { return 0; }
  Outcome<std::unique_ptr<Program>> prepare(const Candidate&) override {
    if (reserve(std::size_t{64} << 20) == nullptr)
      return tl::unexpected(Ending{TrialStatus::out_of_memory, "no address space", "", ""});
    return std::make_unique<HostProgram>();
  }
};

template <typename AnyModel>
class BackendOf final : public Backend {
 public:
  DeviceInfo describe() override { return {}; }
  Outcome<std::unique_ptr<LoadedModel>> load(const Model&, const LoadOptions&,
                                             LoadReport&) override {
    if constexpr (std::is_same_v<AnyModel, MappingModel>) reserve(std::size_t{1} << 30);
    return std::make_unique<AnyModel>();
  }
};

void write_stray_answer(const std::string& marker) {
  if (std::ifstream(marker)) return;
  std::ofstream{marker};
  const std::string bytes = frame(protocol::encode(protocol::ShareDone{}));
  (void)!write(kWorkerFd, bytes.data(), bytes.size());
}

void write_garbage() {
  const char garbage[] = "\xFF\xFF\xFF\xFF this is not a frame";
  (void)!write(kWorkerFd, garbage, sizeof(garbage));
  for (;;) pause();
}

Result<std::unique_ptr<Backend>> open_test_backend(const std::string& spec) {
  const auto [name, parameters] = split_backend_spec(spec);
  if (name == kReferenceBackend) return std::make_unique<ReferenceBackend>();
  if (name == "proving") return std::make_unique<ProvingBackend>();
  if (auto fault = open_fault_backend(name, parameters)) return fault;
  if (auto racing = open_racing_backend(name, parameters)) return racing;
  if (auto compiling = open_compiling_backend(name)) return compiling;
  if (name == "garbage") write_garbage();
  if (name == "nan") return std::make_unique<BackendOf<NanModel>>();
  if (name == "mapping") return std::make_unique<BackendOf<MappingModel>>();
  if (name == "stray") {
    write_stray_answer(parameters);
    return std::make_unique<BackendOf<HostModel>>();
  }
  if (name == "chatty") {
    std::puts("a library prints this");
    std::fflush(stdout);
    return open_backend("simulated:" + parameters);
  }
  if (name == "slow") {
    std::this_thread::sleep_for(std::chrono::milliseconds(150));
    return open_backend("simulated:" + parameters);
  }
  return open_backend(spec);
}

}  // namespace

WorkerEnvironment test_environment() {
  return {open_test_backend, kernels_of_backend, make_scripted_canaries};
}

int become_parent_of_a_hanging_worker(const std::string& file, bool in_a_share) {
  auto worker = WorkerProcess::start("family:" + file);
  if (!worker) return 1;
  protocol::Load load{1, write_model(small_model()), {}, std::nullopt, false};
  (*worker)->send(load);
  protocol::Prepare prepare{1, 1, simulated_candidate(in_a_share ? 4 : 1)};
  prepare.check = false;
  (*worker)->send(prepare);
  protocol::Share share;
  share.visits = {{1, 2, 3}};
  if (in_a_share) (*worker)->send(share);
  while (!std::filesystem::exists(file + ".hangs"))
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  int grandchild = 0;
  std::ifstream(file) >> grandchild;
  std::printf("%d %d\n", static_cast<int>((*worker)->pid()), grandchild);
  std::fflush(stdout);
  for (;;) pause();
}

namespace {

struct ProcessState {
  char state = 0;  // 'R', 'S', 'Z', ...; 0: there is no such process
  int parent = 0;
};

ProcessState state_of(const std::string& pid) {
  std::ifstream stat("/proc/" + pid + "/stat");
  std::string number, name;
  ProcessState state;
  stat >> number >> name >> state.state >> state.parent;
  return state;
}

}  // namespace

int pid_of_a_child() {
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    const std::string name = entry.path().filename();
    if (name.find_first_not_of("0123456789") != std::string::npos) continue;
    const ProcessState state = state_of(name);
    if (state.parent == getpid() && state.state != 'Z') return std::stoi(name);
  }
  return 0;
}

void kill_child(int pid) {
  kill(pid, SIGKILL);
  while (state_of(std::to_string(pid)).state != 'Z')
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
}

bool is_running(int pid) {
  const char state = state_of(std::to_string(pid)).state;
  return state != 0 && state != 'Z';
}

bool is_gone_within(int pid, Seconds seconds) {
  const auto until = std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds);
  while (is_running(pid) && std::chrono::steady_clock::now() < until)
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  return !is_running(pid);
}

Model small_model() {
  Model model;
  model.name = "small";
  model.ops.resize(2);
  model.ops[0].name = "input";
  model.ops[0].kind = OpKind::input;
  model.ops[0].output = {8};
  model.ops[1].name = "output";
  model.ops[1].kind = OpKind::matmul;
  model.ops[1].inputs = {"input"};
  model.ops[1].inner = 8;
  model.ops[1].columns = 4;
  model.output = "output";
  (void)infer_shapes(model);  // not a REQUIRE: the orphan runs outside of any test
  return model;
}

Candidate simulated_candidate(std::int64_t batch, int instances) {
  Candidate candidate;
  candidate.group.backend = "simulated";
  candidate.group.instances = instances;
  candidate.batch = batch;
  return candidate;
}

WorkerMeasurerOptions simulated_options(const std::string& parameters) {
  WorkerMeasurerOptions options;
  options.model = small_model();
  options.backends = {{"simulated", parameters, MemoryKind::account, "", {}}};
  options.timeout = kPatient;
  return options;
}

}  // namespace batchtune
