#include "tests/end_to_end/program.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <stdexcept>
#include <thread>

namespace batchtune::test {
namespace fs = std::filesystem;
namespace {

// The folder is removed when the test program ends.
class Scratch {
 public:
  Scratch() : path_(fs::temp_directory_path() / ("bt_end_to_end_" + std::to_string(getpid()))) {
    fs::create_directories(path_);
    setenv("BATCHTUNE_DB", (path_ / "sessions.db").c_str(), 1);
    setenv("NO_COLOR", "1", 1);
  }
  ~Scratch() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};
const Scratch folder;

// State letter and parent of a process; {'\0', 0} when it is gone.
std::pair<char, pid_t> state_of(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string text((std::istreambuf_iterator<char>(file)), {});
  const std::size_t end = text.rfind(')');
  if (end == std::string::npos) return {'\0', 0};
  std::istringstream rest(text.substr(end + 1));
  char state = '\0';
  pid_t parent = 0;
  rest >> state >> parent;
  return {state, parent};
}

}  // namespace

Program::Program(const std::vector<std::string>& arguments) {
  int out[2], err[2];
  if (pipe2(out, O_CLOEXEC) != 0 || pipe2(err, O_CLOEXEC) != 0)
    throw std::runtime_error("pipe2 failed");
  std::vector<char*> argv{const_cast<char*>(BT_PROGRAM)};
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  pid_ = fork();
  if (pid_ == 0) {
    dup2(out[1], STDOUT_FILENO);
    dup2(err[1], STDERR_FILENO);
    execv(BT_PROGRAM, argv.data());
    _exit(127);
  }
  close(out[1]);
  close(err[1]);
  out_ = out[0];
  err_ = err[0];
}

Program::~Program() {
  if (pid_ < 0) return;
  kill(pid_, SIGKILL);
  wait();
}

void Program::send(int signal) const {
  kill(pid_, signal);
}

Finished Program::wait() {
  Finished finished;
  pollfd pipes[] = {{out_, POLLIN, 0}, {err_, POLLIN, 0}};
  while (pipes[0].fd >= 0 || pipes[1].fd >= 0) {
    poll(pipes, 2, -1);
    for (int i = 0; i < 2; ++i) {
      if (pipes[i].fd < 0 || pipes[i].revents == 0) continue;
      char buffer[4096];
      const ssize_t count = read(pipes[i].fd, buffer, sizeof buffer);
      if (count > 0)
        (i == 0 ? finished.out : finished.err).append(buffer, static_cast<std::size_t>(count));
      else
        pipes[i].fd = -1;
    }
  }
  int status = 0;
  waitpid(pid_, &status, 0);
  finished.code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  close(out_);
  close(err_);
  pid_ = -1;
  return finished;
}

Finished run(const std::vector<std::string>& arguments) {
  return Program(arguments).wait();
}

std::string scratch(const std::string& name) {
  return (folder.path() / name).string();
}

void fresh_database() {
  for (const auto& entry : fs::directory_iterator(folder.path()))
    if (entry.path().filename().string().starts_with("sessions.db")) fs::remove(entry.path());
}

std::vector<std::string> simulated_tune(const std::string& batches,
                                        const std::vector<std::string>& more) {
  std::vector<std::string> all{"tune",      "mlp", "--backend", "simulated",
                               "--threads", "2",   "--batches", batches};
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

std::vector<std::string> simulated_sweep(const std::string& batches, const std::string& seed) {
  return simulated_tune(batches, {"--strategy", "exhaustive", "--seed", seed, "--boundary",
                                  "predicted", "--format", "json"});
}

std::vector<std::string> endless_sweep() {
  return simulated_tune("1:400",
                        {"--strategy", "exhaustive", "--budget", "100000s", "--format", "json"});
}

int stored_observations() {
  const Finished finished = run({"list", "sessions", "--format", "json"});
  if (finished.code != 0) return 0;
  const auto sessions = nlohmann::json::parse(finished.out).at("sessions");
  return sessions.empty() ? 0 : sessions[0].at("observations").get<int>();
}

std::string unwrapped(const std::string& text) {
  std::string words;
  for (const char letter : text)
    if (letter != ' ' && letter != '\n')
      words += letter;
    else if (!words.ends_with(' '))
      words += ' ';
  return words;
}

bool eventually(double seconds, const std::function<bool()>& condition) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  return true;
}

std::vector<pid_t> children_of(pid_t pid) {
  std::vector<pid_t> children;
  for (const auto& entry : fs::directory_iterator("/proc")) {
    const std::string name = entry.path().filename().string();
    if (name.find_first_not_of("0123456789") != std::string::npos) continue;
    const auto candidate = static_cast<pid_t>(std::stoi(name));
    const auto [state, parent] = state_of(candidate);
    if (parent == pid && state != 'Z') children.push_back(candidate);
  }
  return children;
}

bool is_alive(pid_t pid) {
  const char state = state_of(pid).first;
  return state != '\0' && state != 'Z' && state != 'X';
}

}  // namespace batchtune::test
