#include "reports/doctor_report.h"

#include <fmt/format.h>
#include <algorithm>

#include "reports/csv/row.h"
#include "reports/json/parts.h"
#include "reports/text/words.h"
#include "tuner/core/units.h"

namespace batchtune {
namespace {

using json::Json;

constexpr int kDoctorSchema = 1;

// A line of the text: "! governor  powersave".
struct Line {
  std::string mark, name, words;
};
struct Section {
  std::string heading;
  std::vector<Line> lines;
};

constexpr double kFullSpeed = 0.95;  // what bursts of one level differ by

std::string levels_words(const std::vector<SpeedLevel>& levels) {
  std::vector<std::string> parts;
  for (const SpeedLevel& level : levels) {
    const std::string speed = level.speed > kFullSpeed
                                  ? std::string("full speed")
                                  : format_number(level.speed, 2) + " of full speed";
    parts.push_back(fmt::format("{} in {}", speed, format_percent(level.share)));
  }
  return text::joined(parts, ", ") + " of the bursts";
}

std::string cores_words(const MachineLook& look) {
  std::string words = !look.cores_shared   ? "not known whether CPUs share a core"
                      : *look.cores_shared ? "the CPUs share a core"
                                           : "each CPU is a core of its own";
  if (!look.cores_evidence.empty()) words += ": " + look.cores_evidence;
  return words;
}

Section look_section(const MachineLook& look) {
  Section section{
      fmt::format("look of {}, {} bursts on each CPU", format_seconds(look.seconds), look.bursts),
      {}};
  const auto add = [&](const char* name, std::string words) {
    section.lines.push_back({"", name, std::move(words)});
  };
  add("quiet", look.quiet_share ? format_percent(*look.quiet_share) + " of the time"
                                : std::string("not judged"));
  if (!look.compute_levels.empty()) add("arithmetic", levels_words(look.compute_levels));
  if (!look.cache_levels.empty()) add("cache", levels_words(look.cache_levels));
  if (!look.exchange_levels.empty()) add("exchange", levels_words(look.exchange_levels));
  add("cores", cores_words(look));
  if (look.clock_hz) add("clock", text::clock_words(*look.clock_hz));
  if (look.cpu_pressure)
    add("pressure", format_percent(*look.cpu_pressure) + " of the time some task waited for a CPU");
  if (look.steal)
    add("steal", *look.steal > 0 ? format_seconds(*look.steal) : std::string("none seen"));
  if (look.load) add("load", format_number(*look.load, 2));
  return section;
}

std::string mark_of(FindingVerdict verdict) {
  if (verdict == FindingVerdict::bad) return "!";
  return verdict == FindingVerdict::unknown ? "?" : "";
}

Line line_of(const Finding& finding) {
  std::string words = finding.shown;
  if (words.empty()) {
    const bool absent = std::holds_alternative<std::monostate>(finding.value);
    words = absent ? std::string("not known") : text::shown(finding.value);
    if (!finding.unit.empty() && !absent) words += " " + finding.unit;
  }
  if (finding.verdict == FindingVerdict::unknown && !finding.origin.empty())
    words += " (" + finding.origin + ")";
  return {mark_of(finding.verdict), finding.name, words};
}

void add_findings(std::vector<Section>& sections, const std::vector<Finding>& findings) {
  const std::size_t first = sections.size();
  for (const Finding& finding : findings) {
    auto section =
        std::find_if(sections.begin() + static_cast<std::ptrdiff_t>(first), sections.end(),
                     [&](const Section& s) { return s.heading == finding.topic; });
    if (section == sections.end()) section = sections.insert(section, {finding.topic, {}});
    section->lines.push_back(line_of(finding));
  }
}

Section harness_section(const Overhead& overhead, std::optional<std::int64_t> session) {
  Section section{"harness", {}};
  section.lines.push_back({"", "timed run", format_seconds(overhead.in_interval) + " inside it"});
  section.lines.push_back(
      {"", "visit", format_seconds(overhead.between_visits) + " from one to the next"});
  if (overhead.outside_share)
    section.lines.push_back({"", "outside",
                             format_percent(*overhead.outside_share) +
                                 " of the wall time was not measuring" +
                                 (session ? fmt::format(" (session {})", *session) : "")});
  return section;
}

std::string text_of(const std::vector<Section>& sections, int width) {
  std::size_t widest = 0;
  for (const Section& section : sections)
    for (const Line& line : section.lines) widest = std::max(widest, line.name.size());
  std::string text;
  for (const Section& section : sections) {
    text += "\n" + text::wrapped("", section.heading, width);
    for (const Line& line : section.lines)
      text += text::wrapped(fmt::format("{:<2}{:<{}}  ", line.mark, line.name, widest), line.words,
                            width);
  }
  return text;
}

std::string advice_of(const std::vector<Finding>& findings, int width) {
  std::string text;
  for (const Finding& finding : findings)
    if (!finding.advice.empty())
      text += text::wrapped("  " + text::one_line(finding.name) + ": ", finding.advice, width);
  return text.empty() ? "" : "\nwhat would help\n" + text;
}

Json levels_of(const std::vector<SpeedLevel>& levels) {
  Json list = Json::array();
  for (const SpeedLevel& level : levels)
    list.push_back({{"speed", json::number(level.speed)}, {"share", json::number(level.share)}});
  return list;
}

Json look_of(const MachineLook& look) {
  return {{"seconds", json::number(look.seconds)},
          {"bursts", look.bursts},
          {"quiet_share", json::number(look.quiet_share)},
          {"compute_levels", levels_of(look.compute_levels)},
          {"cache_levels", levels_of(look.cache_levels)},
          {"exchange_levels", levels_of(look.exchange_levels)},
          {"cores_shared", look.cores_shared ? Json(*look.cores_shared) : Json(nullptr)},
          {"cores_evidence", look.cores_evidence},
          {"clock_hz", json::interval(look.clock_hz)},
          {"cpu_pressure", json::number(look.cpu_pressure)},
          {"load", json::number(look.load)},
          {"steal", json::number(look.steal)}};
}

Json finding_of(const Finding& finding) {
  return {{"topic", finding.topic},
          {"key", finding.key},
          {"name", finding.name},
          {"value", json::value(finding.value)},
          {"unit", finding.unit},
          {"origin", finding.origin},
          {"verdict", name_of(finding.verdict)},
          {"advice", finding.advice}};
}

}  // namespace

std::string_view name_of(FindingVerdict verdict) {
  switch (verdict) {
    case FindingVerdict::fact:
      return "fact";
    case FindingVerdict::good:
      return "good";
    case FindingVerdict::bad:
      return "bad";
    case FindingVerdict::unknown:
      return "unknown";
  }
  return "?";
}

std::string text_doctor(const DoctorReport& report, const TextOptions& options) {
  std::vector<Section> sections;
  if (report.look) sections.push_back(look_section(*report.look));
  add_findings(sections, report.findings);
  if (report.overhead)
    sections.push_back(harness_section(*report.overhead, report.outside_session));
  std::string text = text::wrapped("", report.title, options.width);
  text += text_of(sections, options.width) + advice_of(report.findings, options.width);
  if (report.conclusion.empty()) return text;
  std::string sentence = text::wrapped("=> ", report.conclusion, options.width);
  sentence.pop_back();
  return text + "\n" + text::bold(sentence, options.color) + "\n";
}

std::string json_doctor(const DoctorReport& report) {
  Json findings = Json::array();
  for (const Finding& finding : report.findings) findings.push_back(finding_of(finding));
  return json::document(
      {{"schema_version", kDoctorSchema},
       {"command", "doctor"},
       {"machine", report.title},
       {"look", report.look ? look_of(*report.look) : Json(nullptr)},
       {"findings", findings},
       {"overhead", json::overhead(report.overhead)},
       {"outside_session", report.outside_session ? Json(*report.outside_session) : Json(nullptr)},
       {"conclusion", report.conclusion}});
}

std::string csv_doctor(const DoctorReport& report) {
  std::string text = "topic,key,value,unit,verdict,origin,advice\n";
  for (const Finding& finding : report.findings) {
    csv::Row row;
    row.text(finding.topic);
    row.text(finding.key);
    row.value(finding.value);
    row.text(finding.unit);
    row.text(name_of(finding.verdict));
    row.text(finding.origin);
    row.text(finding.advice);
    text += row.line();
  }
  return text;
}

}  // namespace batchtune
