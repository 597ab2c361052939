// The part of the text report that is about memory: where it ends, what was killed to find that,
// and the soak of the recommended candidate. For text_report.cpp alone.
#pragma once

#include <string>

#include "reports/report.h"

namespace batchtune::text {

std::string boundaries(const TuneReport& report, int width);

// "; memory ends at about 212" or "; memory ends between 212 and 216"; "" when nothing is known.
std::string memory_end(const Conclusion& conclusion, const CandidateGroup& group);

// "soaked 6.00 s alone: 812 runs, peak 1.20 GiB", and how it ended where it did not go well.
std::string soak_words(const Soaked& soaked);

// "headroom 0.80 GiB (40 %)"; "" when it is not known.
std::string headroom_words(const Verdict& verdict);

}  // namespace batchtune::text
