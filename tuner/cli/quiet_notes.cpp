#include "tuner/cli/quiet_notes.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "kernels/probe/pinned_team.h"
#include "tuner/cli/calibration.h"
#include "tuner/cli/system_files.h"
#include "tuner/cli/timestamp.h"

namespace batchtune {
namespace {

using Json = nlohmann::json;

constexpr char kQuietNote[] = "quiet";

// Raised when a burst changes: its level means something else then.
constexpr char kBurstVersion[] = "3";

constexpr std::time_t kWeek = 7 * 24 * 3600;  // seconds

// Empty unless the note has one positive number for each CPU, or pair of them.
std::vector<Seconds> levels_in(const Json& json, const char* name, std::size_t count) {
  std::vector<Seconds> levels;
  if (!json.is_object() || !json.contains(name) || !json[name].is_array()) return levels;
  for (const Json& level : json[name])
    if (level.is_number() && level.get<double>() > 0) levels.push_back(level);
  if (levels.size() != count) levels.clear();
  return levels;
}

}  // namespace

QuietKey quiet_key(const std::vector<int>& cpus, const std::string& root) {
  const std::string path = root + "/proc/cpuinfo";
  return {this_machine(),
          fmt::format("family {}, model {}, stepping {}, CPUs {}", field(path, "cpu family"),
                      field(path, "model\t"), field(path, "stepping"), fmt::join(cpus, ","))};
}

std::vector<int> canary_cpus() {
  return probe::allowed_cpus();
}

Result<QuietLevels> known_quiet_levels(const Store& store, const std::vector<int>& cpus,
                                       std::time_t now) {
  const QuietKey key = quiet_key(cpus);
  BT_TRY(notes, store.notes(kQuietNote, key.machine));
  for (const Note& note : notes) {
    if (note.software_hash != kBurstVersion || note.name != key.name) continue;
    if (note.written_at < utc_text(now - kWeek)) continue;
    const Json json = Json::parse(note.content, nullptr, false);
    QuietLevels levels{levels_in(json, "compute", cpus.size()),
                       levels_in(json, "cache", cpus.size()),
                       levels_in(json, "exchange", cpus.size() / 2)};
    if (!levels.compute.empty() && !levels.cache.empty()) return levels;
  }
  return QuietLevels{};
}

Status keep_quiet_levels(Store& store, const std::vector<int>& cpus, const QuietLevels& levels) {
  if (levels == QuietLevels{}) return {};
  const QuietKey key = quiet_key(cpus);
  Note note;
  note.kind = kQuietNote;
  note.device = key.machine;
  note.software_hash = kBurstVersion;
  note.name = key.name;
  note.content =
      Json{{"compute", levels.compute}, {"cache", levels.cache}, {"exchange", levels.exchange}}
          .dump();
  return store.put_note(note);
}

}  // namespace batchtune
