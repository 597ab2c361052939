#include "tuner/cli/database.h"

#include <fmt/format.h>

#include <filesystem>

#include "tuner/cli/command.h"
#include "tuner/cli/host.h"

namespace batchtune {

Result<DatabasePath> database_path(const std::string& option) {
  if (!option.empty()) return DatabasePath{option, false};
  if (const auto path = environment_variable("BATCHTUNE_DB")) return DatabasePath{*path, false};
  const std::string within = "/batchtune/batchtune.db";
  if (const auto folder = environment_variable("XDG_DATA_HOME"))
    return DatabasePath{*folder + within, true};
  if (const auto home = environment_variable("HOME"))
    return DatabasePath{*home + "/.local/share" + within, true};
  return environment_error("a place for the database",
                           "neither --db, $BATCHTUNE_DB, $XDG_DATA_HOME nor $HOME", "",
                           "Give --db FILE");
}

Result<std::unique_ptr<Store>> open_database(const std::string& option) {
  BT_TRY(place, database_path(option));
  return Store::open(place.path, place.create_folder);
}

Result<std::unique_ptr<Store>> open_database_read_only(const std::string& option) {
  BT_TRY(place, database_path(option));
  std::error_code ignored;
  if (place.create_folder && !std::filesystem::exists(place.path, ignored))
    return environment_error("a database with sessions", "no file yet", place.path,
                             "Run batchtune tune MODEL first");
  return Store::open_read_only(place.path);
}

Result<SessionRecord> load_session(const Store& store, const std::string& text) {
  BT_TRY(number, store.resolve_session(text));
  BT_TRY(record, store.load_session(number));
  note_loading(record);
  if (text != fmt::to_string(number))
    say(fmt::format("{} is session {} ({}, {})", text, number, record.header.model.name,
                    record.header.started_at));
  return record;
}

void note_loading(SessionRecord& record) {
  for (const Observation& observation : record.observations) {
    const auto* prepared = std::get_if<Preparation>(&observation.what);
    if (prepared == nullptr || prepared->load_seconds <= 0) continue;
    for (DeviceInfo& device : record.header.devices)
      if (device.backend == prepared->candidate.group.backend)
        device.load_seconds = prepared->load_seconds;
  }
}

}  // namespace batchtune
