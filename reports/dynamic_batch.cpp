#include "reports/dynamic_batch.h"

#include <fmt/format.h>
#include <algorithm>
#include <functional>
#include <limits>

#include "reports/text/table.h"
#include "reports/text/words.h"
#include "reports/text_trials.h"
#include "tuner/core/units.h"

namespace batchtune {

std::vector<SplitRow> split_rows(const Conclusion& conclusion) {
  std::vector<SplitRow> rows;
  for (const Trial* trial : text::in_order(conclusion)) {
    const std::int64_t compiled = trial->candidate.group.compiled_batch, user = trial->candidate.batch;
    if (compiled == 0 || !trial->measurement) continue;
    SplitRow row{trial, runs_of(user, compiled), 0, useful_share(user, compiled), std::nullopt};
    row.padded = row.runs * compiled - user;
    Candidate alone{trial->candidate.group, compiled};
    alone.group.compiled_batch = 0;
    if (const Trial* whole = measured_trial(conclusion.trials, alone))
      row.of_compiled = trial->measurement->throughput_undisturbed / whole->measurement->throughput_undisturbed;
    rows.push_back(row);
  }
  return rows;
}

std::vector<MixRow> mix_rows(const Conclusion& conclusion, const Wishes& wishes) {
  std::vector<MixRow> rows;
  const auto& mix = wishes.user_batches;
  if (mix.empty()) return rows;
  for (const Trial* trial : text::in_order(conclusion)) {
    if (trial->candidate.group.compiled_batch > 0 || !trial->measurement) continue;
    MixRow row{trial, useful_share(mix, trial->candidate.batch), serve(mix, *trial, {}), std::nullopt};
    if (const MixService service = serve(mix, *trial, conclusion.trials); service.measured) row.measured = service;
    rows.push_back(std::move(row));
  }
  return rows;
}

std::optional<MixRow> best_for_mix(const TuneReport& report) {
  const auto& best = report.conclusion.best;
  if (best)
    for (MixRow& row : mix_rows(report.conclusion, report.record.header.wishes))
      if (row.trial->id == best->trial) return row;
  return std::nullopt;
}

double users_throughput(const Trial& trial, const Wishes& wishes) {
  const bool split = trial.candidate.group.compiled_batch > 0;
  return trial.measurement->throughput_undisturbed *
         (split ? 1 : useful_share(wishes.user_batches, trial.candidate.batch));
}

namespace text {
namespace {

template <typename Row>
struct RowTable {
  const std::vector<Row>& rows;
  std::vector<Column> columns;

  void add(std::string group, std::string heading, const std::function<std::string(const Row&)>& cell, int drop = 0,
           bool left = false) {
    Column column{std::move(group), std::move(heading), left, drop, {}};
    for (const Row& row : rows) column.cells.push_back(cell(row));
    columns.push_back(std::move(column));
  }
};

// In front of each row where the rows are of several groups, compiled batches aside.
template <typename Row>
void add_group_column(RowTable<Row>& table) {
  const auto name = [](const Row& row) {
    CandidateGroup group = row.trial->candidate.group;
    group.compiled_batch = 0;
    return to_string(group);
  };
  const bool several = std::any_of(table.rows.begin(), table.rows.end(),
                                   [&](const Row& row) { return name(row) != name(table.rows.front()); });
  if (several) table.add("", "group", name, 0, true);
}

std::string percent(double share) {
  return figure(100 * share);
}

// Users' batches in runs of what was compiled.
std::string split_table(const std::vector<SplitRow>& rows, int width) {
  Seconds least = std::numeric_limits<double>::infinity();
  for (const SplitRow& row : rows) least = std::min(least, row.trial->measurement->undisturbed);
  const Unit unit = latency_unit(least);
  const std::string latency = "latency of a request, " + unit.name;
  RowTable<SplitRow> table{rows, {}};
  add_group_column(table);
  table.add("", "compiled",
            [](const SplitRow& row) { return std::to_string(row.trial->candidate.group.compiled_batch); });
  table.add("user's", "batch", [](const SplitRow& row) { return std::to_string(row.trial->candidate.batch); });
  table.add("", "runs", [](const SplitRow& row) { return std::to_string(row.runs); });
  table.add("", "padded", [](const SplitRow& row) { return std::to_string(row.padded); }, 1);
  table.add("", "useful %", [](const SplitRow& row) { return percent(row.useful); });
  table.add(latency, "undist.",
            [=](const SplitRow& row) { return figure(row.trial->measurement->undisturbed / unit.size); });
  table.add(latency, "p50", [=](const SplitRow& row) {
    const auto& p50 = row.trial->measurement->p50;
    return figure(p50 ? std::optional(*p50 / unit.size) : std::nullopt);
  }, 2);
  table.add("users'", "samples/s",
            [](const SplitRow& row) { return figure(row.trial->measurement->throughput_undisturbed); });
  table.add("", "% of compiled", [](const SplitRow& row) {
    return row.of_compiled ? percent(*row.of_compiled) : std::string(kAbsent);
  });
  return "Dynamic batching: user batches in runs of the compiled batch\n" +
         format_table(std::move(table.columns), width) +
         wrapped("",
                 "padded: samples that nobody sent; useful: share of what is computed; % of compiled: samples/s of "
                 "users against the compiled batch run as it is. What useful % leaves open is splitting and copying.",
                 width);
}

std::string mix_table(const TuneReport& report, const std::vector<MixRow>& rows, int width) {
  Seconds least = std::numeric_limits<double>::infinity();
  for (const MixRow& row : rows) least = std::min(least, row.promised.request);
  const Unit unit = latency_unit(least);
  const std::string time = "time of a request, " + unit.name;
  const auto& mix = report.record.header.wishes.user_batches;
  RowTable<MixRow> table{rows, {}};
  table.add("", "", [&](const MixRow& row) {
    return std::string(report.conclusion.best && report.conclusion.best->trial == row.trial->id ? ">" : "");
  }, 0, true);
  add_group_column(table);
  table.add("", "compiled", [](const MixRow& row) { return std::to_string(row.trial->candidate.batch); });
  table.add("", "useful %", [](const MixRow& row) { return percent(row.useful); });
  table.add("most", "runs",
            [&](const MixRow& row) { return std::to_string(most_runs(mix, row.trial->candidate.batch)); }, 1);
  table.add(time, "mean", [=](const MixRow& row) { return figure(row.promised.request / unit.size); });
  table.add(time, "longest", [=](const MixRow& row) { return figure(row.promised.longest / unit.size); }, 2);
  table.add("users' samples/s", "promised", [](const MixRow& row) { return figure(row.promised.throughput); });
  table.add("users' samples/s", "measured", [](const MixRow& row) {
    return row.measured ? figure(row.measured->throughput) : std::string(kAbsent);
  });
  return wrapped("", fmt::format("Dynamic batching: compiled batches for user batches {}: {} samples a request",
                                 to_string(mix), format_number(samples_of_request(mix), 3)), width) +
         format_table(std::move(table.columns), width) +
         wrapped("",
                 "promised: by the compiled batch's own runs, a request after the other, without copying; measured: by "
                 "runs of the user batches themselves.",
                 width);
}

}  // namespace

std::string dynamic_batching(const TuneReport& report, int width) {
  const auto mixed = mix_rows(report.conclusion, report.record.header.wishes);
  const auto split = split_rows(report.conclusion);
  std::string text = mixed.empty() ? "" : mix_table(report, mixed, width);
  if (split.empty()) return text;
  return text + (text.empty() ? "" : "\n") + split_table(split, width);
}

}  // namespace text

}  // namespace batchtune
