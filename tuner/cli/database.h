// Where sessions are kept, and opening it.
#pragma once

#include <memory>
#include <string>

#include "storage/store.h"
#include "tuner/core/error.h"

namespace batchtune {

struct DatabasePath {
  std::string path;
  bool create_folder = false;  // the default's alone: a typing error in --db makes no folders
};

// `option`: what --db gave, "" for nothing.
Result<DatabasePath> database_path(const std::string& option);

Result<std::unique_ptr<Store>> open_database(const std::string& option);
Result<std::unique_ptr<Store>> open_database_read_only(const std::string& option);

// Resolves "12", "last~1", "last:MODEL", the beginning of a UUID; says on stderr what it resolved
// to.
Result<SessionRecord> load_session(const Store& store, const std::string& text);

// Lets the record's devices know how long loading the weights took, from its observations.
void note_loading(SessionRecord& record);

}  // namespace batchtune
