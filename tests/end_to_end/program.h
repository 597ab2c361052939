// Runs the built program as a user does: arguments in; exit code, stdout and stderr out.
#pragma once

#include <sys/types.h>

#include <functional>
#include <string>
#include <vector>

namespace batchtune::test {

struct Finished {
  int code = 0;  // exit code, or 128 + signal
  std::string out, err;
};

// One started batchtune. Its database is $BATCHTUNE_DB of the test's own folder unless `arguments`
// say otherwise.
class Program {
 public:
  explicit Program(const std::vector<std::string>& arguments);
  ~Program();  // kills it if it still runs
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  pid_t pid() const { return pid_; }
  void send(int signal) const;
  Finished wait();  // reads both pipes to their ends

 private:
  pid_t pid_ = -1;
  int out_ = -1, err_ = -1;
};

Finished run(const std::vector<std::string>& arguments);

// Text without the line ends that the width of the terminal brought: where they fall depends on
// the length of the paths in it.
std::string unwrapped(const std::string& text);

// "tune mlp" on the simulated device, which gives the same figures on every machine.
std::vector<std::string> simulated_tune(const std::string& batches,
                                        const std::vector<std::string>& more = {});
// One of many observations, each a transaction; it converges.
std::vector<std::string> simulated_sweep(const std::string& batches, const std::string& seed);
// The same without an end: to be interrupted.
std::vector<std::string> endless_sweep();

std::string scratch(const std::string& name);  // a path in this process's own folder, which is made
void fresh_database();                         // removes the folder's database
int stored_observations();                     // of the folder's only session; 0: there is none

// Whether `condition` came true within `seconds` of real time.
bool eventually(double seconds, const std::function<bool()>& condition);

std::vector<pid_t> children_of(pid_t pid);  // direct ones that are alive (no zombies)
bool is_alive(pid_t pid);

}  // namespace batchtune::test
