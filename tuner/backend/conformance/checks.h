// What is behind the rules of the table (rule.h): one function each. By what they look at:
// checks_results.cpp, checks_memory.cpp, checks_process.cpp.
#pragma once

#include "tuner/backend/conformance/rule.h"

namespace batchtune::conformance {

// checks_results.cpp: that it runs, what it gives and when.
Finding check_describe(const Subject& subject);
Finding check_run(const Subject& subject);
Finding check_refusals(const Subject& subject);
Finding check_durations(const Subject& subject);
Finding check_pace(const Subject& subject);
Finding check_output(const Subject& subject);
Finding check_input(const Subject& subject);
Finding check_batches(const Subject& subject);
Finding check_determinism(const Subject& subject);
Finding check_instances(const Subject& subject);

// checks_memory.cpp: what it takes, and gives back.
Finding check_lifetime(const Subject& subject);
Finding check_repetition(const Subject& subject);
Finding check_memory(const Subject& subject);
Finding check_out_of_memory(const Subject& subject);

// checks_process.cpp: what its threads do.
Finding check_threads(const Subject& subject);
Finding check_quiet(const Subject& subject);
Finding check_cancel(const Subject& subject);

}  // namespace batchtune::conformance
