// What was wished for, and how sure and how dear a recommendation is, in words that the texts of
// this folder share.
#pragma once

#include <optional>
#include <string>

#include "reports/report.h"

namespace batchtune::text {

// "knee (the smallest batch within 2.0 % of the best throughput); p99 <= 20.0 ms; no memory limit"
std::string wishes_words(const Wishes& wishes);

// "batch 9 cannot be told apart from it: the smaller is recommended"; "" when there is none.
std::string alike_words(const TuneReport& report, const Verdict& verdict);

// "chosen in 94 % of resamplings, expected regret 0.60 %"; "" when it is not known.
std::string stability_words(const Verdict& verdict);

// In the currency of --price; nullopt: not measured, or no price for its backend.
std::optional<double> price_of_million(const Trial& trial, const Wishes& wishes);

// "0.340 for a million inferences"; "" without a price.
std::string cost_words(const TuneReport& report, const Verdict& verdict);

// Of the first Inferentia where a latency limit or the lowest latency was asked for; 0: of any other verdict.
int pipeline_cores(const TuneReport& report, const Verdict& verdict);
std::string pipeline_words(const TuneReport& report, const Verdict& verdict);  // "" then

}  // namespace batchtune::text
