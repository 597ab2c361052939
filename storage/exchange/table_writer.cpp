// write_tables(): by hand and not by a JSON library's printer, so that a row is one line and a
// number as short as it can be while still being read back as the same.
#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <vector>

#include "storage/exchange/table_json.h"

namespace batchtune {
namespace {

class Writer {
 public:
  std::string table(const RecordedTable& table, bool whole_document);
  bool all_finite() const { return all_finite_; }

 private:
  std::string number(double value) {
    all_finite_ &= std::isfinite(value);
    return fmt::format("{}", value);
  }
  template <typename T>
  std::string maybe(const std::optional<T>& value) {
    if constexpr (std::is_integral_v<T>)
      return value ? fmt::format("{}", *value) : "null";
    else
      return value ? number(*value) : "null";
  }
  static std::string quoted(const std::string& text) {
    using Json = nlohmann::json;
    return Json(text).dump(-1, ' ', true, Json::error_handler_t::replace);
  }
  std::string settings(const RecordedTable& table);
  std::string problem(const TableProblem& problem);
  std::string row(const TableRow& row);
  std::string numbers(const std::vector<double>& list);

  bool all_finite_ = true;
};

std::string Writer::numbers(const std::vector<double>& list) {
  std::string text;
  for (const double value : list) text += (text.empty() ? "" : ",") + number(value);
  return "[" + text + "]";
}

std::string Writer::settings(const RecordedTable& table) {
  std::string dims;
  for (const auto& [name, size] : table.group.dims)
    dims += fmt::format("{}{}:{}", dims.empty() ? "" : ",", quoted(name), size);
  return fmt::format(R"({{"threads":{},"instances":{},"memory_limit":{},"dims":{{{}}}}})",
                     table.group.threads, table.group.instances, maybe(table.memory_limit), dims);
}

std::string Writer::problem(const TableProblem& p) {
  return fmt::format(
      R"({{"flops":{},"activation_bytes":{},"weight_bytes":{},"peak":{},"bandwidth":{}}})",
      maybe(p.flops), maybe(p.activation_bytes), maybe(p.weight_bytes), maybe(p.peak),
      maybe(p.bandwidth));
}

std::string Writer::row(const TableRow& row) {
  std::string text =
      fmt::format(R"({{"batch":{},"status":{},"prepare":{},"memory":{},"latency":{},"round":[{}])",
                  row.batch, quoted(std::string(name_of(row.status))), maybe(row.prepare),
                  maybe(row.memory), numbers(row.latency), fmt::join(row.round, ","));
  if (!row.start.empty()) text += ",\"start\":" + numbers(row.start);
  if (row.compile) text += ",\"compile\":" + number(*row.compile);
  if (row.truth) text += ",\"truth\":" + number(*row.truth);
  return text + "}";
}

std::string Writer::table(const RecordedTable& table, bool whole_document) {
  std::string rows;
  for (const TableRow& row : table.rows) rows += (rows.empty() ? "\n" : ",\n") + this->row(row);
  return fmt::format(R"({{{}"model":{},"device":{},"backend":{},"dtype":"{}","source":{},
"settings":{},"anchor":{},
"problem":{},
"rows":[{}]}})",
                     whole_document ? "\"schema_version\":1,\"kind\":\"table\",\n" : "",
                     quoted(table.model), quoted(table.device), quoted(table.group.backend),
                     name_of(table.group.dtype), quoted(table.source), settings(table),
                     maybe(table.anchor), problem(table.problem), rows);
}

}  // namespace

Result<std::string> write_tables(std::span<const RecordedTable> tables) {
  Writer writer;
  std::string text;
  if (tables.size() == 1) {
    text = writer.table(tables[0], true) + "\n";
  } else {
    for (const RecordedTable& table : tables)
      text += (text.empty() ? "" : ",\n") + writer.table(table, false);
    text = "{\"schema_version\":1,\"kind\":\"tables\",\"tables\":[\n" + text + "\n]}\n";
  }
  if (!writer.all_finite())
    return environment_error("figures that are finite numbers", "NaN or infinity",
                             "a table to record", "Report this as a bug");
  return text;
}

}  // namespace batchtune
