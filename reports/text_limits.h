// The part of the text report that is about latency limits. For text_report.cpp alone.
#pragma once

#include <string>

#include "reports/report.h"

namespace batchtune::text {

// Every decision on every limit, with what it rests on; "" where no limit was asked for.
std::string limit_decisions(const TuneReport& report, int width);

// "; p99 <= 20.0 ms is not proven (120 samples, 0 over, confidence 70 %)" for each such limit of
// the trial, in the order in which limits were asked for.
std::string unproven_words(const Trial& trial);

}  // namespace batchtune::text
