// batchtune report [SESSION]: a stored session again, also with other limits and objectives than it
// was run with. Everything is concluded anew from the stored samples; no device is needed.
#include <fmt/format.h>

#include <memory>

#include "tuner/cli/command.h"
#include "tuner/cli/database.h"
#include "tuner/cli/effective_settings.h"
#include "tuner/cli/report_output.h"
#include "tuner/cli/session_run.h"
#include "tuner/search/conclude.h"

namespace batchtune {
namespace {

struct ReportOptions {
  std::string session = "last";
  TuningOptions tuning;
  std::string database;
  OutputOptions output;
};

Result<int> run_report(const ReportOptions& options) {
  BT_TRY(format, parse_format(options.output));
  BT_TRY(request, parse_tuning(options.tuning));
  BT_TRY(store, open_database_read_only(options.database));
  BT_TRY(record, load_session(*store, options.session));
  record.header.wishes = wishes_of(request, record.header.wishes);
  if (request.give_up && record.header.wishes.objective != Objective::knee)
    return bad_input("--give-up with the objective knee",
                     fmt::format("session {}: {}", record.header.number,
                                 name_of(record.header.wishes.objective)),
                     "--give-up", "Give --objective knee with it");
  replace_wish_settings(record.header, request);
  TuneReport report{std::move(record), {}};
  report.conclusion = conclude(report.record, report.record.header.wishes);
  if (format == Format::text)
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
  add_wish_options(arguments, options->tuning);
  add_database_option(arguments, options->database);
  add_output_options(arguments, options->output);
  arguments.run([options] { return run_report(*options); });
}

}  // namespace batchtune
