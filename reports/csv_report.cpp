// One row per trial for spreadsheets and data frames: RFC 4180 with line feeds; an absent figure is
// empty.
#include <fmt/format.h>
#include <cmath>

#include "reports/csv/row.h"
#include "reports/dynamic_batch.h"
#include "reports/report.h"

namespace batchtune {
namespace {

constexpr char kHeader[] =
    "model,session,simulated,trial,backend,dtype,threads,instances,dims,batch,status,reason,"
    "latency_undisturbed,latency_low,latency_high,p50,p90,p95,p99,p99_9,max,throughput_undisturbed,"
    "throughput_as_seen,ratio_to_anchor,visits,samples,memory,memory_kind,prepare,front,"
    "estimate_latency,estimate_memory,best,quiet_visits,autocorrelation,evidence,limits,"
    "cores,variant,compiled_batch,useful_share,users_throughput\n";

using csv::Row;

void add_figures(Row& row, const std::optional<Measurement>& measurement) {
  const Measurement m = measurement.value_or(Measurement{});
  const auto figure = [&](double value) {
    return measurement ? std::optional(value) : std::nullopt;
  };
  const auto& interval = m.undisturbed_ci95;
  row.number(figure(m.undisturbed));
  row.number(interval ? std::optional(interval->low) : std::nullopt);
  row.number(interval ? std::optional(interval->high) : std::nullopt);
  for (const auto& percentile : {m.p50, m.p90, m.p95, m.p99, m.p99_9}) row.number(percentile);
  row.number(figure(m.max));
  row.number(figure(m.throughput_undisturbed));
  row.number(figure(m.throughput_as_seen));
  row.number(figure(m.ratio_to_anchor));
  row.integer(m.visits);
  row.integer(m.samples);
}

std::string dims_of(const CandidateGroup& group) {
  std::string text;
  for (const auto& [name, size] : group.dims)
    text += fmt::format("{}{}={}", text.empty() ? "" : ";", name, size);
  return text;
}

// "p50<=0.5 kept;p99<=0.6 unproven"
std::string limit_cell(const Trial& trial) {
  std::string text;
  for (const LimitVerdict& limit : trial.limits) {
    if (!std::isfinite(limit.limit)) continue;
    text += fmt::format("{}{}<={} {}", text.empty() ? "" : ";", name_of(limit.metric), limit.limit,
                        name_of(limit.decision));
  }
  return text;
}

// `judged`: canaries ran; without them no visit is known to be quiet.
void add_evidence(Row& row, const Trial& trial, bool judged) {
  const auto& m = trial.measurement;
  row.number(m && judged ? std::optional<double>(m->quiet_visits) : std::nullopt);
  row.number(m ? m->autocorrelation : std::nullopt);
  row.text(trial.ending.evidence);
  row.text(limit_cell(trial));
}

void add_axes(Row& row, const CandidateGroup& group) {
  row.integer(group.cores);
  row.text(group.variant);
  row.text(group.compiled_batch > 0 ? std::to_string(group.compiled_batch) : "");
}

// Of dynamic batching; empty where a batch is its own.
void add_users(Row& row, const Trial& trial, const Wishes& wishes) {
  const std::int64_t compiled = trial.candidate.group.compiled_batch;
  if (compiled == 0 && wishes.user_batches.empty()) {
    row.text("");
    row.text("");
    return;
  }
  row.number(compiled > 0 ? useful_share(trial.candidate.batch, compiled)
                          : useful_share(wishes.user_batches, trial.candidate.batch));
  row.number(trial.measurement ? std::optional(users_throughput(trial, wishes)) : std::nullopt);
}

std::string row_of(const TuneReport& report, const Trial& trial) {
  const SessionHeader& header = report.record.header;
  const CandidateGroup& group = trial.candidate.group;
  const auto& best = report.conclusion.best;
  Row row;
  row.text(header.model.name);
  row.integer(header.number);
  row.flag(header.simulated);
  row.integer(trial.id);
  row.text(group.backend);
  row.text(name_of(group.dtype));
  row.integer(group.threads);
  row.integer(group.instances);
  row.text(dims_of(group));
  row.integer(trial.candidate.batch);
  row.text(name_of(trial.ending.status));
  row.text(trial.ending.reason);
  add_figures(row, trial.measurement);
  row.text(trial.memory ? std::to_string(*trial.memory) : "");
  row.text(trial.memory_kind ? name_of(*trial.memory_kind) : "");
  row.number(trial.prepare_seconds);
  row.flag(trial.on_front);
  row.number(trial.estimate ? std::optional(trial.estimate->latency) : std::nullopt);
  row.number(trial.estimate ? std::optional(trial.estimate->memory) : std::nullopt);
  row.flag(best && best->trial == trial.id);
  add_evidence(row, trial, report.conclusion.quiet_share.has_value());
  add_axes(row, group);
  add_users(row, trial, header.wishes);
  return row.line();
}

}  // namespace

std::string csv_report(const std::vector<TuneReport>& reports) {
  std::string text = kHeader;
  for (const TuneReport& report : reports)
    for (const Trial& trial : report.conclusion.trials) text += row_of(report, trial);
  return text;
}

}  // namespace batchtune
