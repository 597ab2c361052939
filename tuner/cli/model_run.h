// A run of several models as it is kept, so that --resume can go on with it: a note of kind "run",
// written before each session begins. What became of a session is the store's to say.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "storage/store.h"
#include "tuner/core/error.h"
#include "tuner/core/units.h"
#include "tuner/core/value.h"

namespace batchtune {

struct RunEntry {
  std::string model, hash;
  std::vector<Setting> asked;  // without the budget, which is shared; the origin is an option, or
                               // a key of the file
  std::string session;         // its UUID; "" before it is begun
};

struct ModelRun {
  std::string id;      // a UUID
  Seconds budget = 0;  // of all models together
  bool budget_of_file = false;
  std::vector<RunEntry> entries;
};

Status keep_run(Store& store, const ModelRun& run);

// The last run that was of these models (by hash), in this order; nullopt: there is none. This and
// session_of() fail where the store does: a session that cannot be read is not one that is missing.
Result<std::optional<ModelRun>> last_run(const Store& store, const std::vector<RunEntry>& models);

// The session of an entry; nullopt where it has none, or none that is stored.
Result<std::optional<SessionRecord>> session_of(const Store& store, const RunEntry& entry);

}  // namespace batchtune
