#include "tuner/cli/resume.h"

#include <fmt/format.h>

#include <tuple>

#include "tuner/cli/database.h"
#include "tuner/cli/host.h"
#include "tuner/cli/input_file.h"
#include "tuner/cli/setting_lists.h"
#include "tuner/workload/model_file.h"

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
  if (const std::string changed = changed_settings(stored.settings.requested, request.given);
      !changed.empty())
    text += (text.empty() ? "" : "; ") + changed;
  if (const std::string changed = changed_input(stored); !changed.empty())
    text += (text.empty() ? "" : "; ") + changed;
  for (const auto& [option, then, asked] :
       {std::tuple{"--revision", &stored.revision, &request.revision},
        std::tuple{"--branch", &stored.branch, &request.branch},
        std::tuple{"--label", &stored.label, &request.label}})
    if (!asked->empty()) compare(option, *then, *asked);
  return text;
}

}  // namespace

Result<SessionRecord> find_resumable(const Store& store, const std::string& which,
                                     const std::optional<Model>& model) {
  std::string text = which;
  if (text.empty() && !model)
    return bad_input("a MODEL or a session to go on with", "neither", "--resume");
  if (text.empty()) {
    BT_TRY(last, store.last_unended(model_hash(*model)));
    if (!last)
      return bad_input("a session of " + model->name + " that has not ended", "none", store.path(),
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

Result<Model> stored_model(const SessionHeader& header) {
  return parse_model(header.model_json, fmt::format("session {}", header.number));
}

Status check_resumable(const SessionHeader& stored, const TuningRequest& request,
                       const Model& model) {
  const std::string found = differences(stored, request, model);
  if (found.empty()) return {};
  return bad_input(fmt::format("the settings of session {}", stored.number), found, "--resume",
                   "Start a new session, or leave the differing options out");
}

}  // namespace batchtune
