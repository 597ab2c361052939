#include "tuner/backend/command/child.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cmath>
#include <csignal>
#include <cstring>
#include <fstream>
#include <iterator>

extern char** environ;

namespace batchtune::command {
namespace {

constexpr Bytes kKibibyte = 1024;
constexpr std::size_t kReadSize = 64 * 1024;  // what a pipe holds
constexpr int kForever = -1;
// Says nothing, and waits for a line from this process. Without one, since this process is gone, it ends the group.
constexpr char kGuard[] = "read word || kill -KILL -";
// Where no pidfd tells of its end and its streams are held open by what it left behind.
constexpr int kSliceWithoutPidFd = 50;

struct Pipe {
  int read = -1, write = -1;

  bool open() {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) return false;
    read = ends[0];
    write = ends[1];
    return true;
  }
};

void close_fd(int& fd) {
  if (fd >= 0) close(fd);
  fd = -1;
}

// Ours, with entries of the same names replaced.
std::vector<char*> joined_environment(const std::vector<std::string>& added) {
  const auto name_of_entry = [](std::string_view entry) {
    return entry.substr(0, entry.find('='));
  };
  std::vector<char*> entries;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const bool replaced = std::any_of(added.begin(), added.end(), [&](const std::string& one) {
      return name_of_entry(one) == name_of_entry(*entry);
    });
    if (!replaced) entries.push_back(*entry);
  }
  for (const std::string& entry : added) entries.push_back(const_cast<char*>(entry.c_str()));
  entries.push_back(nullptr);
  return entries;
}

// Signals as a program expects them, and its three streams.
int spawn_shell(const std::string& command, const std::vector<std::string>& environment,
                Family family, int in, int out, int err, pid_t& pid) {
  posix_spawnattr_t attributes;
  posix_spawn_file_actions_t actions;
  posix_spawnattr_init(&attributes);
  posix_spawn_file_actions_init(&actions);
  sigset_t none, all;
  sigemptyset(&none);
  sigfillset(&all);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &all);
  posix_spawnattr_setpgroup(&attributes, 0);
  const int group = family == Family::own ? POSIX_SPAWN_SETPGROUP : 0;
  posix_spawnattr_setflags(
      &attributes, static_cast<short>(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | group));
  if (in >= 0)
    posix_spawn_file_actions_adddup2(&actions, in, STDIN_FILENO);
  else
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, err, STDERR_FILENO);
  std::string name = "sh", option = "-c", text = command;
  char* const arguments[] = {name.data(), option.data(), text.data(), nullptr};
  std::vector<char*> entries = joined_environment(environment);
  const int error = posix_spawn(&pid, "/bin/sh", &actions, &attributes, arguments, entries.data());
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  return error;
}

// "oom_kill 3" of a file of "key number" lines; "VmHWM:   12 kB" alike.
std::optional<std::int64_t> number_in(const std::string& path, std::string_view key) {
  std::ifstream file(path);
  std::string word;
  while (file >> word) {
    std::int64_t number = 0;
    if (word == key && file >> number) return number;
    file.clear();
  }
  return std::nullopt;
}

std::optional<std::int64_t> machine_oom_kills() {
  return number_in("/proc/vmstat", "oom_kill");
}

// Writing to a pipe that nobody reads raises a signal, which must not end this process.
class WithoutBrokenPipe {
 public:
  WithoutBrokenPipe() {
    sigemptyset(&set_);
    sigaddset(&set_, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &set_, &before_);
  }
  ~WithoutBrokenPipe() {
    const timespec at_once{};
    while (sigtimedwait(&set_, nullptr, &at_once) < 0 && errno == EINTR) continue;
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }
  WithoutBrokenPipe(const WithoutBrokenPipe&) = delete;
  WithoutBrokenPipe& operator=(const WithoutBrokenPipe&) = delete;

 private:
  sigset_t set_{}, before_{};
};

}  // namespace

Result<std::unique_ptr<Child>> Child::start(const std::string& command,
                                            const std::vector<std::string>& environment,
                                            Input input, const std::vector<Rule>& rules,
                                            Family family) {
  BT_TRY(child, spawn(command, environment, input, rules, family));
  if (family == Family::ours) return child;
  static const std::vector<Rule> no_rules;
  BT_TRY(guard, spawn(kGuard + std::to_string(child->pid_), {}, Input::pipe, no_rules, family));
  child->guard_ = std::move(guard);
  return child;
}

Result<std::unique_ptr<Child>> Child::spawn(const std::string& command,
                                            const std::vector<std::string>& environment,
                                            Input input, const std::vector<Rule>& rules,
                                            Family family) {
  Pipe in, out, err;
  const bool opened = out.open() && err.open() && (input == Input::none || in.open());
  pid_t pid = 0;
  const int error = opened ? spawn_shell(command, environment, family, in.read, out.write,
                                         err.write, pid)
                           : errno;
  for (int* fd : {&in.read, &out.write, &err.write}) close_fd(*fd);
  if (error != 0) {
    for (int* fd : {&in.write, &out.read, &err.read}) close_fd(*fd);
    return environment_error("a process for the command", std::strerror(error), "/bin/sh");
  }
  return std::unique_ptr<Child>(new Child(pid, in.write, out.read, err.read, rules, family));
}

