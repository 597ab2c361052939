// Real worker processes: each way in which one may end gets its own typed answer, and none is left
// behind.
#include <fcntl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <set>
#include <string>
#include <thread>

#include "tests/measure/support.h"
#include "tests/support/catch.h"
#include "tuner/measure/queries.h"
#include "tuner/measure/worker_process.h"
#include "tuner/measure/worker_setup.h"
#include "tuner/workload/model_file.h"

using namespace batchtune;
using namespace batchtune::protocol;

namespace {

constexpr Seconds kPatient = 30;  // for answers that come

// Loads and prepares: the reply to the preparation.
Outcome<Reply> prepare(WorkerProcess& worker, std::int64_t batch, Seconds timeout = kPatient) {
  worker.send(Load{1, write_model(small_model()), {}, std::nullopt, false});
  if (auto loaded = worker.receive(kPatient); !loaded) return loaded;
  worker.send(Prepare{1, 5, simulated_candidate(batch), true});
  return worker.receive(timeout);
}

Ending ending_of(const std::string& spec, std::int64_t batch, Seconds timeout = kPatient) {
  auto worker = WorkerProcess::start(spec);
  REQUIRE(worker);
  const auto reply = prepare(**worker, batch, timeout);
  const pid_t pid = (*worker)->pid();
  REQUIRE_FALSE(reply);
  CHECK((*worker)->ended());
  CHECK((*worker)->receive(0).error() == reply.error());  // it stays so
  CHECK(kill(pid, 0) != 0);                               // reaped, not a zombie
  return reply.error();
}

// Processes of that name, of whomever.
std::set<std::string> named(const std::string& name) {
  std::set<std::string> found;
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    std::string comm;
    std::getline(std::ifstream(entry.path() / "comm"), comm);
    if (comm == name) found.insert(entry.path());
  }
  return found;
}

int open_descriptors() {
  int count = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator("/proc/self/fd"))
    ++count;
  return count;
}

}  // namespace

TEST_CASE("a worker's guard has a name by which a limiter knows it", "[worker]") {
  const int own = static_cast<int>(syscall(SYS_pidfd_open, getpid(), 0));
  if (own < 0) BT_SKIP("no pidfd: this kernel lets nobody wait for a death from outside");
  close(own);
  const auto before = named(kGuardName);
  auto worker = WorkerProcess::start("simulated");
  REQUIRE(worker);
  REQUIRE(prepare(**worker, 1));
  const auto after = named(kGuardName);
  CHECK_FALSE(std::includes(before.begin(), before.end(), after.begin(), after.end()));
}

TEST_CASE("a worker prepares, checks and visits a program", "[worker]") {
  auto worker = WorkerProcess::start("simulated:prepare=3,load=2");
  REQUIRE(worker);
  const auto reply = prepare(**worker, 4);
  REQUIRE(reply);
  const auto& prepared = std::get<Prepared>(*reply);
  CHECK(prepared.ending.status == TrialStatus::ok);
  CHECK(prepared.prepare_seconds == 3);
  CHECK(prepared.spent > 6);  // batch 1 was prepared for the check as well
  CHECK(prepared.first_run > 0);
  CHECK(prepared.memory->kind == MemoryKind::account);
  (*worker)->send(Share{{{5, 2, 3}, {77, 0, 1}}});
  const auto answer = (*worker)->receive(kPatient);
  REQUIRE(answer);
  const auto& done = std::get<ShareDone>(*answer);
  REQUIRE(done.visits.size() == 2);
  CHECK(done.visits[0].instances.at(0).size() == 5);
  CHECK(done.visits[1].program == 77);
  CHECK(done.visits[1].ending.status == TrialStatus::failed);
}

TEST_CASE("a run that hangs is ended with timeout", "[worker]") {
  const Ending ending = ending_of("simulated:hang=4", 4, 0.2);
  CHECK(ending.status == TrialStatus::timeout);
  CHECK(ending.evidence.find("last seen in the first run of batch 4") != std::string::npos);
}

TEST_CASE("a signal is a crash with its number as evidence", "[worker]") {
  const Ending segv = ending_of("simulated:crash=4", 4);
  CHECK(segv.status == TrialStatus::crashed);
  CHECK(segv.evidence.find("signal 11") == 0);
  CHECK(segv.evidence.find("last seen in the first run of batch 4") != std::string::npos);
  const Ending abort = ending_of("simulated:abort=4", 4);
  CHECK(abort.status == TrialStatus::crashed);
  CHECK(abort.evidence.find("signal 6") == 0);
}

TEST_CASE("a worker that exits by itself crashed, with its exit code", "[worker]") {
  const Ending ending = ending_of("simulated:exit=4", 4);
  CHECK(ending.status == TrialStatus::crashed);
  CHECK(ending.evidence.find("exit code 3") == 0);
}

TEST_CASE("a worker killed from outside crashed with signal 9", "[worker]") {
  auto worker = WorkerProcess::start("simulated");
  REQUIRE(worker);
  REQUIRE(prepare(**worker, 2));
  kill((*worker)->pid(), SIGKILL);
  const auto reply = (*worker)->receive(kPatient);
  REQUIRE_FALSE(reply);
  CHECK(reply.error().status == TrialStatus::crashed);
  CHECK(reply.error().evidence.find("signal 9") == 0);
}

