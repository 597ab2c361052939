#include "reports/text/table.h"

#include <fmt/format.h>
#include <algorithm>

namespace batchtune::text {
namespace {

constexpr std::size_t kGap = 2;     // spaces between columns
constexpr int kEmptyColumn = 1000;  // dropped before any column with content

bool is_empty(const Column& column) {
  return std::all_of(column.cells.begin(), column.cells.end(),
                     [](const std::string& cell) { return cell.empty() || cell == "-"; });
}

std::size_t width_of(const Column& column) {
  std::size_t width = column.heading.size();
  for (const std::string& cell : column.cells) width = std::max(width, cell.size());
  return width;
}

// Neighbours with one group heading: [first, last), and the width that their heading covers.
struct Span {
  std::size_t first = 0, last = 0, width = 0;
};

std::vector<Span> spans_of(const std::vector<Column>& columns,
                           const std::vector<std::size_t>& widths) {
  std::vector<Span> spans;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    const bool joins =
        i > 0 && !columns[i].group.empty() && columns[i].group == columns[i - 1].group;
    if (joins) {
      spans.back().last = i + 1;
      spans.back().width += kGap + widths[i];
    } else {
      spans.push_back({i, i + 1, widths[i]});
    }
  }
  return spans;
}

// Widths such that each group heading fits above its columns.
std::vector<std::size_t> layout(const std::vector<Column>& columns) {
  std::vector<std::size_t> widths;
  for (const Column& column : columns) widths.push_back(width_of(column));
  for (const Span& span : spans_of(columns, widths)) {
    const std::size_t heading = columns[span.first].group.size();
    if (heading > span.width) widths[span.first] += heading - span.width;
  }
  return widths;
}

std::size_t total(const std::vector<std::size_t>& widths) {
  std::size_t sum = 0;
  for (std::size_t width : widths) sum += width + kGap;
  return sum == 0 ? 0 : sum - kGap;
}

void drop_until_fits(std::vector<Column>& columns, int width) {
  for (Column& column : columns)
    if (column.drop > 0 && is_empty(column)) column.drop += kEmptyColumn;
  while (total(layout(columns)) > static_cast<std::size_t>(std::max(width, 0))) {
    const auto next =
        std::max_element(columns.begin(), columns.end(),
                         [](const Column& a, const Column& b) { return a.drop < b.drop; });
    if (next == columns.end() || next->drop == 0) return;
    columns.erase(next);
  }
}

void end_line(std::string& text) {
  text.erase(text.find_last_not_of(' ') + 1);
  text += '\n';
}

std::string cell(const Column& column, const std::string& content, std::size_t width) {
  return column.left ? fmt::format("{:<{}}", content, width)
                     : fmt::format("{:>{}}", content, width);
}

std::string group_line(const std::vector<Column>& columns, const std::vector<std::size_t>& widths) {
  std::string line;
  for (const Span& span : spans_of(columns, widths)) {
    const std::string& heading = columns[span.first].group;
    line += heading.empty() || span.last - span.first == 1
                ? cell(columns[span.first], heading, span.width)
                : fmt::format("{:-^{}}", heading, span.width);
    line += std::string(kGap, ' ');
  }
  if (line.find_first_not_of(' ') == std::string::npos) return "";
  end_line(line);
  return line;
}

}  // namespace

std::string format_table(std::vector<Column> columns, int width) {
  drop_until_fits(columns, width);
  const std::vector<std::size_t> widths = layout(columns);
  std::string text = group_line(columns, widths);
  std::string line;
  for (std::size_t i = 0; i < columns.size(); ++i)
    line += cell(columns[i], columns[i].heading, widths[i]) + std::string(kGap, ' ');
  end_line(line);
  text += line;
  const std::size_t rows = columns.empty() ? 0 : columns.front().cells.size();
  for (std::size_t row = 0; row < rows; ++row) {
    line.clear();
    for (std::size_t i = 0; i < columns.size(); ++i)
      line += cell(columns[i], columns[i].cells[row], widths[i]) + std::string(kGap, ' ');
    end_line(line);
    text += line;
  }
  return text;
}

}  // namespace batchtune::text
