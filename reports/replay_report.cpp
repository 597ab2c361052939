#include "reports/replay_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "reports/csv/row.h"
#include "reports/json/parts.h"
#include "reports/text/table.h"
#include "reports/text/words.h"

namespace batchtune {
namespace {

constexpr int kReplaySchema = 1;

// Regrets are worth a tenth of a percent: 1 % is what the search aims at.
std::string regret_words(double share) {
  return std::isfinite(share) ? fmt::format("{:.1f} %", 100 * share) : "?";
}

std::string count_words(double count) {
  return std::isfinite(count) ? fmt::format("{:.0f}", count) : "?";
}

std::string wish_words(const ReplayReport& report) {
  const Wishes& wishes = report.wishes;
  std::vector<std::string> words{"objective " + std::string(name_of(wishes.objective))};
  if (wishes.objective == Objective::knee)
    words.back() += " (gives up " + format_percent(wishes.give_up) + ")";
  if (wishes.objective == Objective::latency && wishes.throughput_floor)
    words.back() += " (at least " + format_number(*wishes.throughput_floor, 4) + " samples/s)";
  for (const LatencyLimit& limit : wishes.latency_limits) words.push_back(to_string(limit));
  if (wishes.memory_limit)
    words.push_back("memory limit " + format_bytes(static_cast<double>(*wishes.memory_limit)));
  words.push_back("tolerance " + format_percent(wishes.tolerance));
  words.push_back("budget " + format_seconds(report.budget));
  if (report.most_batches > 0)
    words.push_back(fmt::format("at most {} batches", report.most_batches));
  if (report.most_compiles > 0)
    words.push_back(fmt::format("at most {} compilations", report.most_compiles));
  words.push_back(fmt::format("{} seeds", report.seeds));
  return text::joined(words, ", ");
}

std::string table_words(const ReplayedTable& table) {
  std::string words = text::one_line(table.model);
  if (!table.device.empty()) words += " on " + text::one_line(table.device);
  if (table.simulated) words += ", SIMULATED";
  if (table.groups.size() == 1)
    words += ", " + text::one_line(to_string(table.groups.front()));
  else
    words += fmt::format(", {} groups", table.groups.size());
  words += fmt::format("; {} candidates", table.candidates);
  if (table.best) {
    words += fmt::format(", best {} with {} samples/s",
                         table.groups.size() == 1 ? fmt::format("batch {}", table.best->batch)
                                                  : text::one_line(to_string(*table.best)),
                         format_number(table.best_throughput, 4));
  }
  return words + "; an exhaustive sweep takes " + format_seconds(table.exhaustive_seconds);
}

std::string figures_table(const std::vector<const ReplayFigures*>& figures, int width) {
  const auto column = [&](const char* group, const char* heading, int drop, auto cell) {
    text::Column result{group, heading, false, drop, {}};
    for (const ReplayFigures* one : figures) result.cells.push_back(cell(*one));
    return result;
  };
  using F = const ReplayFigures&;
  std::vector<text::Column> columns{
      column("", "strategy", 0, [](F f) { return f.strategy; }),
      column("regret", "median", 0, [](F f) { return regret_words(f.regret.median); }),
      column("regret", "p95", 0, [](F f) { return regret_words(f.regret.p95); }),
      column("regret", "worst", 4, [](F f) { return regret_words(f.regret.worst); }),
      column("device time", "median", 0,
             [](F f) { return format_seconds(f.device_seconds.median); }),
      column("device time", "p95", 5, [](F f) { return format_seconds(f.device_seconds.p95); }),
      column("device time", "of sweep", 2, [](F f) { return format_percent(f.device_time_share); }),
      column("", "visits", 10, [](F f) { return count_words(f.visits.median); }),
      column("", "batches", 3, [](F f) { return count_words(f.distinct_batches.median); }),
      column("", "front", 7, [](F f) { return format_percent(f.hypervolume.median); }),
      column("", "OOM", 8, [](F f) { return fmt::to_string(f.out_of_memory_hits); }),
      column("", "sure", 9, [](F f) { return fmt::format("{}/{}", f.converged, f.runs); }),
      column("", "wrong", 6, [](F f) { return fmt::to_string(f.converged_wrong); }),
  };
  const auto with_compiler = [](const ReplayFigures* one) { return one->virtual_seconds.has_value(); };
  if (std::any_of(figures.begin(), figures.end(), with_compiler)) {
    const auto total = [](F f) {
      return format_seconds(f.virtual_seconds ? f.virtual_seconds->median : f.device_seconds.median);
    };
    const auto compiled = [](F f) { return count_words(f.compiled ? f.compiled->median : 0); };
    columns.insert(columns.begin() + 4, {column("to the verdict", "median", 0, total),
                                         column("to the verdict", "compiled", 1, compiled)});
  }
  columns.front().left = true;
  return text::format_table(std::move(columns), width);
}

bool any_compiler(const std::vector<ReplayFigures>& figures) {
  return std::any_of(figures.begin(), figures.end(),
                     [](const ReplayFigures& one) { return one.virtual_seconds.has_value(); });
}

std::string section(std::string head, const std::string& about,
                    const std::vector<const ReplayFigures*>& figures, int width) {
  return "\n" + text::wrapped(head, about, width) + figures_table(figures, width);
}

json::Json spread(const ReplaySpread& of) {
  return {{"median", json::number(of.median)},
          {"p95", json::number(of.p95)},
          {"worst", json::number(of.worst)}};
}

json::Json figures_of(const ReplayFigures& f) {
  json::Json json = {{"table", f.table.empty() ? json::Json(nullptr) : json::Json(f.table)},
                     {"strategy", f.strategy},
                     {"seeds", f.runs},
                     {"visits", spread(f.visits)},
                     {"distinct_batches", spread(f.distinct_batches)},
                     {"device_seconds", spread(f.device_seconds)},
                     {"device_time_share", json::number(f.device_time_share)},
                     {"regret", spread(f.regret)},
                     {"hypervolume", json::number(f.hypervolume.median)},
                     {"hypervolume_p95", json::number(f.hypervolume.p95)},
                     {"out_of_memory_hits", f.out_of_memory_hits},
                     {"converged", f.converged},
                     {"converged_wrong", f.converged_wrong}};
  if (f.virtual_seconds) json["virtual_seconds"] = spread(*f.virtual_seconds);
  if (f.compiled) json["compiled"] = spread(*f.compiled);
  return json;
}

json::Json list_of(const std::vector<ReplayFigures>& figures) {
  json::Json list = json::Json::array();
  for (const ReplayFigures& one : figures) list.push_back(figures_of(one));
  return list;
}

json::Json recording_of(const ReplayedTable& table) {
  json::Json groups = json::Json::array();
  for (const CandidateGroup& group : table.groups) groups.push_back(json::group(group));
  return {{"table", table.name},
          {"model", table.model},
          {"device", table.device},
          {"simulated", table.simulated},
          {"groups", groups},
          {"candidates", table.candidates},
          {"best", table.best ? json::candidate(*table.best) : json::Json(nullptr)},
          {"best_throughput",
           json::number(table.best ? std::optional(table.best_throughput) : std::nullopt)},
          {"exhaustive_seconds", json::number(table.exhaustive_seconds)}};
}

json::Json settings_of(const ReplayReport& report) {
  json::Json limits = json::Json::array(), prices = json::Json::object();
  for (const LatencyLimit& limit : report.wishes.latency_limits)
    limits.push_back({{"metric", name_of(limit.metric)}, {"limit", json::number(limit.limit)}});
  for (const auto& [backend, price] : report.wishes.prices) prices[backend] = json::number(price);
  const Wishes& wishes = report.wishes;
  json::Json json = {{"objective", name_of(wishes.objective)},
                     {"give_up", json::number(wishes.give_up)},
                     {"min_throughput", json::number(wishes.throughput_floor)},
                     {"prices", prices},
                     {"latency_limits", limits},
                     {"memory_limit", json::integer(wishes.memory_limit)},
                     {"tolerance", json::number(wishes.tolerance)},
                     {"budget", json::number(report.budget)},
                     {"max_batches",
                      report.most_batches > 0 ? json::Json(report.most_batches) : json::Json(nullptr)},
                     {"seeds", report.seeds}};
  if (report.most_compiles > 0) json["max_compiles"] = report.most_compiles;
  return json;
}

}  // namespace

std::string text_replay(const ReplayReport& report, const TextOptions& options) {
  std::string text = text::wrapped("Replayed: ", wish_words(report), options.width);
  for (const ReplayedTable& table : report.tables) {
    std::vector<const ReplayFigures*> figures;
    for (const ReplayFigures& one : report.figures)
      if (one.table == table.name) figures.push_back(&one);
    text += section(text::one_line(table.name) + ": ", table_words(table), figures, options.width);
  }
  if (!report.summary.empty()) {
    std::vector<const ReplayFigures*> figures;
    for (const ReplayFigures& one : report.summary) figures.push_back(&one);
    text += section(fmt::format("all {} tables: ", report.tables.size()), "runs of all together",
                    figures, options.width);
  }
  return text + "\n" +
         text::wrapped("",
                       "Regret: what the choice loses to the best by the tables' own truth. Device "
                       "time is the recorded device's, preparations included; of sweep: of ten "
                       "visits to every batch. Sure: runs that ended with the stated confidence; "
                       "wrong: of these, with a regret above the tolerance." +
                           std::string(any_compiler(report.figures)
                                           ? " To the verdict: with what was waited for compilers, "
                                             "which is none of the device's time."
                                           : ""),
                       options.width);
}

std::string json_replay(const ReplayReport& report) {
  json::Json recordings = json::Json::array();
  for (const ReplayedTable& table : report.tables) recordings.push_back(recording_of(table));
  return json::document({{"schema_version", kReplaySchema},
                         {"command", "replay"},
                         {"settings", settings_of(report)},
                         {"recordings", recordings},
                         {"tables", list_of(report.figures)},
                         {"summary", list_of(report.summary)}});
}

std::string csv_replay(const ReplayReport& report) {
  std::string text =
      "table,strategy,seeds,visits_median,visits_p95,distinct_batches_median,distinct_batches_p95,"
      "device_seconds_median,device_seconds_p95,device_time_share,regret_median,regret_p95,"
      "regret_worst,hypervolume,out_of_memory_hits,converged,converged_wrong,simulated\n";
  for (const ReplayFigures& f : report.figures) {
    csv::Row row;
    row.text(f.table);
    row.text(f.strategy);
    row.integer(f.runs);
    for (const double figure :
         {f.visits.median, f.visits.p95, f.distinct_batches.median, f.distinct_batches.p95,
          f.device_seconds.median, f.device_seconds.p95, f.device_time_share, f.regret.median,
          f.regret.p95, f.regret.worst, f.hypervolume.median})
      row.number(figure);
    row.integer(f.out_of_memory_hits);
    row.integer(f.converged);
    row.integer(f.converged_wrong);
    row.flag(std::any_of(report.tables.begin(), report.tables.end(), [&](const ReplayedTable& table) {
      return table.name == f.table && table.simulated;
    }));
    text += row.line();
  }
  return text;
}

}  // namespace batchtune
