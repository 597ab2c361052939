#include "tuner/cli/input_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "tuner/backend/backend_list.h"
#include "tuner/cli/defaults.h"
#include "tuner/workload/digest.h"
#include "tuner/workload/opaque.h"
#include "tuner/workload/samples/input_source.h"

namespace batchtune {
namespace {

constexpr char kInputOption[] = "--input", kOfFile[] = "of that file";
constexpr char kPath[] = "input", kSamples[] = "input.samples";
constexpr char kSeededOnly[] = "neuron";

Result<std::string> digest_of(const std::string& path) {
  Digest digest;
  BT_TRY_VOID(digest.add_file(path));
  return digest.text();
}

// A backend that would compute on seeded samples whatever is given: its outputs could be held against
// no other's.
Status check_takers(const TuningRequest& request) {
  for (const std::string& spec : backends_of(request)) {
    const BackendEntry* const entry = find_backend(split_backend_spec(spec).name);
    if (entry != nullptr && (is_plugin(*entry) || entry->name == std::string_view(kSeededOnly)))
      return bad_input("backends that take the samples of a file", entry->name, kInputOption,
                       "Leave it or that backend out");
  }
  return {};
}

// Whether some backend takes the samples from the file itself.
bool is_read_by_us(const TuningRequest& request) {
  const std::vector<std::string> specs = backends_of(request);
  return std::any_of(specs.begin(), specs.end(), [](const std::string& spec) {
    const BackendEntry* const entry = find_backend(split_backend_spec(spec).name);
    return entry != nullptr && !entry->simulated && !entry->one_instance;
  });
}

std::string text_of(const std::vector<Setting>& settings, const std::string& name) {
  for (const Setting& setting : settings)
    if (setting.name == name) return to_string(setting.value);
  return "";
}

}  // namespace

std::string absolute_input(const std::string& path) {
  if (path.empty()) return path;
  std::error_code ignored;
  return std::filesystem::absolute(path, ignored).lexically_normal().string();
}

Result<std::vector<Setting>> input_settings(const TuningRequest& request, const Model& model) {
  std::vector<Setting> settings;
  if (request.input.empty()) return settings;
  BT_TRY_VOID(check_takers(request));
  BT_TRY(digest, digest_of(request.input));
  settings.push_back({kPath, request.input, kInputOption});
  settings.push_back({kInputDigest, digest, kOfFile});
  if (!is_read_by_us(request) || is_opaque(model)) return settings;
  BT_TRY(source, InputSource::open(request.input, model));
  settings.push_back({kSamples, source.samples(), kOfFile});
  return settings;
}

std::string changed_input(const SessionHeader& stored) {
  const std::string then = text_of(stored.settings.effective, kInputDigest);
  if (then.empty()) return "";
  const std::string path = text_of(stored.settings.effective, kPath);
  const auto now = digest_of(path);
  if (now && *now == then) return "";
  return fmt::format("{} {}: digest {} then, {} now", kInputOption, path, then,
                     now ? *now : now.error().found);
}

std::string other_input(const SessionHeader& then, const SessionHeader& now) {
  const auto digest = [](const SessionHeader& header) {
    const std::string text = text_of(header.settings.effective, kInputDigest);
    return text.empty() ? std::string("seeded ones") : "digest " + text;
  };
  const std::string before = digest(then), after = digest(now);
  return before == after ? "" : fmt::format("{}: {} then, {} now", kInputOption, before, after);
}

}  // namespace batchtune
