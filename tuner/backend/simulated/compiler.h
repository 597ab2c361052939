// A compiler on another machine than the device's, on the virtual clock: so many programs at a time, the others wait
// their turn. Pure; time is what callers say it is, and must not fall.
#pragma once

#include <deque>
#include <map>
#include <string>
#include <vector>

#include "tuner/core/units.h"

namespace batchtune::simulated {

class Compiler {
 public:
  // `at_a_time` >= 1.
  explicit Compiler(int at_a_time);

  // Was compiled before anything began.
  void add_compiled(const std::string& program);

  // In the background, behind those that wait already. Nothing where it is compiled, being compiled or waiting.
  void compile_ahead(const std::string& program, Seconds seconds, Seconds now);

  // Seconds from `now` until it is compiled, which somebody waits for: it is next, before all that wait. One that is
  // being compiled goes on; 0: it is there.
  Seconds wait_for(const std::string& program, Seconds seconds, Seconds now);

  // Those that were finished by `now`, each told once.
  std::vector<std::string> take_finished(Seconds now);

 private:
  struct Job {
    std::string program;
    Seconds seconds = 0, asked = 0;
  };
  void start_until(Seconds now);
  Seconds start(const Job& job, Seconds earliest);  // its end

  std::vector<Seconds> free_at_;         // each compiler
  std::deque<Job> waiting_;
  std::map<std::string, Seconds> ends_;  // of all that were begun
  std::map<std::string, Seconds> untold_;
};

}  // namespace batchtune::simulated
