// One started command: /bin/sh -c in the worker's process group, so that whatever ends the worker
// ends it too, or in a group of its own, which is ended with it. Both of its streams are read all
// the time that we wait for something. Trap: what it leaves running in the background may hold its
// streams open; its own end counts, not theirs.
#pragma once

#include <sys/types.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tuner/backend/command/printed_lines.h"
#include "tuner/backend/command/rules.h"
#include "tuner/core/error.h"
#include "tuner/core/units.h"

namespace batchtune::command {

inline constexpr std::size_t kMostOutput = std::size_t{4} << 20;  // kept of stdout: 4 MiB

enum class Input { none, pipe };

// Where it runs: beside this process in its group; or with all that it starts in a group of its own, which
// ends with the command, and by a guard with this process, however that ends. Signals to this process's group
// (one that stops it) do not reach that.
enum class Family { ours, own };

class Child {
 public:
  // `environment` is added to this process's own. `rules` must outlive it. The error is a system's.
  static Result<std::unique_ptr<Child>> start(const std::string& command,
                                              const std::vector<std::string>& environment,
                                              Input input, const std::vector<Rule>& rules,
                                              Family family = Family::ours);
  ~Child();  // kills it if it still runs
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  void wait();                      // for its end
  bool wait_for(Seconds patience);  // false: it still runs
  // And wait. What it started itself goes too where it has a family of its own, else with the worker.
  void kill();
  // The same without waiting, from any thread: whoever waits for it sees its end.
  void strike() const;

  bool send_line(const std::string& line);  // to a pipe; false: nobody reads
  void close_input();
  // The next line of stdout, without its end; nullopt when it ended without one, or printed more
  // than kMostOutput without an end.
  std::optional<std::string> receive_line();

  // stdout so far, at most kMostOutput; what receive_line() took is not in it.
  const std::string& output() const { return output_; }
  bool output_cut() const { return output_cut_; }
  const PrintedLines& printed() const { return printed_; }  // on stdout
  const PrintedLines& errors() const { return errors_; }    // on stderr

  pid_t pid() const { return pid_; }
  std::optional<int> wait_status() const { return status_; }  // nullopt: it runs
  // Resident, of the largest of its processes: exact while it runs; of one that ended, at least
  // what this process held when it was started.
  Bytes peak_resident() const;
  // Killings for want of memory that the machine counted since it was started; nullopt: not known.
  std::optional<std::int64_t> oom_kills() const;

 private:
  Child(pid_t pid, int in, int out, int err, const std::vector<Rule>& rules, Family family);
  static Result<std::unique_ptr<Child>> spawn(const std::string& command,
                                              const std::vector<std::string>& environment,
                                              Input input, const std::vector<Rule>& rules,
                                              Family family);
  void take_news(int patience_ms);  // what came on the streams, or its end
  bool read_stream(int& fd, bool is_output);
  void reap_if_ended();

  pid_t pid_;
  Family family_;
  std::unique_ptr<Child> guard_;  // of a family of its own
  int pid_fd_, in_, out_, err_;  // -1: closed, or none
  std::string output_;
  bool output_cut_ = false;
  PrintedLines printed_, errors_;
  std::optional<int> status_;
  Bytes peak_ = 0;
  std::optional<std::int64_t> oom_kills_before_;
};

}  // namespace batchtune::command
