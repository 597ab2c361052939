#include "storage/exchange/table_json.h"

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <optional>
#include <set>
#include <utility>

#include "storage/exchange/json_place.h"

namespace batchtune {
namespace {

using exchange::Place;

constexpr int kSchemaVersion = 1;
// Far above any program; products with bytes and FLOP stay finite.
constexpr std::int64_t kLargestBatch = std::int64_t{1} << 40;
constexpr std::int64_t kMostThreads = std::int64_t{1} << 20;
constexpr int kLargestRound = std::numeric_limits<int>::max();

std::string status_names() {
  std::string names;
  for (const TrialStatus status : kTrialStatuses)
    names += (names.empty() ? "" : ", ") + std::string(name_of(status));
  return names;
}

TrialStatus read_status(const Place& row) {
  const Place place = row.at("status");
  const std::string text = place.text();
  const auto status = parse_trial_status(text);
  if (!status) place.refuse("one of " + status_names(), "\"" + text + "\"");
  return *status;
}

DType read_dtype(const Place& table) {
  const Place place = table.at("dtype");
  const std::string text = place.text();
  const auto dtype = parse_dtype(text);
  if (!dtype) place.refuse("a data type such as f32 or bf16", "\"" + text + "\"");
  return *dtype;
}

void check_length(const Place& list, std::size_t found, std::size_t latencies) {
  if (found != latencies)
    list.refuse("one entry for each of the " + std::to_string(latencies) + " latencies",
                std::to_string(found));
}

TableRow read_row(const Place& place) {
  TableRow row;
  row.batch = place.at("batch").integer(1, kLargestBatch);
  row.status = read_status(place);
  row.prepare = place.optional_number("prepare", 0);
  row.compile = place.optional_number("compile", 0);
  if (row.compile && *row.compile > row.prepare.value_or(0))
    place.at("compile").refuse("no more than \"prepare\", of which it is a part",
                               std::to_string(*row.compile));
  row.memory = place.optional_number("memory", 0);
  row.latency = place.at("latency").positive_numbers();
  row.round = place.at("round").integers(0, kLargestRound);
  check_length(place.at("round"), row.round.size(), row.latency.size());
  if (const auto start = place.find("start")) {
    row.start = start->numbers();
    if (!row.start.empty()) check_length(*start, row.start.size(), row.latency.size());
  }
  if (const auto truth = place.find("truth")) row.truth = truth->positive();
  const bool ran = row.status == TrialStatus::ok || row.status == TrialStatus::unstable;
  if (ran && row.latency.empty())
    place.at("latency").refuse("at least one sample of a row that ran", "none");
  return row;
}

std::vector<TableRow> read_rows(const Place& place) {
  std::vector<TableRow> rows;
  for (std::size_t i = 0; i < place.size(); ++i) {
    TableRow row = read_row(place[i]);
    if (!rows.empty() && row.batch <= rows.back().batch)
      place[i].at("batch").refuse(
          "ascending batches, each once",
          std::to_string(row.batch) + " after " + std::to_string(rows.back().batch));
    rows.push_back(std::move(row));
  }
  if (rows.empty()) place.refuse("at least one row", "none");
  return rows;
}

// Its row has a sample in every round of the table.
void check_anchor(const Place& table, const RecordedTable& read) {
  if (!read.anchor) return;
  const auto anchor = std::find_if(read.rows.begin(), read.rows.end(),
                                   [&](const TableRow& row) { return row.batch == *read.anchor; });
  if (anchor == read.rows.end())
    table.at("anchor").refuse("a batch that has a row", std::to_string(*read.anchor));
  const std::set<int> rounds(anchor->round.begin(), anchor->round.end());
  for (std::size_t i = 0; i < read.rows.size(); ++i)
    for (std::size_t k = 0; k < read.rows[i].round.size(); ++k)
      if (const int round = read.rows[i].round[k]; !rounds.contains(round))
        table.at("rows")[i].at("round")[k].refuse(
            "a round in which the anchor (batch " + std::to_string(*read.anchor) + ") has a sample",
            std::to_string(round));
}

void read_settings(const Place& settings, RecordedTable& table) {
  const auto count = [&](const char* name) {
    const auto place = settings.find(name);
    return place ? static_cast<int>(place->integer(1, kMostThreads)) : 1;
  };
  table.group.threads = count("threads");
  table.group.instances = count("instances");
  if (const auto limit = settings.find("memory_limit"))
    table.memory_limit = limit->integer(1, std::numeric_limits<Bytes>::max());
  if (const auto dims = settings.find("dims"))
    for (const std::string& name : dims->member_names())
      table.group.dims[name] = dims->at(name.c_str()).integer(1, kLargestBatch);
}

TableProblem read_problem(const Place& place) {
  const auto figure = [&](const char* name) -> std::optional<double> {
    const auto member = place.find(name);
    return member ? std::optional(member->positive()) : std::nullopt;
  };
  return {figure("flops"), place.optional_number("activation_bytes", 0),
          place.optional_number("weight_bytes", 0), figure("peak"), figure("bandwidth")};
}

RecordedTable read_table(const Place& place) {
  RecordedTable table;
  table.model = place.at("model").text();
  table.device = place.text_or("device", "");
  table.source = place.text_or("source", "");
  table.group.backend = place.text_or("backend", "");
  table.group.dtype = read_dtype(place);
  if (const auto settings = place.find("settings")) read_settings(*settings, table);
  if (const auto anchor = place.find("anchor")) table.anchor = anchor->integer(1, kLargestBatch);
  if (const auto problem = place.find("problem")) table.problem = read_problem(*problem);
  table.rows = read_rows(place.at("rows"));
  check_anchor(place, table);
  return table;
}

// Tables of one text form one problem.
void check_together(const Place& place, const std::vector<RecordedTable>& earlier,
                    const RecordedTable& table) {
  for (const RecordedTable& other : earlier) {
    if (table.model != other.model)
      place.at("model").refuse("tables of one model", table.model + " beside " + other.model);
    if (table.group.backend == other.group.backend && table.device != other.device)
      place.refuse("tables of one device for each backend",
                   table.device + " beside " + other.device);
    if (table.group == other.group)
      place.refuse("each group once", to_string(table.group) + " again");
  }
}

std::vector<RecordedTable> read_tables_of(const Place& root) {
  const Place version = root.at("schema_version");
  if (const auto found = version.integer(1, std::numeric_limits<int>::max());
      found > kSchemaVersion)
    version.refuse("schema_version " + std::to_string(kSchemaVersion),
                   std::to_string(found) + ", which a later batchtune wrote");
  const std::string kind = root.at("kind").text();
  std::vector<RecordedTable> tables;
  if (kind == "table") {
    tables.push_back(read_table(root));
    return tables;
  }
  if (kind != "tables") root.at("kind").refuse("table or tables", "\"" + kind + "\"");
  const Place list = root.at("tables");
  for (std::size_t i = 0; i < list.size(); ++i) {
    RecordedTable table = read_table(list[i]);
    check_together(list[i], tables, table);
    tables.push_back(std::move(table));
  }
  if (tables.empty()) list.refuse("at least one table", "none");
  return tables;
}

}  // namespace

Result<std::vector<RecordedTable>> parse_tables(std::string_view json, std::string_view file_name) {
  BT_TRY(root, exchange::parse_json(json, file_name));
  try {
    auto tables = read_tables_of(Place(root, "$", file_name));
    for (RecordedTable& table : tables)
      table.name = std::filesystem::path(file_name).stem().string();
    return tables;
  } catch (const exchange::Refused& refused) {
    return tl::make_unexpected(refused.error);
  }
}

}  // namespace batchtune
