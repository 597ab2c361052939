// Recorded tables as text: the format that `--record` writes and `replay` reads (JSON; the schema
// is table.schema.json beside this file). It knows no session and no file system (table_file.h). A
// reader of numbers must not trust them: what a table promises is checked here, once.
//
// One table is {"schema_version":1,"kind":"table",...}; several groups of one problem are
// {"schema_version":1,"kind":"tables","tables":[...]}. Round numbers are common to all tables of a
// text, so a table without an anchor of its own may lean on that of another.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tuner/core/error.h"
#include "tuner/core/table.h"

namespace batchtune {

// At least one table, each with at least one row; all of one model, those of a backend of one
// device, each of another group. Every latency is above 0, batches ascend, lists of a row are
// equally long, a row that ran has samples, and a table's anchor is one of its rows and has a
// sample in every round of it. Errors name `file_name` with line and column (broken JSON) or the
// JSON path, and what was wanted there. Members that are not known are left alone: later versions
// may add some. `name` of each table is the stem of `file_name`.
Result<std::vector<RecordedTable>> parse_tables(std::string_view json, std::string_view file_name);

// What parse_tables() reads back as equal tables (but for their names): one row a line, each number
// as short as it can be. An error for figures that are not finite.
Result<std::string> write_tables(std::span<const RecordedTable> tables);

}  // namespace batchtune
