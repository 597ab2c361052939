// What the commands share: how they end, where their text goes.
// stdout is the result and nothing else; everything said on the way goes to stderr.
#pragma once

#include <string>

#include "tuner/cli/arguments.h"
#include "tuner/core/error.h"
#include "tuner/core/observation.h"

namespace batchtune {

enum ExitCode : int {
  kDone = 0,
  kFinding = 1,        // a regression, no candidate keeps the limits, or nothing fits
  kUsage = 2,          // usage or bad input
  kInconclusive = 3,   // inconclusive or unproven
  kEnvironment = 4,    // device, database
  kInterrupted = 128,  // + the signal's number, after the report of what was seen
};

// One per file.
void add_tune_command(Arguments& arguments);
void add_estimate_command(Arguments& arguments);
void add_measure_command(Arguments& arguments);
void add_calibrate_command(Arguments& arguments);
void add_report_command(Arguments& arguments);
void add_compare_command(Arguments& arguments);
void add_points_command(Arguments& arguments);
void add_plan_command(Arguments& arguments);
void add_describe_command(Arguments& arguments);
void add_list_command(Arguments& arguments);
void add_export_command(Arguments& arguments);
void add_doctor_command(Arguments& arguments);
void add_replay_command(Arguments& arguments);
void add_backend_check_command(Arguments& arguments);

int exit_code(const Error& error);

// To stdout, with a newline at the end; an environment error when stdout is full or closed.
Status print_result(const std::string& text);

std::string words_of(const Ending& ending);  // "why (evidence)"

// One line to stderr ("batchtune: ...").
void say(const std::string& text);

}  // namespace batchtune
