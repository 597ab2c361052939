#include "tuner/cli/quiet_notes.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "tuner/cli/calibration.h"

namespace batchtune {
namespace {

using Json = nlohmann::json;

constexpr char kNoteKind[] = "quiet";

// Raised when a burst changes: its level means something else then.
constexpr char kBurstVersion[] = "2";

std::string note_name(int cpus) {
  return fmt::format("{} CPU{}", cpus, cpus == 1 ? "" : "s");
}

// Empty unless the note has one positive number for each CPU, or pair of them.
std::vector<Seconds> levels_in(const Json& json, const char* name, int count) {
  std::vector<Seconds> levels;
  if (!json.is_object() || !json.contains(name) || !json[name].is_array()) return levels;
  for (const Json& level : json[name])
    if (level.is_number() && level.get<double>() > 0) levels.push_back(level);
  if (std::ssize(levels) != count) levels.clear();
  return levels;
}

}  // namespace

Result<QuietLevels> known_quiet_levels(const Store& store, int cpus) {
  BT_TRY(notes, store.notes(kNoteKind, this_machine()));
  for (const Note& note : notes) {
    if (note.software_hash != kBurstVersion || note.name != note_name(cpus)) continue;
    const Json json = Json::parse(note.content, nullptr, false);
    QuietLevels levels{levels_in(json, "compute", cpus), levels_in(json, "cache", cpus),
                       levels_in(json, "exchange", cpus / 2)};
    if (!levels.compute.empty() && !levels.cache.empty()) return levels;
  }
  return QuietLevels{};
}

Status keep_quiet_levels(Store& store, int cpus, const QuietLevels& levels) {
  if (levels == QuietLevels{}) return {};
  Note note;
  note.kind = kNoteKind;
  note.device = this_machine();
  note.software_hash = kBurstVersion;
  note.name = note_name(cpus);
  note.content =
      Json{{"compute", levels.compute}, {"cache", levels.cache}, {"exchange", levels.exchange}}
          .dump();
  return store.put_note(note);
}

}  // namespace batchtune
