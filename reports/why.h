// Why a session recommends what it does, for the one who deploys it: words and one table for each
// backend, a page for one. Everything in it is said from the conclusion; nothing is computed anew.
#pragma once

#include <string>
#include <vector>

#include "reports/report.h"

namespace batchtune {

// One matter of the page: {"runner-up", "batch 4: -3.9 % throughput, -48 % latency"}.
struct WhyLine {
  std::string about, words;
};

// In the order of reading; what is not known has no line. The verdict is one of the report's.
std::vector<WhyLine> why_lines(const TuneReport& report, const Verdict& verdict);

// What the search spent and saved, and why it ended.
std::vector<WhyLine> session_lines(const TuneReport& report);

// The page. A session of `measure` has no verdict: it says so.
std::string text_why(const TuneReport& report, const TextOptions& options);

}  // namespace batchtune
