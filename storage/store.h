// Sessions in SQLite. Every observation is one transaction: kill -9 loses at most the one in
// flight. Rollback journal with full sync (why: README.md). One connection; not thread-safe.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tuner/core/session.h"
#include "tuner/core/trial.h"

namespace batchtune {

struct SessionListing {
  std::int64_t number = 0;
  std::string uuid, command, model, backend, started_at;
  SessionEnd end = SessionEnd::running;
  int observations = 0;
  std::optional<std::int64_t> best_batch;
  bool simulated = false;
};

// Something learned that outlives a session, keyed by device, model hash and software hash ("" =
// any).
struct Note {
  std::string kind;  // "calibration", "kernel", "quiet", "ceiling"
  std::string device, model_hash, software_hash;
  std::string name;        // within its kind
  std::string content;     // JSON
  std::string written_at;  // ISO 8601, UTC; filled by the store
};

// How a database is kept, for `doctor`.
struct StoreFacts {
  std::string sqlite;        // version of the library in use
  std::string journal_mode;  // "truncate"
  std::string synchronous;   // "full"
  std::string path;
  int sessions = 0;
  Bytes bytes = 0;  // of the file
};

class Store {
 public:
  // Creates the file (and the folder it lies in, when `create_folder`), migrates an older schema
  // after a backup, refuses foreign, newer and damaged files with an environment error and changes
  // nothing then.
  static Result<std::unique_ptr<Store>> open(const std::string& path, bool create_folder);
  static Result<std::unique_ptr<Store>> open_read_only(const std::string& path);
  virtual ~Store() = default;

  virtual Result<std::int64_t> begin_session(const SessionHeader& header) = 0;  // its number
  // `sequence`: which of the session's observations it is, from 1. An environment error when the
  // session does not end just before it: another process writes the same session.
  virtual Status append(std::int64_t session, std::int64_t sequence,
                        const Observation& observation) = 0;
  virtual Status set_anchor(std::int64_t session, TrialId anchor) = 0;
  // Replaces the settings that the session was begun with: loading finds some only later.
  virtual Status update_settings(std::int64_t session, const Settings& settings) = 0;
  // Keeps how `record` ended and its overhead; and the conclusion's figures beside the trials, for
  // people with the sqlite3 shell. An environment error, which changes nothing, when the session
  // does not hold just as many observations as `record`: another process writes it.
  virtual Status finish_session(const SessionRecord& record, const Conclusion& conclusion) = 0;
  // Puts a session that was interrupted, and that is stored just as `record` says, back to running.
  // Otherwise an environment error, which changes nothing: another process has gone on with it.
  virtual Status reopen_session(const SessionRecord& record) = 0;

  virtual Result<SessionRecord> load_session(std::int64_t session) const = 0;
  // A number, the beginning of a UUID, last, last~1, last:MODEL.
  virtual Result<std::int64_t> resolve_session(std::string_view text) const = 0;
  // The last `tune` of this model hash that has neither converged nor spent its budget, be it
  // interrupted, failed, or running still; nullopt: none.
  virtual Result<std::optional<std::int64_t>> last_unended(std::string_view model_hash) const = 0;
  virtual Result<std::vector<SessionListing>> list_sessions() const = 0;
  // Every `tune` that converged or spent its budget, the newest first: what it was asked, of which
  // model and on which devices. Left out are the graph, the environment, and of a device all but
  // its names and version, of an estimate all but its group.
  virtual Result<std::vector<SessionHeader>> finished_tunes() const = 0;

  virtual Status put_note(const Note& note) = 0;  // replaces the one with the same key
  virtual Result<std::vector<Note>> notes(std::string_view kind, std::string_view device) const = 0;

  virtual Result<StoreFacts> facts() const = 0;
  virtual const std::string& path() const = 0;
};

std::string sqlite_version();  // of the library in use

}  // namespace batchtune
