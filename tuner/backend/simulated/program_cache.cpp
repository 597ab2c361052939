#include "tuner/backend/simulated/program_cache.h"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <system_error>

#include "tuner/core/dtype.h"
#include "tuner/core/hash.h"

namespace batchtune::simulated {
namespace {

namespace fs = std::filesystem;

constexpr char kBatch[] = "-batch-";
constexpr char kEnding[] = ".compiled";

std::string prefix_of(const std::string& device, const Model& model, const CandidateGroup& group) {
  const std::string all = device + "/" + model_hash(model) + "/" +
                          std::string(name_of(group.dtype)) + "/" + group.variant;
  return device + "-" + hex64(fnv1a(all)) + kBatch;
}

}  // namespace

std::string program_of(const std::string& device, const Model& model, const Candidate& candidate) {
  return prefix_of(device, model, candidate.group) + std::to_string(candidate.batch);
}

std::vector<std::int64_t> ProgramCache::batches(const std::string& device, const Model& model,
                                                const CandidateGroup& group) const {
  std::vector<std::int64_t> found;
  if (folder_.empty()) return found;
  const std::string prefix = prefix_of(device, model, group);
  std::error_code failed;
  for (fs::directory_iterator entry(folder_, failed), end; !failed && entry != end;
       entry.increment(failed)) {
    const std::string name = entry->path().filename().string();
    if (!name.starts_with(prefix) || !name.ends_with(kEnding)) continue;
    std::int64_t batch = 0;
    const char* const stop = name.data() + name.size() - (sizeof(kEnding) - 1);
    const auto read = std::from_chars(name.data() + prefix.size(), stop, batch);
    if (read.ec == std::errc{} && read.ptr == stop && batch > 0) found.push_back(batch);
  }
  std::sort(found.begin(), found.end());
  return found;
}

bool ProgramCache::keep(const std::string& program) const {
  if (folder_.empty()) return true;
  std::error_code failed;
  fs::create_directories(folder_, failed);
  std::ofstream file(fs::path(folder_) / (program + kEnding));
  return static_cast<bool>(file << "A simulated program: nothing is in it.\n");
}

}  // namespace batchtune::simulated
