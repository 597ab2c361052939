#include "tuner/cli/report_output.h"

#include <unistd.h>

#include <algorithm>
#include <iterator>

#include "tuner/cli/command.h"
#include "tuner/cli/host.h"
#include "tuner/cli/progress.h"

namespace batchtune {

TextOptions text_options() {
  TextOptions options;
  options.width = terminal_width(STDOUT_FILENO);
  options.color = isatty(STDOUT_FILENO) != 0 && !environment_variable("NO_COLOR");
  return options;
}

Status print_text(const TuneReport& report, bool quiet) {
  return print_result(quiet ? quiet_report(report) : text_report(report, text_options()));
}

Status print_documents(const std::vector<TuneReport>& reports, Format format) {
  return print_result(format == Format::json ? json_report(reports) : csv_report(reports));
}

Status print_listing(const Listing& listing, Format format) {
  return print_result(format == Format::json  ? json_listing(listing)
                      : format == Format::csv ? csv_listing(listing)
                                              : text_listing(listing, text_options()));
}

int worse(int a, int b) {
  const auto rank = [](int code) {
    constexpr int kAscending[] = {kDone, kInconclusive, kFinding, kUsage, kEnvironment};
    return std::find(std::begin(kAscending), std::end(kAscending), code) - std::begin(kAscending);
  };
  return rank(b) > rank(a) ? b : a;
}

}  // namespace batchtune
