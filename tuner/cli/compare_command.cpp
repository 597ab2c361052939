// batchtune compare BASE NEW: two stored sessions held against each other. Exit code 1 on a
// regression.
#include "reports/compare_report.h"

#include <fmt/format.h>

#include <memory>
#include <utility>

#include "tuner/cli/command.h"
#include "tuner/cli/database.h"
#include "tuner/cli/report_output.h"
#include "tuner/core/units.h"
#include "tuner/search/conclude.h"
#include "tuner/track/compare.h"

namespace batchtune {
namespace {

struct CompareOptions {
  std::string base, now;
  std::string threshold;
  std::string database;
  OutputOptions output;
};

std::string name_of(const SessionHeader& header) {
  std::string name =
      fmt::format("session {}, {}, {}", header.number, header.model.name, header.started_at);
  for (const std::string& word : {header.revision, header.branch, header.label})
    if (!word.empty()) name += ", " + word;
  return name + (header.simulated ? ", simulated" : "");
}

Result<double> threshold_of(const CompareOptions& options) {
  if (options.threshold.empty()) return kDefaultThreshold;
  return parse_fraction(options.threshold, "--threshold");
}

int exit_code(const Comparison& comparison) {
  switch (outcome_of(comparison)) {
    case ComparisonOutcome::regression:
      return kFinding;
    case ComparisonOutcome::inconclusive:
      return kInconclusive;
    case ComparisonOutcome::no_regression:
      break;
  }
  return kDone;
}

Result<int> run_compare(const CompareOptions& options) {
  BT_TRY(format, parse_format(options.output));
  BT_TRY(threshold, threshold_of(options));
  BT_TRY(store, open_database_read_only(options.database));
  BT_TRY(base, load_session(*store, options.base));
  BT_TRY(now, load_session(*store, options.now));
  const Conclusion base_conclusion = conclude(base, base.header.wishes);
  const Conclusion now_conclusion = conclude(now, now.header.wishes);
  const CompareReport report{name_of(base.header), name_of(now.header),
                             compare({base, base_conclusion}, {now, now_conclusion}, threshold),
                             base.header.simulated || now.header.simulated};
  // The text has them itself.
  if (format != Format::text && !report.comparison.differences.empty())
    say(fmt::format("warning: the sessions differ in {}",
                    fmt::join(report.comparison.differences, "; ")));
  BT_TRY_VOID(print_result(format == Format::json  ? json_compare(report)
                           : format == Format::csv ? csv_compare(report)
                                                   : text_compare(report, text_options())));
  return exit_code(report.comparison);
}

}  // namespace

void add_compare_command(Arguments& arguments) {
  auto options = std::make_shared<CompareOptions>();
  arguments.required("BASE", options->base,
                     "session: number, beginning of a UUID, last, last~1, last:MODEL");
  arguments.required("NEW", options->now, "session");
  arguments.value("--threshold", options->threshold,
                  "smaller changes are no regression (default 3%)");
  add_database_option(arguments, options->database);
  add_format_option(arguments, options->output);
  arguments.run([options] { return run_compare(*options); });
}

}  // namespace batchtune
