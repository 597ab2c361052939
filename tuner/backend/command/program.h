// A command as a Program: runs are made several at a time, as many as a visit announces, and handed
// out one by one. What the program says of its time is believed only as far as it passed here.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tuner/backend/backend.h"
#include "tuner/backend/command/options.h"
#include "tuner/backend/command/rules.h"
#include "tuner/backend/command/substitution.h"

namespace batchtune::command {

// What every program of a loaded model shares; lives as long as that.
struct CommandContext {
  CommandSettings settings;
  std::vector<Rule> rules;
  std::uint64_t seed = 1;
  std::string model;       // its name
  std::string model_path;  // of the file that it is from; "" for none
  std::string input;       // path of a file of samples; "" for none

  // What is filled in for a candidate; n < 1: without n.
  Values values(const Candidate& candidate, int n) const;
  // Of one start: what the user gave, and what the candidate is.
  std::vector<std::string> environment(const Values& values) const;
};

struct MadeRuns {
  std::vector<Seconds> latencies;  // at least one, in their order
  Seconds passed = 0;              // here, in all
};

class CommandProgram : public Program {
 public:
  Outcome<RunTimes> run(int n) final;
  void announce(int runs) final;
  Seconds take_extra() final;
  void set_input(std::uint64_t) final {}  // {seed} says it
  Outcome<std::vector<float>> read_output(std::int64_t samples) final;
  std::optional<Seconds> prepare_seconds() const final { return prepare_seconds_; }

 protected:
  // At least one run; `runs` are wanted.
  virtual Outcome<MadeRuns> make_runs(int runs) = 0;

  // The first run, kept for the first run(). `before`: seconds that preparing took until now.
  Outcome<void> make_first_run(Seconds before);

 private:
  Outcome<void> fill(int runs);

  std::deque<Seconds> made_;  // not handed out yet
  int announced_ = 0;         // runs that are still to follow
  Seconds extra_ = 0;
  Seconds prepare_seconds_ = 0;
};

// Started anew for each visit (Timing::printed) or run (Timing::process). Preparing makes the first
// run.
Outcome<std::unique_ptr<Program>> start_each_time(const CommandContext& context,
                                                  const Candidate& candidate);

// That sum and time agree, but for rounding; else an Ending with both.
Ending check_time(const MadeRuns& made);

}  // namespace batchtune::command
