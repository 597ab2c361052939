// An aligned table for a terminal. Columns that belong together share a heading above theirs; when
// the table is wider than the terminal, columns are left out in a stated order, never cut.
#pragma once

#include <string>
#include <vector>

namespace batchtune::text {

struct Column {
  std::string group;  // shared by neighbours; "" for none
  std::string heading;
  bool left = false;               // text; figures are aligned to the right
  int drop = 0;                    // 0: always shown; else the largest is left out first
  std::vector<std::string> cells;  // as many in every column
};

// Ends with a line feed. A column of nothing but "-" or "" is left out before any other droppable
// one.
std::string format_table(std::vector<Column> columns, int width);

}  // namespace batchtune::text
