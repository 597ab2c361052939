#include "reports/several_report.h"

#include <fmt/format.h>

#include "reports/dynamic_batch.h"
#include "reports/json/parts.h"
#include "reports/text/table.h"
#include "reports/text/words.h"
#include "tuner/core/units.h"

namespace batchtune {
namespace {

constexpr int kSeveralSchema = 1;

const Trial* best_of(const TunedModel& tuned) {
  if (!tuned.report || !tuned.report->conclusion.best) return nullptr;
  for (const Trial& trial : tuned.report->conclusion.trials)
    if (trial.id == tuned.report->conclusion.best->trial) return &trial;
  return nullptr;
}

std::string ended(const TunedModel& tuned) {
  if (tuned.error) return "failed";
  const TuneReport& report = *tuned.report;
  std::string words(name_of(report.record.end));
  if (!report.conclusion.best)
    words += ", no batch keeps the limits";
  else if (!report.conclusion.best->proven)
    words += ", unproven";
  return words + (report.record.header.simulated ? ", simulated" : "");
}

}  // namespace

std::string text_one_of_several(const TunedModel& tuned, const TextOptions& options) {
  if (tuned.error)
    return text::wrapped(tuned.model + ": failed: ", to_string(*tuned.error), options.width);
  const SessionHeader& header = tuned.report->record.header;
  return text::wrapped(fmt::format("{} (session {}): ", tuned.model, header.number),
                       (header.simulated ? "SIMULATED: " : "") + verdict_sentence(*tuned.report),
                       options.width);
}

std::string text_several(const std::vector<TunedModel>& tuned, const TextOptions& options) {
  text::Column model{"", "model", true, 0, {}}, session{"", "session", false, 3, {}},
      backend{"", "backend", true, 2, {}}, batch{"", "batch", false, 0, {}},
      split{"", "split", false, 1, {}}, rate{"undisturbed", "samples/s", false, 0, {}},
      latency{"undisturbed", "latency", false, 0, {}}, end{"", "ended", true, 0, {}};
  for (const TunedModel& one : tuned) {
    const Trial* best = best_of(one);
    const auto& measured = best ? best->measurement : std::nullopt;
    const CandidateGroup group = best ? best->candidate.group : CandidateGroup{};
    model.cells.push_back(one.model);
    session.cells.push_back(one.report ? std::to_string(one.report->record.header.number)
                                       : text::kAbsent);
    backend.cells.push_back(best ? group.backend : text::kAbsent);
    batch.cells.push_back(best ? std::to_string(best->candidate.batch) : text::kAbsent);
    split.cells.push_back(best ? fmt::format("{} x {}", group.instances, group.threads)
                               : text::kAbsent);
    rate.cells.push_back(measured ? format_number(users_throughput(*best, one.report->record.header.wishes), 3)
                                  : text::kAbsent);
    latency.cells.push_back(measured ? format_seconds(measured->undisturbed) : text::kAbsent);
    end.cells.push_back(ended(one));
  }
  return "\n" +
         text::format_table({model, session, backend, batch, split, rate, latency, end},
                            options.width) +
         text::wrapped("", "batchtune report SESSION shows one in full.", options.width);
}

std::string json_several(const std::vector<TunedModel>& tuned) {
  json::Json results = json::Json::array();
  for (const TunedModel& one : tuned) {
    if (one.report) {
      results.push_back(json::Json::parse(json_report({*one.report})));
      continue;
    }
    json::Json failed = json::Json::parse(json_error(*one.error));
    failed["model"] = one.model;
    results.push_back(failed);
  }
  return json::document(
      {{"schema_version", kSeveralSchema}, {"command", "tune"}, {"results", results}});
}

}  // namespace batchtune
