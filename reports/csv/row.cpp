#include "reports/csv/row.h"

#include <fmt/format.h>
#include <cmath>

namespace batchtune::csv {

void Row::text(std::string_view content) {
  std::string cell(content);
  if (cell.find_first_of(",\"\r\n") != std::string::npos) {
    for (std::size_t at = 0; (at = cell.find('"', at)) != std::string::npos; at += 2)
      cell.insert(at, 1, '"');
    cell = '"' + cell + '"';
  }
  if (!first_) line_ += ',';
  first_ = false;
  line_ += cell;
}

void Row::number(const std::optional<double>& value) {
  text(value && std::isfinite(*value) ? fmt::format("{}", *value) : "");
}

void Row::integer(std::int64_t value) {
  text(std::to_string(value));
}

void Row::flag(bool value) {
  text(value ? "true" : "false");
}

void Row::value(const Value& value) {
  if (const auto* real = std::get_if<double>(&value)) return number(*real);
  text(std::holds_alternative<std::monostate>(value) ? "" : to_string(value));
}

}  // namespace batchtune::csv
