#include "reports/layers_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

#include "reports/report.h"
#include "reports/text/table.h"
#include "reports/text/words.h"

namespace batchtune {
namespace {

constexpr double kMilli = 1e-3, kGiga = 1e9, kPercent = 100;
constexpr std::size_t kMostKinds = 3;  // of what is not mapped, named

Seconds longest(const LayerRow& row) {
  Seconds most = 0;
  for (const auto& figure : row.figures)
    if (figure) most = std::max(most, figure->seconds);
  return most;
}

// The rows that are shown, in the model's order.
std::vector<bool> shown_rows(const LayersReport& report) {
  std::vector<std::size_t> order(report.rows.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return longest(report.rows[a]) > longest(report.rows[b]);
  });
  std::vector<bool> shown(report.rows.size(), false);
  for (std::size_t i = 0; i < std::min(order.size(), report.most_rows); ++i) shown[order[i]] = true;
  return shown;
}

Seconds unmapped_seconds(const LayerColumn& profile) {
  return std::accumulate(
      profile.unmapped.begin(), profile.unmapped.end(), Seconds{0},
      [](Seconds sum, const UnmappedLayer& layer) { return sum + layer.seconds; });
}

std::string milliseconds(Seconds seconds) {
  return text::figure(seconds / kMilli);
}

std::string percent(double share, int digits) {
  return std::isfinite(kPercent * share) ? fmt::format("{:.{}f}", kPercent * share, digits) : "?";
}

std::string share_of(Seconds seconds, Seconds sum) {
  return sum > 0 ? percent(seconds / sum, 1) : text::kAbsent;
}

// The four columns of a profile.
struct ProfileColumns {
  text::Column time, share, rate, roof;

  ProfileColumns(const std::string& group)
      : time{group, "ms", false, 0, {}},
        share{group, "%", false, 1, {}},
        rate{group, "GFLOP/s", false, 2, {}},
        roof{group, "% roof", false, 3, {}} {}

  void add(const std::optional<LayerFigure>& figure) {
    const auto cell = [](const std::optional<double>& value, double unit) {
      return value ? text::figure(*value / unit) : std::string(text::kAbsent);
    };
    time.cells.push_back(figure ? milliseconds(figure->seconds) : text::kAbsent);
    share.cells.push_back(figure ? percent(figure->share, 1) : text::kAbsent);
    rate.cells.push_back(figure ? cell(figure->flops, kGiga) : text::kAbsent);
    roof.cells.push_back(figure && figure->roof ? percent(*figure->roof, 0) : text::kAbsent);
  }
  void add(Seconds seconds, Seconds sum) {
    time.cells.push_back(seconds > 0 ? milliseconds(seconds) : text::kAbsent);
    share.cells.push_back(seconds > 0 ? share_of(seconds, sum) : text::kAbsent);
    rate.cells.emplace_back();
    roof.cells.emplace_back();
  }
};

// "ReorderInput 2.1 %, ReorderOutput 1.0 %": the longest kinds of what is not mapped.
std::string unmapped_kinds(const LayerColumn& profile) {
  std::map<std::string, Seconds> kinds;
  for (const UnmappedLayer& layer : profile.unmapped)
    kinds[layer.kind.empty() ? layer.name : layer.kind] += layer.seconds;
  std::vector<std::pair<Seconds, std::string>> longest_first;
  for (const auto& [kind, seconds] : kinds)
    if (std::isfinite(seconds)) longest_first.emplace_back(seconds, kind);
  std::sort(longest_first.rbegin(), longest_first.rend());
  std::string words;
  for (std::size_t i = 0; i < std::min(longest_first.size(), kMostKinds); ++i)
    words += fmt::format("{}{} {} %", words.empty() ? "" : ", ",
                         text::one_line(longest_first[i].second),
                         share_of(longest_first[i].first, profile.sum));
  return words;
}

std::string line_of(const LayerColumn& profile, int width) {
  const std::string head = to_string(profile.group) + ": ";
  if (!profile.missing.empty())
    return text::wrapped(head, "no profile: " + text::one_line(profile.missing), width);
  std::string words = fmt::format("layers add up to {}, profiled; a run takes {} without profiling",
                                  format_seconds(profile.sum), format_seconds(profile.run));
  if (profile.measured) words += fmt::format(", {} measured", format_seconds(*profile.measured));
  const std::string kinds = unmapped_kinds(profile);
  words += fmt::format("; not mapped: {} %", share_of(unmapped_seconds(profile), profile.sum));
  if (!kinds.empty()) words += " (" + kinds + ")";
  return text::wrapped(head, words, width);
}

std::string table_of(const LayersReport& report, int width) {
  text::Column name{"", "operation", true, 0, {}}, kind{"", "kind", true, 4, {}};
  std::vector<std::size_t> there;  // profiles
  std::vector<ProfileColumns> columns;
  for (std::size_t i = 0; i < report.profiles.size(); ++i) {
    if (!report.profiles[i].missing.empty()) continue;
    there.push_back(i);
    columns.emplace_back(to_string(report.profiles[i].group));
  }
  const std::vector<bool> shown = shown_rows(report);
  std::vector<Seconds> rest(columns.size(), 0);
  std::size_t left_out = 0;
  for (std::size_t row = 0; row < report.rows.size(); ++row) {
    const LayerRow& layer = report.rows[row];
    if (!shown[row]) ++left_out;
    if (shown[row]) {
      name.cells.push_back(text::one_line(layer.name));
      kind.cells.push_back(layer.kind);
    }
    for (std::size_t i = 0; i < columns.size(); ++i) {
      const auto& figure = layer.figures[there[i]];
      if (shown[row])
        columns[i].add(figure);
      else if (figure)
        rest[i] += figure->seconds;
    }
  }
  const auto add_line = [&](const std::string& what, auto seconds) {
    name.cells.push_back(what);
    kind.cells.emplace_back();
    for (std::size_t i = 0; i < columns.size(); ++i)
      columns[i].add(seconds(i), report.profiles[there[i]].sum);
  };
  if (left_out > 0)
    add_line(fmt::format("{} more", left_out), [&](std::size_t i) { return rest[i]; });
  add_line("not mapped", [&](std::size_t i) { return unmapped_seconds(report.profiles[there[i]]); });
  add_line("all of them", [&](std::size_t i) { return report.profiles[there[i]].sum; });
  std::vector<text::Column> all{name, kind};
  for (ProfileColumns& profile : columns)
    for (text::Column* column : {&profile.time, &profile.share, &profile.rate, &profile.roof})
      all.push_back(std::move(*column));
  return columns.empty() ? "" : text::format_table(std::move(all), width);
}

}  // namespace

std::string text_layers(const LayersReport& report, const TextOptions& options) {
  std::string text = text::wrapped(
      "", fmt::format("layers of batch {}, profiled in a pass of its own (profiling slows runs); "
                      "one instance alone; roof: the roofline's bound over the time",
                      report.batch),
      options.width);
  text += table_of(report, options.width);
  for (const LayerColumn& profile : report.profiles) text += line_of(profile, options.width);
  return text;
}

}  // namespace batchtune
