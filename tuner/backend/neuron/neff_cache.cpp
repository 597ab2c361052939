#include "tuner/backend/neuron/neff_cache.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <sstream>
#include <system_error>
#include <utility>

#include "tuner/core/hash.h"

namespace batchtune::neuron {
namespace {

namespace fs = std::filesystem;

constexpr char kEntryFile[] = "entry.txt", kFailureFile[] = "failure.txt";
// Statuses that the same compiler gives again for the same program.
constexpr std::pair<const char*, TrialStatus> kFinal[] = {
    {"out_of_memory", TrialStatus::out_of_memory}, {"unsupported", TrialStatus::unsupported}};

using Lines = std::map<std::string, std::string>;  // "name value"

std::string one_line(std::string text) {
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text;
}

Lines read_lines(const std::string& path) {
  Lines lines;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    const std::size_t space = line.find(' ');
    if (space != std::string::npos) lines[line.substr(0, space)] = line.substr(space + 1);
  }
  return lines;
}

bool write_lines(const std::string& path, const Lines& lines) {
  std::string text;
  for (const auto& [name, value] : lines) text += name + " " + value + "\n";
  return write_content(path, text);
}

Lines lines_of(const NeffEntry& entry, const std::string& version) {
  return {{"model", entry.model},
          {"dtype", std::string(name_of(entry.dtype))},
          {"batch", std::to_string(entry.batch)},
          {"arguments", one_line(entry.arguments)},
          {"compiler", version}};
}

std::optional<Ending> failure_in(const std::string& path) {
  Lines lines = read_lines(path);
  for (const auto& [name, status] : kFinal)
    if (lines["status"] == name)
      return Ending{status, lines["reason"], lines["evidence"] + "; told from the cache, " + path,
                    lines["where"]};
  return std::nullopt;
}

bool write_failure(const std::string& path, const Ending& ending) {
  for (const auto& [name, status] : kFinal)
    if (ending.status == status)
      return write_lines(path, {{"status", name},
                                {"reason", one_line(ending.reason)},
                                {"evidence", one_line(ending.evidence)},
                                {"where", ending.where}});
  return false;
}

bool has_content(const fs::path& path) {
  std::error_code none;
  const auto size = fs::file_size(path, none);
  return !none && size > 0;
}

}  // namespace

std::optional<std::string> content_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return std::nullopt;
  return std::string{std::istreambuf_iterator<char>(file), {}};
}

bool write_content(const std::string& path, const std::string& content) {
  std::ofstream file(path, std::ios::binary);
  file << content;
  return static_cast<bool>(file.flush());
}

std::string NeffCache::parent() const {
  return folder_.empty() ? fs::temp_directory_path().string() : folder_;
}

std::string NeffCache::entry_of(const std::string& program, const std::string& arguments) const {
  return folder_ + "/neuronxcc-" + version_ + "/" + hex64(fnv1a(program)) + "+" +
         hex64(fnv1a(arguments));
}

std::optional<Outcome<std::string>> NeffCache::find(const std::string& program,
                                                    const std::string& arguments) const {
  if (folder_.empty()) return std::nullopt;
  const std::string entry = entry_of(program, arguments);
  if (content_of(entry + "/" + kProgramFile) != program) return std::nullopt;
  if (auto neff = content_of(entry + "/" + kNeffFile); neff && !neff->empty())
    return Outcome<std::string>(std::move(*neff));
  if (auto failure = failure_in(entry + "/" + kFailureFile))
    return Outcome<std::string>(tl::unexpected(std::move(*failure)));
  return std::nullopt;
}

void NeffCache::keep(const std::string& from, const std::string& program, const NeffEntry& entry,
                     const Ending* failure) const {
  if (folder_.empty()) return;
  if (failure != nullptr && !write_failure(from + "/" + kFailureFile, *failure)) return;
  if (!write_lines(from + "/" + kEntryFile, lines_of(entry, version_))) return;
  const std::string to = entry_of(program, entry.arguments);
  std::error_code ignored;
  fs::create_directories(fs::path(to).parent_path(), ignored);
  if (!find(program, entry.arguments)) fs::remove_all(to, ignored);  // a broken one
  fs::rename(from, to, ignored);
}

std::vector<std::int64_t> NeffCache::batches_of(const std::string& model, DType dtype,
                                                const std::string& arguments) const {
  std::vector<std::int64_t> batches;
  std::error_code none;
  const fs::path folder = folder_ + "/neuronxcc-" + version_;
  if (folder_.empty()) return batches;
  for (fs::directory_iterator entry(folder, none), end; !none && entry != end;
       entry.increment(none)) {
    if (!has_content(entry->path() / kNeffFile)) continue;
    const Lines lines = read_lines((entry->path() / kEntryFile).string());
    const auto batch = lines.find("batch");
    if (batch == lines.end()) continue;
    std::int64_t number = 0;
    std::istringstream(batch->second) >> number;
    if (number >= 1 && lines == lines_of({model, dtype, number, arguments}, version_))
      batches.push_back(number);
  }
  std::sort(batches.begin(), batches.end());
  return batches;
}

}  // namespace batchtune::neuron
