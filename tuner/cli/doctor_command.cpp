// batchtune doctor: what this machine offers to a measurement and what disturbs it, with advice
// where something can be done. Changes nothing: no database is made, no note is written.
#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <optional>
#include <utility>

#include "reports/doctor_report.h"
#include "tuner/backend/backend_list.h"
#include "tuner/cli/calibration.h"
#include "tuner/cli/command.h"
#include "tuner/cli/database.h"
#include "tuner/cli/host.h"
#include "tuner/cli/machine_findings.h"
#include "tuner/cli/machine_look.h"
#include "tuner/cli/progress.h"
#include "tuner/cli/quiet_notes.h"
#include "tuner/cli/report_output.h"
#include "tuner/core/units.h"
#include "tuner/measure/queries.h"
#include "tuner/measure/worker_measurer.h"

namespace batchtune {
namespace {

struct DoctorOptions {
  std::string seconds = "30";
  std::string database;
  OutputOptions output;
};

constexpr char kStorage[] = "storage";
constexpr char kSoftware[] = "software";

// "30" as well as "30s"; 0 takes no look.
Result<Seconds> parse_look(const std::string& text) {
  const bool bare = !text.empty() && text.find_first_not_of("0123456789.") == std::string::npos;
  return parse_seconds(bare ? text + "s" : text, "--seconds");
}

Finding fact(const char* topic, std::string key, std::string name, Value value,
             std::string origin) {
  const bool absent = std::holds_alternative<std::monostate>(value);
  return {topic,
          std::move(key),
          std::move(name),
          std::move(value),
          "",
          "",
          std::move(origin),
          absent ? FindingVerdict::unknown : FindingVerdict::fact,
          ""};
}

void add_storage(std::vector<Finding>& findings, const StoreFacts& facts) {
  findings.push_back(fact(kStorage, "database.path", "database", facts.path, "--db"));
  findings.push_back(
      fact(kStorage, "database.journal_mode", "journal mode", facts.journal_mode, "SQLite"));
  findings.push_back(
      fact(kStorage, "database.synchronous", "synchronous", facts.synchronous, "SQLite"));
  findings.push_back(fact(kStorage, "database.bytes", "size", facts.bytes, "SQLite"));
  findings.back().unit = "bytes";
  findings.back().shown = format_bytes(static_cast<double>(facts.bytes));
  findings.push_back(
      fact(kStorage, "database.sessions", "sessions", std::int64_t{facts.sessions}, "SQLite"));
}

// What a database tells: how it is kept, quiet levels, and how much of a session's wall time went
// to the tool itself.
struct KnownQuiet {
  QuietLevels quiet;
  std::optional<double> outside_share;
  std::optional<std::int64_t> outside_session;  // the newest real one that has the share
};

constexpr int kNewest = 20;  // sessions that are looked into for the share: each is read whole

void find_outside_share(const Store& store, KnownQuiet& known) {
  auto sessions = store.list_sessions().value_or(std::vector<SessionListing>{});
  std::erase_if(sessions, [](const SessionListing& session) { return session.simulated; });
  std::ranges::sort(sessions, std::greater<>(), &SessionListing::number);
  if (sessions.size() > kNewest) sessions.resize(kNewest);
  for (const SessionListing& session : sessions) {
    const auto record = store.load_session(session.number);
    if (!record || !record->overhead || !record->overhead->outside_share) continue;
    known.outside_share = record->overhead->outside_share;
    known.outside_session = session.number;
    return;
  }
}

// Without a database there is nothing to say of it, and nothing is known.
KnownQuiet add_database(std::vector<Finding>& findings, const std::string& option) {
  KnownQuiet known;
  const auto store = open_database_read_only(option);
  if (!store) {
    findings.push_back(fact(kStorage, "database.path", "database", {}, store.error().found));
    return known;
  }
  if (const auto facts = (*store)->facts()) add_storage(findings, *facts);
  known.quiet = known_quiet_levels(**store, canary_cpus()).value_or(QuietLevels{});
  find_outside_share(**store, known);
  return known;
}

void add_software(std::vector<Finding>& findings) {
  for (const auto& [name, value] : environment_snapshot()) {
    const bool wanted = name.starts_with("library.") || name == "kernel" || name == "version" ||
                        name == "compiler" || name == "build.type";
    if (wanted) findings.push_back(fact(kSoftware, name, name, value, "this program"));
    if (name != "build.type" || to_string(value) == "Release") continue;
    findings.back().verdict = FindingVerdict::bad;
    findings.back().advice = "Build with -DCMAKE_BUILD_TYPE=Release before measuring";
  }
  for (const BackendEntry& backend : backends()) {
    if (backend.simulated) continue;
    const std::string key = fmt::format("backend.{}", backend.name);
    const auto device = describe_backend(std::string(backend.name));
    if (device)
      findings.push_back(fact(kSoftware, key, key, device->version, "the backend"));
    else
      findings.push_back(fact(kSoftware, key, key, {}, to_string(device.error())));
  }
}

std::optional<Overhead> own_overhead(int cpus) {
  WorkerMeasurerOptions options;
  options.reference_threads = cpus;
  WorkerMeasurer measurer(std::move(options));
  const auto overhead = measurer.measure_overhead();
  return overhead ? std::optional(*overhead) : std::nullopt;
}

std::string conclusion_of(const DoctorReport& report) {
  const auto bad =
      std::count_if(report.findings.begin(), report.findings.end(),
                    [](const Finding& finding) { return finding.verdict == FindingVerdict::bad; });
  std::string text = bad == 0   ? "nothing was found that disturbs measuring"
                     : bad == 1 ? "one thing disturbs measuring"
                                : fmt::format("{} things disturb measuring", bad);
  if (report.look && report.look->quiet_share)
    text += fmt::format("; the machine was quiet in {:.0f} % of the look",
                        100 * *report.look->quiet_share);
  return text;
}

// A machine that cannot be looked at, since no thread can be pinned, still has its findings.
void add_look(DoctorReport& report, Seconds seconds, const QuietLevels& known) {
  ProgressLine line(true);
  line.show(fmt::format("looking at this machine for {}", format_seconds(seconds)));
  const auto readings = take_look(seconds);
  std::vector<Finding> disturbing;
  if (readings) {
    report.look = judge_look(*readings, known);
    disturbing = look_findings(*report.look, readings->cpus);
  } else {
    disturbing = {fact("disturbance", "noise.look", "look", {}, readings.error().found)};
  }
  report.findings.insert(report.findings.begin(), disturbing.begin(), disturbing.end());
}

Result<int> run_doctor(const DoctorOptions& options) {
  BT_TRY(format, parse_format(options.output));
  BT_TRY(seconds, parse_look(options.seconds));
  DoctorReport report;
  report.title = this_machine();
  report.findings = machine_findings();
  const KnownQuiet known = add_database(report.findings, options.database);
  add_software(report.findings);
  if (seconds > 0) add_look(report, seconds, known.quiet);
  report.overhead = own_overhead(cpu_share().usable);
  if (report.overhead) {
    report.overhead->outside_share = known.outside_share;
    report.outside_session = known.outside_session;
  }
  report.conclusion = conclusion_of(report);
  BT_TRY_VOID(print_result(format == Format::json  ? json_doctor(report)
                           : format == Format::csv ? csv_doctor(report)
                                                   : text_doctor(report, text_options())));
  return kDone;
}

}  // namespace

void add_doctor_command(Arguments& arguments) {
  auto options = std::make_shared<DoctorOptions>();
  arguments.value("--seconds", options->seconds,
                  "of the look at what disturbs (default 30; 0: none)");
  add_database_option(arguments, options->database);
  add_format_option(arguments, options->output);
  arguments.run([options] { return run_doctor(*options); });
}

}  // namespace batchtune
