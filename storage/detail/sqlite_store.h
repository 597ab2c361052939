// The Store on SQLite. Apart from store.h so that tests can reach the connection (a full disk, a
// slow writer).
#pragma once

#include "storage/detail/database.h"
#include "storage/store.h"

namespace batchtune::detail {

class SqliteStore final : public Store {
 public:
  explicit SqliteStore(Database database) : database_(std::move(database)) {}
  ~SqliteStore() override;

  Result<std::int64_t> begin_session(const SessionHeader& header) override;
  Status append(std::int64_t session, std::int64_t sequence,
                const Observation& observation) override;
  Status set_anchor(std::int64_t session, TrialId anchor) override;
  Status update_settings(std::int64_t session, const Settings& settings) override;
  Status finish_session(const SessionRecord& record, const Conclusion& conclusion) override;
  Status reopen_session(const SessionRecord& record) override;

  Result<SessionRecord> load_session(std::int64_t session) const override;
  Result<std::int64_t> resolve_session(std::string_view text) const override;
  Result<std::optional<std::int64_t>> last_unended(std::string_view model_hash) const override;
  Result<std::vector<SessionListing>> list_sessions() const override;
  Result<std::vector<SessionHeader>> finished_tunes() const override;

  Status put_note(const Note& note) override;
  Result<std::vector<Note>> notes(std::string_view kind, std::string_view device) const override;

  Result<StoreFacts> facts() const override;
  const std::string& path() const override { return database_.path(); }
  const Database& database() const { return database_; }

 private:
  Database database_;
};

}  // namespace batchtune::detail
