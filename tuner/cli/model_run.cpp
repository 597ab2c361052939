#include "tuner/cli/model_run.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "tuner/cli/database.h"

namespace batchtune {
namespace {

using Json = nlohmann::json;

constexpr char kRunNote[] = "run";

Json to_json(const RunEntry& entry) {
  Json asked = Json::array();
  for (const Setting& setting : entry.asked) {
    const auto* flag = std::get_if<bool>(&setting.value);
    asked.push_back({{"name", setting.name},
                     {"value", flag ? Json(*flag) : Json(to_string(setting.value))},
                     {"origin", setting.origin}});
  }
  return {
      {"model", entry.model}, {"hash", entry.hash}, {"asked", asked}, {"session", entry.session}};
}

RunEntry entry_from(const Json& json) {
  RunEntry entry{json.at("model"), json.at("hash"), {}, json.at("session")};
  for (const Json& setting : json.at("asked")) {
    const Json& value = setting.at("value");
    entry.asked.push_back(
        {setting.at("name"),
         value.is_boolean() ? Value(value.get<bool>()) : Value(value.get<std::string>()),
         setting.at("origin")});
  }
  return entry;
}

// nullopt for a note that does not read any more: such a run cannot be gone on with.
std::optional<ModelRun> run_from(const Note& note) {
  try {
    const Json json = Json::parse(note.content);
    ModelRun run{note.name, json.at("budget"), json.value("budget_of_file", false), {}};
    for (const Json& entry : json.at("models")) run.entries.push_back(entry_from(entry));
    return run;
  } catch (const Json::exception&) {
    return std::nullopt;
  }
}

bool same_models(const std::vector<RunEntry>& a, const std::vector<RunEntry>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](const RunEntry& one, const RunEntry& other) {
                      return one.hash == other.hash && one.model == other.model;
                    });
}

// The number of an entry's session; 0 where it has none, or was killed before it was begun.
Result<std::int64_t> number_of(const Store& store, const RunEntry& entry) {
  if (entry.session.empty()) return 0;
  auto number = store.resolve_session(entry.session);
  if (!number && number.error().kind == ErrorKind::bad_input) return 0;
  return number;
}

}  // namespace

Status keep_run(Store& store, const ModelRun& run) {
  Json models = Json::array();
  for (const RunEntry& entry : run.entries) models.push_back(to_json(entry));
  Note note;
  note.kind = kRunNote;
  note.name = run.id;
  note.content =
      Json{{"budget", run.budget}, {"budget_of_file", run.budget_of_file}, {"models", models}}
          .dump();
  return store.put_note(note);
}

Result<std::optional<ModelRun>> last_run(const Store& store, const std::vector<RunEntry>& models) {
  BT_TRY(notes, store.notes(kRunNote, ""));
  std::optional<ModelRun> last;
  std::int64_t newest = -1;  // session numbers grow, moments of notes may be equal
  for (const Note& note : notes) {
    auto run = run_from(note);
    if (!run || !same_models(run->entries, models)) continue;
    std::int64_t number = 0;
    for (const RunEntry& entry : run->entries) {
      BT_TRY(found, number_of(store, entry));
      number = std::max(number, found);
    }
    if (number <= newest) continue;
    newest = number;
    last = std::move(run);
  }
  return last;
}

Result<std::optional<SessionRecord>> session_of(const Store& store, const RunEntry& entry) {
  BT_TRY(number, number_of(store, entry));
  if (number == 0) return std::optional<SessionRecord>{};
  BT_TRY(record, store.load_session(number));
  note_loading(record);
  return std::optional<SessionRecord>(std::move(record));
}

}  // namespace batchtune