Child::Child(pid_t pid, int in, int out, int err, const std::vector<Rule>& rules, Family family)
    : pid_(pid),
      family_(family),
      pid_fd_(static_cast<int>(syscall(SYS_pidfd_open, pid, 0))),
      in_(in),
      out_(out),
      err_(err),
      printed_(rules),
      errors_(rules),
      oom_kills_before_(machine_oom_kills()) {
  for (const int fd : {out_, err_}) fcntl(fd, F_SETFL, O_NONBLOCK);
}

Child::~Child() {
  kill();
  for (int* fd : {&in_, &out_, &err_, &pid_fd_}) close_fd(*fd);
}

void Child::kill() {
  if (!status_) strike();
  wait();
}

void Child::strike() const {
  ::kill(family_ == Family::own ? -pid_ : pid_, SIGKILL);
}

void Child::wait() {
  while (!status_) take_news(kForever);
}

bool Child::wait_for(Seconds patience) {
  using Clock = std::chrono::steady_clock;
  const auto end = Clock::now() + std::chrono::duration<double>(patience);
  while (!status_) {
    const double left = std::chrono::duration<double>(end - Clock::now()).count();
    if (left <= 0) return false;
    take_news(static_cast<int>(std::ceil(left * 1000)));
  }
  return true;
}

void Child::take_news(int patience_ms) {
  if (pid_fd_ < 0 && (patience_ms < 0 || patience_ms > kSliceWithoutPidFd))
    patience_ms = kSliceWithoutPidFd;
  pollfd entries[] = {{out_, POLLIN, 0}, {err_, POLLIN, 0}, {pid_fd_, POLLIN, 0}};
  (void)poll(entries, std::size(entries), patience_ms);
  (void)read_stream(out_, true);
  (void)read_stream(err_, false);
  reap_if_ended();
}

// Whether there may be more at once.
bool Child::read_stream(int& fd, bool is_output) {
  if (fd < 0) return false;
  std::array<char, kReadSize> buffer;
  const ssize_t count = read(fd, buffer.data(), buffer.size());
  if (count < 0) return errno == EINTR;
  if (count == 0) {
    close_fd(fd);
    return false;
  }
  const std::string_view bytes(buffer.data(), static_cast<std::size_t>(count));
  (is_output ? printed_ : errors_).add(bytes);
  if (!is_output) return true;
  const std::size_t room = kMostOutput - std::min(kMostOutput, output_.size());
  output_cut_ |= bytes.size() > room;
  output_ += bytes.substr(0, room);
  return true;
}

// What it wrote before its end is read; what others write after it is not waited for.
void Child::reap_if_ended() {
  siginfo_t state{};
  if (waitid(P_PID, static_cast<id_t>(pid_), &state, WEXITED | WNOHANG | WNOWAIT) != 0 ||
      state.si_pid != pid_)
    return;
  if (family_ == Family::own) strike();  // what it left behind; until it is reaped the group is its own
  std::size_t most = 2 * kMostOutput / kReadSize;  // of one that goes on writing for ever
  while (read_stream(out_, true) && most-- > 0) continue;
  while (read_stream(err_, false) && most-- > 0) continue;
  int status = 0;
  rusage usage{};
  while (wait4(pid_, &status, 0, &usage) < 0 && errno == EINTR) continue;
  status_ = status;
  peak_ = usage.ru_maxrss * kKibibyte;
  printed_.finish();
  errors_.finish();
}

bool Child::send_line(const std::string& line) {
  if (in_ < 0 || status_) return false;
  const WithoutBrokenPipe guard;
  const std::string text = line + "\n";
  for (std::size_t done = 0; done < text.size();) {
    const ssize_t count = write(in_, text.data() + done, text.size() - done);
    if (count < 0 && errno != EINTR) return false;
    if (count > 0) done += static_cast<std::size_t>(count);
  }
  return true;
}

void Child::close_input() {
  close_fd(in_);
}

std::optional<std::string> Child::receive_line() {
  for (std::size_t seen = 0;;) {
    const std::size_t end = output_.find('\n', seen);
    if (end != std::string::npos) {
      std::string line = output_.substr(0, end);
      output_.erase(0, end + 1);
      return line;
    }
    seen = output_.size();
    if (status_ || output_cut_ || out_ < 0) return std::nullopt;
    take_news(kForever);
  }
}

Bytes Child::peak_resident() const {
  if (status_) return peak_;
  const auto kibibytes = number_in("/proc/" + std::to_string(pid_) + "/status", "VmHWM:");
  return kibibytes.value_or(0) * kKibibyte;
}

std::optional<std::int64_t> Child::oom_kills() const {
  const auto now = machine_oom_kills();
  if (!now || !oom_kills_before_) return std::nullopt;
  return *now - *oom_kills_before_;
}

}  // namespace batchtune::command
