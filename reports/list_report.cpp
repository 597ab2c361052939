#include "reports/list_report.h"

#include <fmt/format.h>
#include <algorithm>

#include "reports/csv/row.h"
#include "reports/json/parts.h"
#include "reports/text/table.h"
#include "reports/text/words.h"
#include "tuner/core/units.h"

namespace batchtune {
namespace {

constexpr int kListSchema = 1;

}  // namespace

std::string text_listing(const Listing& listing, const TextOptions& options) {
  if (listing.rows.empty()) return listing.when_empty + "\n";
  std::vector<text::Column> columns;
  for (std::size_t i = 0; i < listing.columns.size(); ++i) {
    const ListColumn& column = listing.columns[i];
    text::Column& shown_column =
        columns.emplace_back(text::Column{"", column.heading, !column.is_figure, column.drop, {}});
    for (std::size_t row = 0; row < listing.rows.size(); ++row) {
      const bool given = row < listing.shown.size() && !listing.shown[row][i].empty();
      shown_column.cells.push_back(given ? listing.shown[row][i]
                                         : text::shown(listing.rows[row][i]));
    }
  }
  return text::format_table(std::move(columns), options.width);
}

std::string json_listing(const Listing& listing) {
  json::Json rows = json::Json::array();
  for (const auto& row : listing.rows) {
    json::Json object = json::Json::object();
    for (std::size_t i = 0; i < listing.columns.size(); ++i)
      object[listing.columns[i].key] = json::value(row[i]);
    rows.push_back(std::move(object));
  }
  return json::document(
      {{"schema_version", kListSchema}, {"command", listing.command}, {listing.what, rows}});
}

std::string csv_listing(const Listing& listing) {
  csv::Row header;
  for (const ListColumn& column : listing.columns) header.text(column.key);
  std::string text = header.line();
  for (const auto& values : listing.rows) {
    csv::Row row;
    for (const Value& value : values) row.value(value);
    text += row.line();
  }
  return text;
}

std::string text_facts(const FactSheet& sheet, const TextOptions& options) {
  std::string text = text::wrapped("", sheet.title, options.width);
  std::size_t widest = 0;
  for (const Fact& fact : sheet.facts) widest = std::max(widest, fact.label.size());
  for (const Fact& fact : sheet.facts)
    text += text::wrapped(fmt::format("  {:<{}}  ", fact.label, widest),
                          fact.shown.empty() ? text::shown(fact.value) : fact.shown, options.width);
  if (sheet.conclusion.empty()) return text;
  std::string sentence = text::wrapped("=> ", sheet.conclusion, options.width);
  sentence.pop_back();
  return text + "\n" + text::bold(sentence, options.color) + "\n";
}

std::string json_facts(const FactSheet& sheet) {
  json::Json json = {{"schema_version", kListSchema}, {"command", sheet.command}};
  for (const Fact& fact : sheet.facts) json[fact.key] = json::value(fact.value);
  return json::document(json);
}

}  // namespace batchtune
