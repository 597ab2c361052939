// The JSON of `tune` and `measure` (tune.schema.json), and of errors.
#include "reports/compile_summary.h"
#include "reports/host_summary.h"
#include "reports/json/dynamic_batch.h"
#include "reports/json/layers.h"
#include "reports/json/parts.h"
#include "reports/report.h"
#include "reports/text_verdict.h"
#include "reports/why.h"

namespace batchtune {
namespace {

using json::Json;

constexpr int kTuneSchema = 1;

Json compiles_of(const CompileSummary& compiles) {
  return {{"used", compiles.used},
          {"limit", json::integer(compiles.limit)},
          {"waited", json::number(compiles.waited)},
          {"in_background", compiles.in_background},
          {"from_cache", compiles.from_cache}};
}

Json session_of(const TuneReport& report) {
  const SessionHeader& header = report.record.header;
  const TrialId anchor = report.conclusion.anchor;
  Json json = {{"uuid", header.uuid},
               {"number", header.number == 0 ? Json(nullptr) : Json(header.number)},
               {"database", header.database.empty() ? Json(nullptr) : Json(header.database)},
               {"started", header.started_at},
               {"ended", name_of(report.record.end)},
               {"end_reason", report.record.end_reason},
               {"anchor", anchor == 0 ? Json(nullptr) : Json(anchor)},
               {"overhead", json::overhead(report.record.overhead)},
               {"revision", header.revision},
               {"branch", header.branch},
               {"label", header.label}};
  if (const auto compiles = summarise_compiles(report.record)) json["compiles"] = compiles_of(*compiles);
  return json;
}

Json host_of(const TuneReport& report) {
  const HostSummary host = summarise_host(report.record);
  return {{"quiet_share", json::number(report.conclusion.quiet_share)},
          {"judged_visits", host.judged_visits},
          {"disturbed_visits", host.disturbed_visits},
          {"clock_hz", json::interval(host.clock_hz)},
          {"cpu_pressure", json::number(host.cpu_pressure)},
          {"load", json::number(host.load)},
          {"parked_cpu", json::number(host.parked_cpu)},
          {"steal", json::number(host.steal)},
          {"involuntary_switches", json::integer(host.involuntary_switches)},
          {"major_faults", json::integer(host.major_faults)}};
}

Json devices_of(const SessionHeader& header) {
  Json devices = Json::array();
  for (const DeviceInfo& device : header.devices)
    devices.push_back({{"backend", device.backend},
                       {"name", device.name},
                       {"version", device.version},
                       {"load", json::number(device.load_seconds)}});
  return devices;
}

Json settings_of(const Settings& settings) {
  Json requested = Json::object(), effective = Json::object(), origins = Json::object();
  for (const Setting& setting : settings.requested) {
    Json& known = requested[setting.name];  // an option may have been given several times
    known = known.is_string() ? Json(known.get<std::string>() + ", " + to_string(setting.value))
                              : json::value(setting.value);
  }
  for (const Setting& setting : settings.effective) {
    effective[setting.name] = json::value(setting.value);
    origins[setting.name] = setting.origin;
  }
  return {{"requested", requested}, {"effective", effective}, {"origins", origins}};
}

Json limits_of(const Trial& trial) {
  Json limits = Json::array();
  for (const LimitVerdict& limit : trial.limits)
    limits.push_back({{"metric", name_of(limit.metric)},
                      {"limit", json::number(limit.limit)},
                      {"decision", name_of(limit.decision)},
                      {"confidence", json::number(limit.confidence)},
                      {"samples", json::number(limit.samples)},
                      {"runs", limit.runs},
                      {"over", limit.over}});
  return limits;
}

// The same keys with and without a measurement, so that readers need not ask twice.
// `judged`: canaries ran; without them no visit is known to be quiet.
void add_figures(Json& json, const std::optional<Measurement>& measurement, bool judged) {
  const Measurement m = measurement.value_or(Measurement{});
  const auto figure = [&](double value) {
    return measurement ? json::number(value) : Json(nullptr);
  };
  json["visits"] = m.visits;
  json["quiet_visits"] = judged ? Json(m.quiet_visits) : Json(nullptr);
  json["autocorrelation"] = json::number(m.autocorrelation);
  json["samples"] = m.samples;
  json["latency"] = {
      {"undisturbed", figure(m.undisturbed)}, {"ci95", json::interval(m.undisturbed_ci95)},
      {"p50", json::number(m.p50)},           {"p90", json::number(m.p90)},
      {"p95", json::number(m.p95)},           {"p99", json::number(m.p99)},
      {"p99_9", json::number(m.p99_9)},       {"max", figure(m.max)}};
  json["throughput"] = {{"undisturbed", figure(m.throughput_undisturbed)},
                        {"as_seen", figure(m.throughput_as_seen)}};
  json["ratio"] = {{"to_anchor", figure(m.ratio_to_anchor)},
                   {"ci95", json::interval(m.ratio_ci95)}};
}

Json trial_of(const Trial& trial, const Wishes& wishes, bool judged) {
  Json json = {{"id", trial.id},
               {"candidate", json::candidate(trial.candidate)},
               {"batch", trial.candidate.batch},
               {"status", name_of(trial.ending.status)},
               {"reason", trial.ending.reason},
               {"evidence", trial.ending.evidence},
               {"where", trial.ending.where}};
  add_figures(json, trial.measurement, judged);
  json["memory"] = json::integer(trial.memory);
  json["memory_kind"] = trial.memory_kind ? Json(name_of(*trial.memory_kind)) : Json(nullptr);
  json["prepare"] = json::number(trial.prepare_seconds);
  json["front"] = trial.on_front;
  json["front_probability"] = json::number(trial.front_probability);
  json["estimate"] = nullptr;
  if (trial.estimate)
    json["estimate"] = {{"latency", json::number(trial.estimate->latency)},
                        {"memory", json::number(trial.estimate->memory)}};
  json["cost_per_million"] = json::number(text::price_of_million(trial, wishes));
  json["limits"] = limits_of(trial);
  return json;
}

Json boundary_of(const Boundary& boundary) {
  return {{"group", json::group(boundary.group)},
          {"kind", name_of(boundary.kind)},
          {"limiter", name_of(boundary.limiter)},
          {"largest_fitting", json::integer(boundary.largest_fitting)},
          {"smallest_failing", json::integer(boundary.smallest_failing)},
          {"exact", boundary.kind == BoundaryKind::probed && boundary.exact},
          {"kills", boundary.kills},
          {"shape", boundary.shape ? Json(name_of(*boundary.shape)) : Json(nullptr)},
          {"shape_evidence", boundary.shape_evidence},
          {"evidence", boundary.evidence}};
}

Json soaked_of(const std::optional<Soaked>& soaked) {
  if (!soaked) return nullptr;
  return {{"seconds", json::number(soaked->seconds)},
          {"runs", soaked->runs},
          {"peak", json::integer(soaked->peak)},
          {"status", name_of(soaked->ending.status)},
          {"reason", soaked->ending.reason},
          {"evidence", soaked->ending.evidence},
          {"where", soaked->ending.where}};
}

Json step_of(const std::optional<Step>& step) {
  if (!step) return nullptr;
  return {{"batch", step->batch},
          {"throughput", json::number(step->throughput)},
          {"latency", json::number(step->latency)}};
}

Json tightening_of(const std::optional<Tightening>& tightening) {
  if (!tightening) return nullptr;
  return {{"metric", name_of(tightening->limit.metric)},
          {"limit", json::number(tightening->limit.limit)},
          {"until", json::number(tightening->until)},
          {"next", tightening->next == 0 ? Json(nullptr) : Json(tightening->next)}};
}

Json effort_of(const Effort& effort) {
  return {{"candidates", effort.candidates},
          {"rounds", effort.rounds},
          {"visits", effort.visits},
          {"racing", json::number(effort.racing)},
          {"probing", json::number(effort.probing)},
          {"up_to", effort.up_to == 0 ? Json(nullptr) : Json(effort.up_to)},
          {"sweep", json::number(effort.sweep)}};
}

Json verdict_of(const TuneReport& report, const Verdict& verdict) {
  Json json = {{"backend", verdict.backend},
               {"trial", json::integer(verdict.trial)},
               {"batch", verdict.trial ? Json(verdict.batch) : Json(nullptr)},
               {"objective", name_of(verdict.objective)},
               {"reason", verdict.reason},
               {"runner_up", json::integer(verdict.runner_up)},
               {"stability", json::number(verdict.stability)},
               {"expected_regret", json::number(verdict.expected_regret)},
               {"indistinguishable", verdict.indistinguishable},
               {"down", step_of(verdict.down)},
               {"up", step_of(verdict.up)},
               {"limit_slack", json::number(verdict.limit_slack)},
               {"tightening", tightening_of(verdict.tightening)},
               {"binding", verdict.binding},
               {"headroom", json::number(verdict.headroom)},
               {"headroom_share", json::number(verdict.headroom_share)},
               {"soaked", soaked_of(verdict.soaked)}};
  if (const int cores = text::pipeline_cores(report, verdict); cores > 0) json["pipeline_cores"] = cores;
  if (const auto& nothing = verdict.nothing_fits) {
    json["nearest"] = nothing->nearest == 0 ? Json(nullptr) : Json(nothing->nearest);
    json["gap"] = nothing->gap;
    json["levers"] = nothing->levers;
  }
  return json;
}

Json best_of(const std::optional<Best>& best) {
  if (!best) return nullptr;
  return {{"trial", best->trial},
          {"backend", best->backend},
          {"batch", best->batch},
          {"proven", best->proven}};
}

template <typename T, typename Convert>
Json list(const std::vector<T>& parts, Convert convert) {
  Json json = Json::array();
  for (const T& part : parts) json.push_back(convert(part));
  return json;
}

Json front_of(const Front& front) {
  return {{"group", json::group(front.group)}, {"trials", front.trials}};
}

Json why_line_of(const WhyLine& line) {
  return {{"about", line.about}, {"words", line.words}};
}

Json why_of(const TuneReport& report) {
  const auto verdict = [&](const Verdict& one) -> Json {
    return {{"backend", one.backend}, {"lines", list(why_lines(report, one), why_line_of)}};
  };
  return {{"verdicts", list(report.conclusion.verdicts, verdict)},
          {"session", list(session_lines(report), why_line_of)}};
}

Json report_of(const TuneReport& report, bool why) {
  const SessionHeader& header = report.record.header;
  const Conclusion& conclusion = report.conclusion;
  const auto trial = [&, judged = conclusion.quiet_share.has_value()](const Trial& one) {
    return trial_of(one, header.wishes, judged);
  };
  Json json = {{"schema_version", kTuneSchema},
               {"command", header.command},
               {"simulated", header.simulated},
               {"session", session_of(report)},
               {"host", host_of(report)},
               {"model", json::model(header.model)},
               {"devices", devices_of(header)},
               {"settings", settings_of(header.settings)},
               {"estimates", list(header.estimates, json::estimate)},
               {"trials", list(conclusion.trials, trial)},
               {"fronts", list(conclusion.fronts, front_of)},
               {"boundaries", list(conclusion.boundaries, boundary_of)},
               {"kills", conclusion.kills},
               {"effort", effort_of(conclusion.effort)}};
  if (Json dynamic = json::dynamic_batching(report); !dynamic.is_null()) json["dynamic_batching"] = std::move(dynamic);
  if (!report.layers.empty()) json["layers"] = list(report.layers, json::layers);
  if (header.command == "measure")
    return json;  // given batches: nothing was searched, nothing is recommended
  const auto verdict = [&](const Verdict& one) { return verdict_of(report, one); };
  json["verdicts"] = list(conclusion.verdicts, verdict);
  json["best"] = best_of(conclusion.best);
  if (why) json["why"] = why_of(report);
  return json;
}

}  // namespace

std::string json_report(const std::vector<TuneReport>& reports, bool several, bool why) {
  if (!several && reports.size() == 1) return json::document(report_of(reports.front(), why));
  const std::string command = reports.empty() ? "tune" : reports.front().record.header.command;
  const auto result = [why](const TuneReport& report) { return report_of(report, why); };
  return json::document({{"schema_version", kTuneSchema},
                         {"command", command},
                         {"results", list(reports, result)}});
}

std::string json_error(const Error& error) {
  const Json content = {
      {"wanted", error.wanted}, {"found", error.found}, {"where", error.where}, {"do", error.todo}};
  return json::document({{"schema_version", kTuneSchema}, {"error", content}});
}

}  // namespace batchtune
