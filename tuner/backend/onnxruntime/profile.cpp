#include "tuner/backend/onnxruntime/profile.h"

#include <stdlib.h>

#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <system_error>
#include <utility>

#include "tuner/backend/layer_times.h"

namespace batchtune::onnxruntime {
namespace {

using Json = nlohmann::json;

constexpr std::string_view kKernelTime = "_kernel_time";  // behind a node's name
constexpr std::string_view kRunEnded = "model_run";       // the event that closes a run
constexpr double kMicro = 1e-6;

tl::unexpected<Ending> no_profile(std::string evidence) {
  return tl::unexpected(Ending{TrialStatus::failed, "ONNX Runtime's profile cannot be read",
                               std::move(evidence), ""});
}

struct Event {
  std::string name, kind;
  Seconds seconds = 0;
};

std::string text_in(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

}  // namespace

Outcome<std::vector<LayerTime>> read_profile(std::string_view json, int runs) {
  const Json events = Json::parse(json, nullptr, /*allow_exceptions=*/false);
  if (!events.is_array()) return no_profile("no JSON array of events");
  std::vector<std::vector<Event>> all{{}};
  for (const Json& event : events) {
    if (!event.is_object()) return no_profile("an event that is no object");
    std::string name = text_in(event, "name");
    if (name == kRunEnded) all.emplace_back();
    const auto duration = event.find("dur");
    if (!name.ends_with(kKernelTime) || duration == event.end() || !duration->is_number()) continue;
    name.resize(name.size() - kKernelTime.size());
    const auto about = event.find("args");
    all.back().push_back({std::move(name),
                          about != event.end() ? text_in(*about, "op_name") : std::string(),
                          kMicro * duration->get<double>()});
  }
  all.pop_back();  // what follows the last run
  if (all.size() < static_cast<std::size_t>(runs))
    return no_profile(std::to_string(all.size()) + " runs instead of " + std::to_string(runs));
  LayerTimes times;
  for (auto run = all.end() - runs; run != all.end(); ++run) {
    times.begin_run();
    for (const Event& event : *run) times.add(event.name, event.kind, event.seconds);
  }
  return times.medians();
}

Outcome<std::vector<LayerTime>> read_profile_file(const std::string& path, int runs) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return no_profile("no file " + path);
  return read_profile(std::string(std::istreambuf_iterator<char>(file), {}), runs);
}

Outcome<TemporaryFolder> TemporaryFolder::make() {
  std::error_code error;
  std::string pattern =
      (std::filesystem::temp_directory_path(error) / "batchtune-profile-XXXXXX").string();
  if (error || mkdtemp(pattern.data()) == nullptr)
    return tl::unexpected(
        Ending{TrialStatus::failed, "there is no folder for a profile", pattern, ""});
  return TemporaryFolder(pattern);
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
}

}  // namespace batchtune::onnxruntime
