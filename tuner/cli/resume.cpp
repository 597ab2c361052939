#include "tuner/cli/resume.h"

#include <fmt/format.h>

#include <set>
#include <tuple>
#include <vector>

#include "tuner/cli/database.h"
#include "tuner/cli/host.h"

namespace batchtune {
namespace {

// What rounds depend on; a kernel update or less free memory is no other machine.
constexpr const char* kSameMachine[] = {"build.id", "cpu.model", "cpu.isa", "cpu.affinity",
                                        "cpu.quota"};

std::string entry(const Environment& environment, std::string_view name) {
  for (const auto& [key, value] : environment)
    if (key == name) return to_string(value);
  return "null";
}

// All values of one name: latency limits and backends may come several times.
std::string values_of(const std::vector<Setting>& settings, const std::string& name) {
  std::string values;
  for (const Setting& setting : settings)
    if (setting.name == name) values += (values.empty() ? "" : " ") + to_string(setting.value);
  return values.empty() ? "the default" : values;
}

std::string differences(const SessionHeader& stored, const TuningRequest& request,
                        const Model& model) {
  std::string text;
  const auto compare = [&](const std::string& what, const std::string& then,
                           const std::string& now) {
    if (then != now)
      text += fmt::format("{}{}: {} then, {} now", text.empty() ? "" : "; ", what, then, now);
  };
  compare("model", stored.model.name, model.name);
  if (stored.model.name == model.name) compare("model hash", stored.model.hash, model_hash(model));
  const Environment now = environment_snapshot();
  for (const char* name : kSameMachine)
    compare(name, entry(stored.environment, name), entry(now, name));
  std::set<std::string> seen;
  for (const Setting& setting : request.given)
    if (seen.insert(setting.name).second)
      compare(setting.origin, values_of(stored.settings.requested, setting.name),
              values_of(request.given, setting.name));
  for (const auto& [option, then, asked] :
       {std::tuple{"--revision", &stored.revision, &request.revision},
        std::tuple{"--branch", &stored.branch, &request.branch},
        std::tuple{"--label", &stored.label, &request.label}})
    if (!asked->empty()) compare(option, *then, *asked);
  return text;
}

}  // namespace

Result<SessionRecord> find_resumable(const Store& store, const std::string& which,
                                     const Model& model) {
  std::string text = which;
  if (text.empty()) {
    BT_TRY(last, store.last_unended(model_hash(model)));
    if (!last)
      return bad_input("a session of " + model.name + " that has not ended", "none", store.path(),
                       "Leave --resume out to start one");
    text = fmt::to_string(*last);
  }
  BT_TRY(record, load_session(store, text));
  if (record.end == SessionEnd::converged || record.end == SessionEnd::budget)
    return bad_input("a session that has not ended",
                     fmt::format("session {}: {}", record.header.number, name_of(record.end)),
                     "--resume", fmt::format("batchtune report {} shows it", record.header.number));
  if (record.header.command != "tune")
    return bad_input("a session of batchtune tune", "one of batchtune " + record.header.command,
                     "--resume");
  return record;
}

Status check_resumable(const SessionHeader& stored, const TuningRequest& request,
                       const Model& model) {
  const std::string found = differences(stored, request, model);
  if (found.empty()) return {};
  return bad_input(fmt::format("the settings of session {}", stored.number), found, "--resume",
                   "Start a new session, or leave the differing options out");
}

}  // namespace batchtune
