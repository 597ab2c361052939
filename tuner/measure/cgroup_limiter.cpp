#include "tuner/measure/cgroup_limiter.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>
#include <thread>
#include <utility>
#include <vector>

#include "tuner/core/stopwatch.h"
#include "tuner/measure/memory_readings.h"
#include "tuner/measure/worker_setup.h"

namespace batchtune {
namespace {

namespace fs = std::filesystem;

constexpr char kWanted[] = "a cgroup v2 in which memory can be limited";
constexpr char kHowToGetOne[] =
    "Start it as `systemd-run --user --scope -p Delegate=yes batchtune ...`, or use --limiter "
    "rlimit";
constexpr char kSeat[] = "batchtune.tuner";    // where this process moves, so that it has siblings
constexpr char kGroup[] = "batchtune.probe-";  // then process id and number
constexpr mode_t kFolderMode = 0755;
constexpr Seconds kEmptyPatience =
    2;  // for killed processes to leave: they free their memory first
constexpr std::chrono::milliseconds kEmptyPoll{2};

tl::unexpected<Error> none(const std::string& why, const std::string& where) {
  return environment_error(kWanted, why, where, kHowToGetOne);
}

// In one write, as the kernel wants it; "" or the reason why not. The kernel makes no files on
// request: O_CREAT is for trees that are not the kernel's.
std::string write_file(const std::string& file, const std::string& text) {
  const int fd = open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (fd < 0) return std::strerror(errno);
  const ssize_t written = write(fd, text.data(), text.size());
  const std::string why = written < 0 ? std::strerror(errno) : "";
  close(fd);
  return why;
}

std::vector<std::string> read_words(const std::string& file) {
  std::ifstream in(file);
  std::vector<std::string> words;
  for (std::string word; in >> word;) words.push_back(word);
  return words;
}

bool names_memory(const std::string& file) {
  const auto words = read_words(file);
  return std::find(words.begin(), words.end(), "memory") != words.end();
}

// "0::/user.slice/app.scope": this process's place in the v2 tree.
std::optional<std::string> own_path(const std::string& proc_root) {
  std::ifstream in(proc_root + "/self/cgroup");
  for (std::string line; std::getline(in, line);)
    if (line.rfind("0::", 0) == 0) return line.substr(3);
  return std::nullopt;
}

// This process, one that it started, or a guard of its workers; also one that has ended meanwhile.
bool is_ours(const std::string& pid, const std::string& proc_root) {
  if (pid == std::to_string(getpid())) return true;
  const std::string status = proc_root + "/" + pid + "/status";
  if (access(status.c_str(), F_OK) != 0) return true;
  const std::vector<std::string> words = read_words(status);  // "Name: batchtune-guard ..."
  return (words.size() > 1 && words[1] == kGuardName) || read_keyed(status, "PPid:") == getpid();
}

// A process that has ended meanwhile needs no move.
std::string move_process(const std::string& pid, const std::string& folder) {
  const std::string why = write_file(folder + "/cgroup.procs", pid);
  return why == std::strerror(ESRCH) ? "" : why;
}

// Moves this process and what it started into a group of their own, after which `folder` may hand
// the memory controller on.
Status take_seat(const std::string& folder) {
  if (names_memory(folder + "/cgroup.subtree_control")) return {};
  const std::string seat = folder + "/" + kSeat;
  if (mkdir(seat.c_str(), kFolderMode) != 0 && errno != EEXIST)
    return none(std::strerror(errno), seat);
  const std::vector<std::string> processes = read_words(folder + "/cgroup.procs");
  std::string why;
  for (const std::string& pid : processes)
    if (why.empty()) why = move_process(pid, seat);
  if (why.empty()) why = write_file(folder + "/cgroup.subtree_control", "+memory");
  if (why.empty()) return {};
  for (const std::string& pid : processes) move_process(pid, folder);
  rmdir(seat.c_str());
  return none(why, folder + "/cgroup.subtree_control");
}

// Groups that a tuner left which was itself killed.
void remove_leftovers(const std::string& folder) {
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder, ignored)) {
    const std::string name = entry.path().filename();
    if (name.rfind(kGroup, 0) != 0) continue;
    const int pid = std::atoi(name.c_str() + sizeof(kGroup) - 1);
    if (pid > 0 && kill(pid, 0) != 0 && errno == ESRCH) rmdir(entry.path().c_str());
  }
}

