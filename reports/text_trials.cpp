#include "reports/text_trials.h"

#include <fmt/format.h>
#include <algorithm>
#include <functional>
#include <limits>
#include <set>
#include <utility>

#include "reports/text/plot.h"
#include "reports/text/table.h"
#include "reports/text/words.h"
#include "reports/text_verdict.h"
#include "tuner/core/units.h"

namespace batchtune::text {
namespace {

constexpr int kPlotHeight = 12;
constexpr int kPlotWidth = 76;  // wider says no more
constexpr double kGiga = 1e9;

// What is left out first when the terminal is narrow (Column::drop).
enum Drop {
  kNever,
  kKeepLong,
  kVisits,
  kPercentOfPeak,
  kCost,
  kEstimateError,
  kSeen,
  kP90,
  kP99,
  kGflops,
  kEstimate
};

using Cell = std::function<std::string(const Trial&)>;

struct Table {
  const std::vector<const Trial*>& trials;
  std::vector<Column> columns;

  void add(std::string group, std::string heading, Drop drop, const Cell& cell, bool left = false) {
    Column column{std::move(group), std::move(heading), left, drop, {}};
    for (const Trial* trial : trials) column.cells.push_back(cell(*trial));
    columns.push_back(std::move(column));
  }
};

bool is_best(const TuneReport& report, const Trial& trial) {
  return report.conclusion.best && report.conclusion.best->trial == trial.id;
}

std::string mark_of(const TuneReport& report, const Trial& trial) {
  if (is_best(report, trial)) return ">";
  return trial.on_front ? "*" : "";
}

// A column per axis of the group that differs between trials.
void add_group_columns(Table& table) {
  const std::pair<const char*, Cell> axes[] = {
      {"backend", [](const Trial& t) { return t.candidate.group.backend; }},
      {"dtype", [](const Trial& t) { return std::string(name_of(t.candidate.group.dtype)); }},
      {"threads", [](const Trial& t) { return std::to_string(t.candidate.group.threads); }},
      {"inst.", [](const Trial& t) { return std::to_string(t.candidate.group.instances); }},
      {"cores", [](const Trial& t) { return std::to_string(t.candidate.group.cores); }},
      {"variant", [](const Trial& t) { return t.candidate.group.variant; }},
      {"compiled", [](const Trial& t) {
         const std::int64_t compiled = t.candidate.group.compiled_batch;
         return compiled > 0 ? std::to_string(compiled) : std::string(kAbsent);
       }},
      {"dims", [](const Trial& t) {
         std::vector<std::string> dims;
         for (const auto& [name, size] : t.candidate.group.dims)
           dims.push_back(name + "=" + std::to_string(size));
         return joined(dims, ",");
       }}};
  for (const auto& [heading, cell] : axes) {
    std::set<std::string> values;
    for (const Trial* trial : table.trials) values.insert(cell(*trial));
    if (values.size() > 1) table.add("", heading, kNever, cell, true);
  }
}

// The smallest of a figure over the trials that have it.
double smallest(const std::vector<const Trial*>& trials,
                const std::function<std::optional<double>(const Trial&)>& figure) {
  double least = std::numeric_limits<double>::infinity();
  for (const Trial* trial : trials)
    if (const auto value = figure(*trial); value && *value > 0) least = std::min(least, *value);
  return least;
}

// A cell for a figure of the measurement, "-" without one.
Cell measured(const std::function<std::optional<double>(const Measurement&)>& figure_of,
              double unit) {
  return [=](const Trial& trial) {
    if (!trial.measurement) return std::string(kAbsent);
    const auto value = figure_of(*trial.measurement);
    return figure(value ? std::optional(*value / unit) : std::nullopt);
  };
}

std::optional<double> undisturbed(const Trial& trial) {
  return trial.measurement ? std::optional(trial.measurement->undisturbed) : std::nullopt;
}

void add_latency_columns(Table& table) {
  const Unit unit = latency_unit(smallest(table.trials, undisturbed));
  const std::string group = "latency of a batch, " + unit.name;
  table.add(group, "undist.", kNever,
            measured([](const Measurement& m) { return m.undisturbed; }, unit.size));
  table.add(group, "p50", kNever, measured([](const Measurement& m) { return m.p50; }, unit.size));
  table.add(group, "p90", kP90, measured([](const Measurement& m) { return m.p90; }, unit.size));
  table.add(group, "p99", kP99, measured([](const Measurement& m) { return m.p99; }, unit.size));
}

void add_throughput_columns(Table& table, const SessionHeader& header) {
  table.add("samples/s", "undist.", kNever,
            measured([](const Measurement& m) { return m.throughput_undisturbed; }, 1));
  table.add("samples/s", "seen", kSeen,
            measured([](const Measurement& m) { return m.throughput_as_seen; }, 1));
  if (std::any_of(table.trials.begin(), table.trials.end(),
                  [](const Trial* trial) { return trial->candidate.group.cores > 1; }))
    table.add("samples/s", "per core", kNever, [](const Trial& trial) {
      if (!trial.measurement) return std::string(kAbsent);
      return figure(trial.measurement->throughput_undisturbed / trial.candidate.group.cores);
    });
  const double flops = header.model.flops_per_sample;
  if (flops <= 0) return;
  table.add(
      "", "GFLOP/s", kGflops,
      measured([=](const Measurement& m) { return m.throughput_undisturbed * flops; }, kGiga));
  table.add("", "% roof", kPercentOfPeak, [&header, flops](const Trial& trial) {
    const auto peak = peak_of(header.devices, trial.candidate.group);
    if (!peak || !trial.measurement) return std::string(kAbsent);
    return figure(100 * trial.measurement->throughput_undisturbed * flops / peak->flops_per_second,
                  2);
  });
}

// What a session keeps of the outputs of a named way of compiling; nullptr: others were held against it.
const Setting* output_error_of(const SessionHeader& header, const CandidateGroup& group) {
  const std::string name = fmt::format("{}.output_error.{}.{}", group.backend,
                                       name_of(group.dtype), group.variant);
  for (const Setting& setting : header.settings.effective)
    if (!group.variant.empty() && setting.name == name) return &setting;
  return nullptr;
}

void add_output_error_column(Table& table, const SessionHeader& header) {
  const auto error_of = [&header](const Trial& trial) {
    const Setting* const error = output_error_of(header, trial.candidate.group);
    if (error == nullptr) return std::string(kAbsent);
    const auto* number = std::get_if<double>(&error->value);
    return number != nullptr ? format_number(*number, 2) : to_string(error->value);
  };
  if (std::any_of(table.trials.begin(), table.trials.end(), [&](const Trial* trial) {
        return output_error_of(header, trial->candidate.group) != nullptr;
      }))
    table.add("output", "error", kNever, error_of);
}

void add_estimate_columns(Table& table) {
  if (std::none_of(table.trials.begin(), table.trials.end(),
                   [](const Trial* trial) { return trial->estimate.has_value(); }))
    return;
  const Unit unit = latency_unit(smallest(table.trials, [](const Trial& trial) {
    return trial.estimate ? std::optional(trial.estimate->latency) : std::nullopt;
  }));
  table.add("estimate", unit.name, kEstimate, [=](const Trial& trial) {
    return figure(trial.estimate ? std::optional(trial.estimate->latency / unit.size)
                                 : std::nullopt);
  });
  table.add("estimate", "error", kEstimateError, [](const Trial& trial) {
    const auto latency = undisturbed(trial);
    if (!trial.estimate || !latency || *latency <= 0) return std::string(kAbsent);
    return signed_percent(trial.estimate->latency / *latency - 1);
  });
}

// How many visits a figure rests on; where canaries judged them, how many of those were quiet.
void add_visits_column(Table& table, const Conclusion& conclusion) {
  const bool judged = conclusion.quiet_share.has_value();
  table.add(judged ? "quiet" : "", "visits", kVisits, [=](const Trial& trial) {
    if (!trial.measurement) return std::string(kAbsent);
    const Measurement& m = *trial.measurement;
    return judged ? fmt::format("{}/{}", m.quiet_visits, m.visits) : std::to_string(m.visits);
  });
}

void add_cost_column(Table& table, const Wishes& wishes) {
  if (wishes.prices.empty()) return;
  table.add("", "a million", kCost,
            [&](const Trial& trial) { return figure(price_of_million(trial, wishes)); });
}

void add_memory_column(Table& table) {
  const auto bytes = [](const Trial& trial) {
    return trial.memory ? std::optional(static_cast<double>(*trial.memory)) : std::nullopt;
  };
  const Unit unit = memory_unit(smallest(table.trials, bytes));
  table.add("memory", unit.name, kKeepLong, [=](const Trial& trial) {
    const auto value = bytes(trial);
    return figure(value ? std::optional(*value / unit.size) : std::nullopt);
  });
}

// "f32 on avx512, 256 GFLOP/s", once for each that is in the table.
std::string peaks_of(const TuneReport& report) {
  std::vector<std::string> peaks;
  for (const Trial& trial : report.conclusion.trials) {
    const CandidateGroup& group = trial.candidate.group;
    const auto peak = peak_of(report.record.header.devices, group);
    if (!peak) continue;
    std::string words = std::string(name_of(group.dtype)) + (peak->isa.empty() ? "" : " on ") +
                        peak->isa + ", " + format_count(peak->flops_per_second) + "FLOP/s";
    if (group.cores > 1) words += fmt::format(" of {} cores", group.cores);
    if (std::find(peaks.begin(), peaks.end(), words) == peaks.end())
      peaks.push_back(std::move(words));
  }
  return joined(peaks, ", ");
}

std::string legend(const TuneReport& report, int width) {
  std::string words =
      "> recommended, * on the front (latency against throughput); undist.: what the machine can "
      "do; "
      "p50 to p99 and seen: what it gave here";
  if (!report.record.header.wishes.prices.empty())
    words += "; a million: price of so many inferences";
  for (const Trial& trial : report.conclusion.trials)
    if (const auto* error = output_error_of(report.record.header, trial.candidate.group)) {
      words += "; output error: of sample 0, " + error->origin;
      break;
    }
  const std::string peaks = peaks_of(report);
  if (!peaks.empty() && report.record.header.model.flops_per_sample > 0) words += "; roof: peak of " + peaks;
  return wrapped("", words + ".", width);
}

}  // namespace

std::vector<const Trial*> in_order(const Conclusion& conclusion) {
  std::vector<const Trial*> trials;
  for (const Trial& trial : conclusion.trials) trials.push_back(&trial);
  std::stable_sort(trials.begin(), trials.end(),
                   [](const Trial* a, const Trial* b) { return a->candidate < b->candidate; });
  return trials;
}

const Trial* find_trial(const Conclusion& conclusion, TrialId id) {
  for (const Trial& trial : conclusion.trials)
    if (trial.id == id) return &trial;
  return nullptr;
}

std::string label_of(const TuneReport& report, const Candidate& candidate) {
  CandidateGroup own = candidate.group;
  const std::int64_t compiled = std::exchange(own.compiled_batch, 0);
  for (const Trial& trial : report.conclusion.trials) {
    CandidateGroup other = trial.candidate.group;
    other.compiled_batch = 0;
    if (other != own) return to_string(candidate);
  }
  return fmt::format("batch {}", candidate.batch) + (compiled > 0 ? fmt::format(" in runs of {}", compiled) : "");
}

std::string trial_table(const TuneReport& report, const TextOptions& options) {
  const std::vector<const Trial*> trials = in_order(report.conclusion);
  if (trials.empty()) return "No candidate was tried.\n";
  Table table{trials, {}};
  table.add(
      "", "", kNever, [&](const Trial& trial) { return mark_of(report, trial); }, true);
  add_group_columns(table);
  table.add("", "batch", kNever,
            [](const Trial& trial) { return std::to_string(trial.candidate.batch); });
  add_latency_columns(table);
  add_throughput_columns(table, report.record.header);
  add_output_error_column(table, report.record.header);
  add_cost_column(table, report.record.header.wishes);
  add_visits_column(table, report.conclusion);
  add_memory_column(table);
  add_estimate_columns(table);
  table.add(
      "", "status", kNever,
      [](const Trial& trial) { return std::string(name_of(trial.ending.status)); }, true);
  return format_table(std::move(table.columns), options.width) + legend(report, options.width);
}

namespace {

// "24 visits, 20 of them quiet, neighbouring rounds correlate by 0.41"
std::string visits_words(const Conclusion& conclusion, const Measurement& m) {
  std::string words = fmt::format("{} visit{}", m.visits, m.visits == 1 ? "" : "s");
  if (conclusion.quiet_share) words += fmt::format(", {} of them quiet", m.quiet_visits);
  if (m.autocorrelation)
    words += ", neighbouring rounds correlate by " + format_number(*m.autocorrelation, 2);
  return words;
}

}  // namespace

std::string failed_trials(const TuneReport& report, int width) {
  std::string text;
  for (const Trial* trial : in_order(report.conclusion)) {
    const Ending& ending = trial->ending;
    if (ending.status == TrialStatus::ok) continue;
    std::string words = std::string(name_of(ending.status));
    if (!ending.where.empty()) words += " (" + ending.where + ")";
    if (!ending.reason.empty()) words += ": " + ending.reason;
    if (!ending.evidence.empty()) words += " [" + ending.evidence + "]";
    if (ending.status == TrialStatus::unstable && trial->measurement)
      words += " (" + visits_words(report.conclusion, *trial->measurement) + ")";
    text += wrapped(label_of(report, trial->candidate) + ": ", words, width);
  }
  return text;
}

std::string front_plot(const TuneReport& report, int width) {
  std::vector<PlotPoint> points;
  const std::vector<const Trial*> trials = in_order(report.conclusion);
  const Unit unit = latency_unit(smallest(trials, undisturbed));
  std::vector<const Trial*> by_rank;  // the recommended one is drawn last
  for (const int rank : {0, 1, 2})
    for (const Trial* trial : trials)
      if (trial->measurement && (is_best(report, *trial) ? 2 : trial->on_front ? 1 : 0) == rank)
        by_rank.push_back(trial);
  for (const Trial* trial : by_rank)
    points.push_back({trial->measurement->undisturbed / unit.size,
                      trial->measurement->throughput_undisturbed,
                      is_best(report, *trial) ? '>'
                      : trial->on_front       ? '*'
                                              : 'o',
                      std::to_string(trial->candidate.batch)});
  return format_plot(
      points,
      {"latency of a batch, " + unit.name, "samples/s, undisturbed; marks carry their batch"},
      std::min(width, kPlotWidth), kPlotHeight);
}

}  // namespace batchtune::text
