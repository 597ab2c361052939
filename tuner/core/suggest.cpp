#include "tuner/core/suggest.h"

#include <algorithm>

namespace batchtune {
namespace {

int edit_distance(std::string_view a, std::string_view b) {
  std::vector<int> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = static_cast<int>(j);
  for (std::size_t i = 1; i <= a.size(); ++i) {
    int diagonal = row[0];
    row[0] = static_cast<int>(i);
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const int replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, replaced});
    }
  }
  return row.back();
}

}  // namespace

std::string suggest(std::string_view wrong, const std::vector<std::string_view>& names) {
  constexpr std::size_t kMaxLength = 64;  // a longer name is no typing error
  int nearest = static_cast<int>(kMaxLength);
  if (wrong.size() <= kMaxLength)
    for (const auto name : names) nearest = std::min(nearest, edit_distance(wrong, name));
  std::string close, all;
  for (const auto name : names) {
    all.append(all.empty() ? "" : ", ").append(name);
    if (nearest > static_cast<int>(wrong.size()) / 2 || edit_distance(wrong, name) != nearest)
      continue;
    close.append(close.empty() ? "" : " or ").append(name);
  }
  return (close.empty() ? "" : "Did you mean " + close + "? ") + "There are: " + all;
}

}  // namespace batchtune