class CgroupLimiter final : public MemoryLimiter {
 public:
  explicit CgroupLimiter(std::string folder) : folder_(std::move(folder)) {}
  ~CgroupLimiter() override {
    kill_all();
    const Stopwatch stopwatch;
    while (rmdir(folder_.c_str()) != 0 && errno == EBUSY && stopwatch.seconds() < kEmptyPatience)
      std::this_thread::sleep_for(kEmptyPoll);
  }
  LimiterKind kind() const override { return LimiterKind::cgroup; }

  Status hold(pid_t pid) override {
    const std::string why = write_file(file("cgroup.procs"), std::to_string(pid));
    if (!why.empty()) return none(why, file("cgroup.procs"));
    return {};
  }

  void kill_all() override {
    if (write_file(file("cgroup.kill"), "1").empty()) return;
    for (const std::string& pid : read_words(file("cgroup.procs")))  // Linux before 5.14
      if (const int number = std::atoi(pid.c_str()); number > 0) kill(number, SIGKILL);
  }

  std::optional<std::int64_t> kills() const override {
    const auto own = read_keyed(file("memory.events.local"), "oom_kill");
    return own ? own : read_keyed(file("memory.events"), "oom_kill");
  }

  std::optional<Bytes> peak() const override {
    std::ifstream in(file("memory.peak"));
    Bytes bytes = 0;
    return in >> bytes ? std::optional<Bytes>(bytes) : std::nullopt;
  }

 private:
  std::string file(const char* name) const { return folder_ + "/" + name; }

  std::string folder_;
};

}  // namespace

Result<std::string> find_delegated_cgroup(const std::string& root, const std::string& proc_root) {
  const auto readable = [](const std::string& file) { return access(file.c_str(), R_OK) == 0; };
  const auto writable = [](const std::string& file) { return access(file.c_str(), W_OK) == 0; };
  if (!readable(root + "/cgroup.controllers"))
    return none(readable(root + "/memory") ? "the layout of cgroup v1" : "no cgroup v2", root);
  const std::optional<std::string> path = own_path(proc_root);
  if (!path) return none("no line \"0::\"", proc_root + "/self/cgroup");
  std::string folder = root + (*path == "/" ? "" : *path);
  if (fs::path(folder).filename() == kSeat) folder = fs::path(folder).parent_path();
  if (!readable(folder + "/cgroup.controllers"))
    return none("this process lies outside of the tree that it sees", folder);
  if (!names_memory(folder + "/cgroup.controllers"))
    return none("the memory controller is not handed down to it", folder);
  for (const char* name : {"", "/cgroup.procs", "/cgroup.subtree_control"})
    if (!writable(folder + name)) return none("it may not be written", folder + name);
  for (const std::string& pid : read_words(folder + "/cgroup.procs"))
    if (!is_ours(pid, proc_root)) return none("process " + pid + " is in it as well", folder);
  return folder;
}

Result<std::unique_ptr<MemoryLimiter>> make_cgroup_limiter(Bytes limit, const std::string& root,
                                                           const std::string& proc_root) {
  BT_TRY(parent, find_delegated_cgroup(root, proc_root));
  BT_TRY_VOID(take_seat(parent));
  remove_leftovers(parent);
  static int number = 0;  // one thread makes them
  const std::string folder =
      parent + "/" + kGroup + std::to_string(getpid()) + "-" + std::to_string(++number);
  if (mkdir(folder.c_str(), kFolderMode) != 0) return none(std::strerror(errno), folder);
  auto limiter = std::make_unique<CgroupLimiter>(folder);
  if (const std::string why = write_file(folder + "/memory.max", std::to_string(limit));
      !why.empty())
    return none(why, folder + "/memory.max");
  // Absent where the kernel counts no swap, or is older than 4.19: the limit holds all the same.
  write_file(folder + "/memory.swap.max", "0");
  write_file(folder + "/memory.oom.group", "1");
  return limiter;
}

}  // namespace batchtune
