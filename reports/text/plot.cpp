#include "reports/text/plot.h"

#include <fmt/format.h>
#include <algorithm>
#include <cmath>

#include "tuner/core/units.h"

namespace batchtune::text {
namespace {

constexpr double kLogBeyond = 10;  // a factor between the ends of an axis
constexpr int kSmallestArea = 10;  // columns; a narrower plot shows nothing
constexpr int kMarginGap = 2;      // " |" beside the figures of the vertical axis

class Axis {
 public:
  Axis(double low, double high) : log_(high > low * kLogBeyond), low_(low), high_(high) {}
  bool is_log() const { return log_; }
  double low() const { return low_; }
  double high() const { return high_; }

  // Cell of a value, from 0.
  int cell(double value, int cells) const {
    const double begin = at(low_), end = at(high_);
    const double share = end > begin ? (at(value) - begin) / (end - begin) : 0.5;
    return static_cast<int>(std::lround(share * (cells - 1)));
  }

 private:
  double at(double value) const { return log_ ? std::log(value) : value; }
  bool log_;
  double low_, high_;
};

bool drawable(const PlotPoint& point) {
  return std::isfinite(point.x) && std::isfinite(point.y) && point.x > 0 && point.y > 0;
}

void write_label(std::string& row, std::size_t after, const std::string& label) {
  const std::size_t begin = after + 1;
  if (begin + label.size() > row.size()) return;
  for (std::size_t i = begin; i < begin + label.size(); ++i)
    if (row[i] != ' ') return;
  row.replace(begin, label.size(), label);
}

std::string end_of(std::string line) {
  line.erase(line.find_last_not_of(' ') + 1);
  return line + "\n";
}

}  // namespace

std::string format_plot(const std::vector<PlotPoint>& all, const PlotAxes& axes, int width,
                        int height) {
  std::vector<PlotPoint> points;
  std::copy_if(all.begin(), all.end(), std::back_inserter(points), drawable);
  if (points.size() < 2 || height < 2) return "";
  const auto by_x = [](const PlotPoint& a, const PlotPoint& b) { return a.x < b.x; };
  const auto by_y = [](const PlotPoint& a, const PlotPoint& b) { return a.y < b.y; };
  const auto [left, right] = std::minmax_element(points.begin(), points.end(), by_x);
  const auto [bottom, top] = std::minmax_element(points.begin(), points.end(), by_y);
  const Axis x(left->x, right->x), y(bottom->y, top->y);

  const std::string low = format_number(y.low(), 3), high = format_number(y.high(), 3);
  const int margin = static_cast<int>(std::max(low.size(), high.size()));
  const int area = width - margin - kMarginGap;
  if (area < kSmallestArea) return "";
  std::vector<std::string> rows(static_cast<std::size_t>(height),
                                std::string(static_cast<std::size_t>(area), ' '));
  const auto row_of = [&](const PlotPoint& p) -> std::string& {
    return rows[static_cast<std::size_t>(height - 1 - y.cell(p.y, height))];
  };
  for (const PlotPoint& p : points) row_of(p)[static_cast<std::size_t>(x.cell(p.x, area))] = p.mark;
  for (auto p = points.rbegin(); p != points.rend();
       ++p)  // the last drawn have the first choice of room
    write_label(row_of(*p), static_cast<std::size_t>(x.cell(p->x, area)), p->label);

  std::string text = axes.y + (y.is_log() ? " (log)" : "") + "\n";
  for (int row = 0; row < height; ++row) {
    const std::string tick = row == 0 ? high : row == height - 1 ? low : "";
    text += end_of(fmt::format("{:>{}} |{}", tick, margin, rows[static_cast<std::size_t>(row)]));
  }
  text += fmt::format("{:>{}} +{}\n", "", margin, std::string(static_cast<std::size_t>(area), '-'));
  const std::string begin = format_number(x.low(), 3), end = format_number(x.high(), 3);
  const std::string title = axes.x + (x.is_log() ? " (log)" : "");
  const int middle = area - static_cast<int>(begin.size() + end.size());
  text += middle > static_cast<int>(title.size())
              ? fmt::format("{:>{}}  {}{:^{}}{}\n", "", margin, begin, title, middle, end)
              : fmt::format("{:>{}}  {} to {}\n", "", margin, begin, end);
  return text;
}

}  // namespace batchtune::text
