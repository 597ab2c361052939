// What the commands share: how they are listed, how they end, where their text goes.
// stdout is the result and nothing else; everything said on the way goes to stderr.
#pragma once

#include <functional>
#include <string>

#include "tuner/cli/options.h"
#include "tuner/core/error.h"

namespace batchtune {

enum ExitCode : int {
  kDone = 0,
  kFinding = 1,        // a regression, no candidate keeps the limits, or nothing fits
  kUsage = 2,          // usage or bad input
  kInconclusive = 3,   // inconclusive or unproven
  kEnvironment = 4,    // device, database
  kInterrupted = 128,  // + the signal's number, after the report of what was seen
};

// Set by the command that the user named; main() calls it after parsing.
struct Invocation {
  std::function<Result<int>()> run;  // gives the exit code
};

struct Command {
  const char* name;
  const char* summary;
  void (*add)(CLI::App& app, Invocation& invocation);  // app: the subcommand, already made
};

// One per file.
void add_tune_command(CLI::App& app, Invocation& invocation);
void add_estimate_command(CLI::App& app, Invocation& invocation);
void add_measure_command(CLI::App& app, Invocation& invocation);
void add_calibrate_command(CLI::App& app, Invocation& invocation);
void add_report_command(CLI::App& app, Invocation& invocation);
void add_compare_command(CLI::App& app, Invocation& invocation);
void add_describe_command(CLI::App& app, Invocation& invocation);
void add_list_command(CLI::App& app, Invocation& invocation);
void add_export_command(CLI::App& app, Invocation& invocation);

int exit_code(const Error& error);

// To stdout, with a newline at the end; an environment error when stdout is full or closed.
Status print_result(const std::string& text);

// One line to stderr ("batchtune: ...").
void say(const std::string& text);

}  // namespace batchtune
