// Opens a database file in the order that keeps a wrong file unharmed: look at the path, open,
// check whose file it is and how new, and only then migrate and set the journal.
#pragma once

#include <span>

#include "storage/detail/migrate.h"

namespace batchtune::detail {

// The newest version in `steps` is the newest that is understood.
Result<Database> open_for_writing(const std::string& path, bool create_folder,
                                  std::span<const Migration> steps);

// Never creates and never migrates. Rolls back what a killed writer left in its journal, nothing
// else.
Result<Database> open_for_reading(const std::string& path, std::span<const Migration> steps);

}  // namespace batchtune::detail
