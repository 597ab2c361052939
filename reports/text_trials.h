// The part of the text report that is about trials: table, failures, plot. For
// text_report.cpp and its parts alone.
#pragma once

#include <string>
#include <vector>

#include "reports/report.h"

namespace batchtune::text {

std::string trial_table(const TuneReport& report, const TextOptions& options);
std::string failed_trials(const TuneReport& report, int width);
std::string front_plot(const TuneReport& report, int width);

// "batch 8" ("batch 12 in runs of 4"), or "cpu bf16, 2 threads, batch 8" where the report has several groups.
std::string label_of(const TuneReport& report, const Candidate& candidate);

std::vector<const Trial*> in_order(const Conclusion& conclusion);  // of their candidates

const Trial* find_trial(const Conclusion& conclusion, TrialId id);

}  // namespace batchtune::text
