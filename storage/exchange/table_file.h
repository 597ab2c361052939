// Files of recorded tables (table_json.h has the format). Writing is all or nothing: a full disk, a
// missing permission or a kill leaves what was there before.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "tuner/core/error.h"
#include "tuner/core/table.h"

namespace batchtune {

// An error for what cannot be opened or read, is no table, or is larger than 256 MiB.
Result<std::vector<RecordedTable>> read_tables(const std::string& path);

// Whether save_tables() could write there now: tried with an empty file beside it. Nothing stays
// behind.
Status check_writable(const std::string& path);

// Through a temporary file in the same folder, synced and renamed. A symbolic link is followed; a
// device, folder or pipe is refused.
Status save_tables(const std::string& path, std::span<const RecordedTable> tables);

}  // namespace batchtune
