// Reports to stdout, in the form that was asked for.
#pragma once

#include <vector>

#include "reports/list_report.h"
#include "reports/report.h"
#include "tuner/cli/options.h"
#include "tuner/core/error.h"

namespace batchtune {

TextOptions text_options();  // of the terminal that stdout is, or of none

Status print_text(const TuneReport& report, bool quiet);
// JSON or CSV.
Status print_documents(const std::vector<TuneReport>& reports, Format format);
Status print_listing(const Listing& listing, Format format);

// The worse exit code of two results: interrupted, environment, usage, a finding, inconclusive,
// done.
int worse(int a, int b);

}  // namespace batchtune
