// The part of the text report that is about latency limits. For text_report.cpp alone.
#pragma once

#include <string>

#include "reports/report.h"

namespace batchtune::text {

// Every decision on every limit, with what it rests on; "" where no limit was asked for.
std::string limit_decisions(const TuneReport& report, int width);

// "; p99 <= 20.0 ms is not proven" for each such limit of the trial.
std::string unproven_words(const Trial& trial);

}  // namespace batchtune::text
