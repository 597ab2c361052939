#include "tuner/cli/ceilings.h"

#include <fmt/format.h>

#include <cstdio>
#include <nlohmann/json.hpp>
#include <optional>

#include "tuner/backend/backend_list.h"

namespace batchtune {
namespace {

using Json = nlohmann::json;

constexpr char kCeilingNote[] = "ceiling";
constexpr char kShown[] = "%lld fits, %lld fails";  // a setting's value, written and read

std::string note_name(const CandidateGroup& group, Bytes limit) {
  return fmt::format("{}, limit {}", to_string(group), limit);
}

std::string setting_name(std::size_t group) {
  return fmt::format("ceiling.{}", group + 1);
}

// "" for a note that does not read any more: it is searched again then.
std::string shown(const Note& note) {
  const Json json = Json::parse(note.content, nullptr, false);
  if (!json.is_object() || !json.contains("fits") || !json.contains("fails")) return "";
  if (!json["fits"].is_number_integer() || !json["fails"].is_number_integer()) return "";
  char text[64];
  std::snprintf(text, sizeof text, kShown, json["fits"].get<long long>(),
                json["fails"].get<long long>());
  return text;
}

}  // namespace

std::string noted_device(const std::vector<std::string>& backends, const SessionHeader& header,
                         const CandidateGroup& group) {
  std::string name = group.backend;
  for (const std::string& spec : backends)
    if (split_backend_spec(spec).name == group.backend) name = spec;
  for (const DeviceInfo& device : header.devices)
    if (device.backend == group.backend) name += ", " + device.name;
  return name;
}

Result<std::vector<Setting>> known_ceilings(const Store& store,
                                            const std::vector<std::string>& backends,
                                            const SessionHeader& header) {
  std::vector<Setting> settings;
  if (!header.wishes.memory_limit) return settings;
  for (std::size_t i = 0; i < header.estimates.size(); ++i) {
    const CandidateGroup& group = header.estimates[i].group;
    BT_TRY(notes, store.notes(kCeilingNote, noted_device(backends, header, group)));
    for (const Note& note : notes)
      if (note.model_hash == header.model.hash &&
          note.name == note_name(group, *header.wishes.memory_limit))
        if (std::string text = shown(note); !text.empty())
          settings.push_back({setting_name(i), std::move(text), "an earlier session"});
  }
  return settings;
}

std::vector<Ceiling> ceilings_of(const SessionHeader& header) {
  std::vector<Ceiling> ceilings;
  for (std::size_t i = 0; i < header.estimates.size(); ++i)
    for (const Setting& setting : header.settings.effective) {
      long long fits = 0, fails = 0;
      if (setting.name == setting_name(i) && header.wishes.memory_limit &&
          std::sscanf(to_string(setting.value).c_str(), kShown, &fits, &fails) == 2)
        ceilings.push_back({header.estimates[i].group, *header.wishes.memory_limit, fits, fails});
    }
  return ceilings;
}

Status keep_ceilings(Store& store, const std::vector<std::string>& backends,
                     const SessionHeader& header, const std::vector<Boundary>& boundaries) {
  if (!header.wishes.memory_limit) return {};
  for (const Boundary& boundary : boundaries) {
    if (boundary.kind != BoundaryKind::probed || !boundary.largest_fitting ||
        !boundary.smallest_failing)
      continue;
    Note note;
    note.kind = kCeilingNote;
    note.device = noted_device(backends, header, boundary.group);
    note.model_hash = header.model.hash;
    note.name = note_name(boundary.group, *header.wishes.memory_limit);
    note.content = Json{
        {"fits", *boundary.largest_fitting},
        {"fails", *boundary.smallest_failing},
        {"limiter", name_of(boundary.limiter)},
        {"session",
         header.uuid}}.dump();
    BT_TRY_VOID(store.put_note(note));
  }
  return {};
}

}  // namespace batchtune