TEST_CASE("garbage on the channel is a failure, and the worker is killed", "[worker]") {
  auto worker = WorkerProcess::start("garbage");
  REQUIRE(worker);
  (*worker)->send(Describe{});
  const auto reply = (*worker)->receive(kPatient);
  REQUIRE_FALSE(reply);
  CHECK(reply.error().status == TrialStatus::failed);
  CHECK(reply.error().reason == "the worker process sent garbage");
  CHECK(kill((*worker)->pid(), 0) != 0);
}

TEST_CASE("beats keep a worker alive through a share longer than the timeout", "[worker]") {
  auto worker = WorkerProcess::start("reference");
  REQUIRE(worker);
  LoadOptions options;
  options.parameters = kReferencePrograms[0];
  (*worker)->send(Load{1, "", options, std::nullopt, false});
  REQUIRE((*worker)->receive(kPatient));
  (*worker)->send(Prepare{1, 1, {}, false});
  REQUIRE((*worker)->receive(kPatient));
  (*worker)->send(Share{{{1, 0, 50000}}});  // some 40 us each, against a timeout of 1 s
  const auto done = (*worker)->receive(1);
  REQUIRE(done);
  CHECK(std::get<ShareDone>(*done).visits.at(0).instances[0].size() == 50000);
}

TEST_CASE("a slow start and prints to stdout do not disturb the protocol", "[worker]") {
  for (const std::string spec : {"slow", "chatty"}) {
    auto worker = WorkerProcess::start(spec);
    REQUIRE(worker);
    CHECK(prepare(**worker, 2).has_value());
  }
}

TEST_CASE("queries answer from a worker, and a backend's refusal is its own error", "[worker]") {
  const auto device = describe_backend("simulated:wall=1GiB");
  REQUIRE(device);
  CHECK(device->memory_bytes == 1073741824.0);
  CHECK(list_kernels("simulated").has_value());
  const auto refused = describe_backend("simulated:wal=1GiB");
  REQUIRE_FALSE(refused);
  CHECK(refused.error().kind == ErrorKind::bad_input);
  CHECK(to_string(refused.error()).find("\"wal\"") != std::string::npos);
  const auto broken = describe_backend("garbage");
  REQUIRE_FALSE(broken);
  CHECK(broken.error().kind == ErrorKind::environment);
}

TEST_CASE("workers leak no descriptors and leave no zombies", "[worker]") {
  const int before = open_descriptors();
  for (int i = 0; i < 5; ++i) {
    REQUIRE(describe_backend("simulated"));
    (void)ending_of("simulated:crash=2", 2);
  }
  CHECK(open_descriptors() == before);
  CHECK(waitpid(-1, nullptr, WNOHANG) == -1);
  CHECK(errno == ECHILD);
}

TEST_CASE("a worker inherits no descriptor but its channel and its beacon", "[worker]") {
  const int extra = open("/dev/null", O_RDONLY);  // without O_CLOEXEC
  auto worker = WorkerProcess::start("simulated");
  REQUIRE(worker);
  REQUIRE(prepare(**worker, 2));
  const std::string fds = "/proc/" + std::to_string((*worker)->pid()) + "/fd";
  int highest = 0;
  for (const auto& entry : std::filesystem::directory_iterator(fds))
    highest = std::max(highest, std::stoi(entry.path().filename().string()));
  CHECK(highest == kBeaconFd);
  CHECK(std::filesystem::read_symlink(fds + "/0") == "/dev/null");
  close(extra);
}

TEST_CASE("a worker has a process group of its own, dies first, and leaves no core", "[worker]") {
  auto worker = WorkerProcess::start("simulated");
  REQUIRE(worker);
  REQUIRE(prepare(**worker, 2));
  const pid_t pid = (*worker)->pid();
  CHECK(getpgid(pid) == pid);
  int score = 0;
  std::ifstream("/proc/" + std::to_string(pid) + "/oom_score_adj") >> score;
  CHECK(score == 1000);
  std::ifstream limits("/proc/" + std::to_string(pid) + "/limits");
  const std::string text((std::istreambuf_iterator<char>(limits)), {});
  const auto core = text.find("Max core file size");
  REQUIRE(core != std::string::npos);
  CHECK(text.substr(core, 30).find(" 0 ") != std::string::npos);
}

TEST_CASE("a death is seen at once though a child of the worker holds its socket", "[worker]") {
  const std::string file =
      std::filesystem::temp_directory_path() / ("bt_holder_" + std::to_string(getpid()));
  auto worker = WorkerProcess::start("family:" + file);
  REQUIRE(worker);
  (*worker)->send(Load{1, write_model(small_model()), {}, std::nullopt, false});
  REQUIRE((*worker)->receive(kPatient));
  int grandchild = 0;
  std::ifstream(file) >> grandchild;
  REQUIRE(is_running(grandchild));
  kill((*worker)->pid(), SIGKILL);
  const auto reply = (*worker)->receive(kPatient);
  REQUIRE_FALSE(reply);
  CHECK(reply.error().status == TrialStatus::crashed);
  CHECK(is_gone_within(grandchild, 10));
  std::filesystem::remove(file);
}
