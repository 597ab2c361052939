// A store that keeps nothing and finds nothing wrong; tests say what differs.
#pragma once

#include <string>
#include <vector>

#include "storage/store.h"

namespace batchtune {

class SilentStore : public Store {
 public:
  Result<std::int64_t> begin_session(const SessionHeader&) override { return 1; }
  Status append(std::int64_t, std::int64_t, const Observation&) override { return {}; }
  Status set_anchor(std::int64_t, TrialId) override { return {}; }
  Status update_settings(std::int64_t, const Settings&) override { return {}; }
  Status finish_session(const SessionRecord&, const Conclusion&) override { return {}; }
  Status reopen_session(const SessionRecord&) override { return {}; }
  Result<SessionRecord> load_session(std::int64_t) const override { return SessionRecord{}; }
  Result<std::int64_t> resolve_session(std::string_view) const override { return 1; }
  Result<std::optional<std::int64_t>> last_unended(std::string_view) const override {
    return std::optional<std::int64_t>();
  }
  Result<std::vector<SessionListing>> list_sessions() const override {
    return std::vector<SessionListing>{};
  }
  Result<std::vector<SessionHeader>> finished_tunes() const override {
    return std::vector<SessionHeader>{};
  }
  Status put_note(const Note&) override { return {}; }
  Result<std::vector<Note>> notes(std::string_view, std::string_view) const override {
    return std::vector<Note>{};
  }
  Result<StoreFacts> facts() const override { return StoreFacts{}; }
  const std::string& path() const override { return path_; }

 private:
  std::string path_ = "nowhere";
};

}  // namespace batchtune
