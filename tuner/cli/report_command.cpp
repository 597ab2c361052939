// batchtune report [SESSION]: a stored session again, also with other limits and objectives than it
// was run with, or why it recommends what it does (--why), or the lines that set it in a runtime
// (--how-to-set). Everything is concluded anew from the
// stored samples; no device is needed.
#include <memory>

#include "reports/how_to_set.h"
#include "reports/why.h"
#include "tuner/cli/command.h"
#include "tuner/cli/database.h"
#include "tuner/cli/effective_settings.h"
#include "tuner/cli/how_to_set.h"
#include "tuner/cli/record.h"
#include "tuner/cli/report_output.h"
#include "tuner/cli/session_run.h"
#include "tuner/cli/user_batches.h"
#include "tuner/cli/wish_request.h"
#include "tuner/search/conclude.h"

namespace batchtune {
namespace {

struct ReportOptions {
  std::string session = "last";
  TuningOptions tuning;
  std::string record;  // FILE of --record
  std::string database;
  OutputOptions output;
  bool why = false, how_to_set = false;
};

Status print_how_to_set(const TuneReport& report, Format format) {
  BT_TRY(what, how_to_set(report));
  return print_result(format == Format::json ? json_how_to_set(what)
                                             : text_how_to_set(what, text_options()));
}

// Pages instead of the figures: text or JSON, one of them.
Status check_page(const ReportOptions& options, Format format) {
  if (!options.why && !options.how_to_set) return {};
  const char* const page = options.why ? "--why" : "--how-to-set";
  if (options.why && options.how_to_set)
    return bad_input("--why or --how-to-set", "both", "report", "Leave one of the two out");
  if (format == Format::csv || options.output.quiet)
    return bad_input(std::string(page) + " as text or JSON",
                     options.output.quiet ? "--quiet" : "--format csv", page);
  return {};
}

Status print_why(const TuneReport& report, Format format) {
  if (format == Format::json) return print_result(json_report({report}, false, true));
  return print_result(text_why(report, text_options()));
}

std::vector<std::string> backends_in(const SessionHeader& header) {
  std::vector<std::string> names;
  for (const DeviceInfo& device : header.devices) names.push_back(device.backend);
  return names;
}

Result<int> run_report(const ReportOptions& options) {
  BT_TRY(format, parse_format(options.output));
  BT_TRY_VOID(check_page(options, format));
  BT_TRY(request, parse_tuning(options.tuning));
  BT_TRY(store, open_database_read_only(options.database));
  BT_TRY(record, load_session(*store, options.session));
  BT_TRY_VOID(
      check_record(options.record, record.header.strategy, record.header.settings.requested));
  record.header.wishes = wishes_of(request, record.header.wishes);
  BT_TRY_VOID(check_wishes(request, record.header.wishes, backends_in(record.header)));
  replace_wish_settings(record.header, request);
  TuneReport report{std::move(record), {}};
  report.conclusion = conclude(report.record, report.record.header.wishes);
  if (!options.record.empty()) BT_TRY_VOID(record_tables(options.record, report));
  if (options.why)
    BT_TRY_VOID(print_why(report, format));
  else if (options.how_to_set)
    BT_TRY_VOID(print_how_to_set(report, format));
  else if (format == Format::text)
    BT_TRY_VOID(print_text(report, options.output.quiet));
  else
    BT_TRY_VOID(print_documents({report}, format));
  return finding_of(report);
}

}  // namespace

void add_report_command(Arguments& arguments) {
  auto options = std::make_shared<ReportOptions>();
  arguments.value("SESSION", options->session,
                  "number, beginning of a UUID, last, last~1 or last:MODEL");
  arguments.flag("--why", options->why,
                 "a page that says why this batch, and how sure that is, instead of the figures");
  arguments.flag("--how-to-set", options->how_to_set,
                 "the lines that set the chosen batch in the runtime that it is deployed in");
  add_wish_options(arguments, options->tuning);
  add_user_mix_option(arguments, options->tuning);
  arguments.value("--record", options->record,
                  "also write every batch with its samples to this file, for batchtune replay");
  add_database_option(arguments, options->database);
  add_output_options(arguments, options->output);
  arguments.run([options] { return run_report(*options); });
}

}  // namespace batchtune
