// What the command backend is told: the program, who times it, and what surrounds it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "tuner/core/error.h"

namespace batchtune::command {

// Who tells how long runs took.
enum class Timing {
  printed,  // the program, in what it prints; it is started for each visit
  process,  // we: a run is the life of a process
  server,   // the program, which stays and answers requests (server.h)
};
std::string_view name_of(Timing timing);

struct CommandSettings {
  std::string command;  // for /bin/sh -c, as are the next two
  std::string setup;    // before the first batch; "" for none
  std::string cleanup;  // after the last one
  Timing timing = Timing::printed;
  int runs = 1;                          // Timing::process: {n}, which its time is divided by
  std::string rules;                     // path of a file of rules (rules.h); "" for none
  std::vector<std::string> environment;  // "NAME=VALUE", beside what is inherited
};

// "command=./bench.py {batch},time=process": values are escaped as escape() does. Errors name the
// parameter and its values; no command is one.
Result<CommandSettings> parse_settings(const std::string& parameters);

// A value that may stand between the commas of parameters: , % and control characters as %2C.
std::string escape(std::string_view text);
std::string unescape(std::string_view text);

}  // namespace batchtune::command
