// The schema's numbered steps and how a file is brought up to date: in one transaction, which other
// writers wait for, a backup beside it and then every missing step; so that a file is either as it
// was or wholly new.
#pragma once

#include <span>

#include "storage/detail/database.h"

namespace batchtune::detail {

struct Migration {
  int version;  // 1, 2, ... in order; the file's PRAGMA user_version after the step
  const char* sql;
};

std::span<const Migration> migrations();  // from storage/schema/*.sql
const char* tool_version();

// "BTTN": tells our files from any other application's. Chosen once.
inline constexpr std::int64_t kApplicationId = 0x4254544e;

// The schema's version of a file that is ours; 0 for an empty one. Refuses foreign files; reads
// alone.
Result<int> schema_version(const Database& database);

// Runs every step above the file's version. Two processes may do so at once: the second finds it
// done.
Status migrate(const Database& database, std::span<const Migration> steps);

}  // namespace batchtune::detail
