// What ONNX Runtime writes of a session's runs when it is asked to profile them: a JSON file of
// events, a node each.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "tuner/backend/backend.h"

namespace batchtune::onnxruntime {

// Of the last `runs` runs of the file, layers in the order in which they ran. A node's name is as
// ONNX Runtime has it ("conv1_nchwc"), its kind the operation that ran ("FusedConv"). Failed: no
// such file, or not so many runs in it.
Outcome<std::vector<LayerTime>> read_profile(std::string_view json, int runs);
Outcome<std::vector<LayerTime>> read_profile_file(const std::string& path, int runs);

// A folder of its own while it lives; for a file that a library names itself.
class TemporaryFolder {
 public:
  static Outcome<TemporaryFolder> make();
  TemporaryFolder(TemporaryFolder&& other) noexcept : path_(std::move(other.path_)) {
    other.path_.clear();
  }
  TemporaryFolder& operator=(TemporaryFolder&&) = delete;
  ~TemporaryFolder();
  const std::filesystem::path& path() const { return path_; }

 private:
  explicit TemporaryFolder(std::filesystem::path path) : path_(std::move(path)) {}
  std::filesystem::path path_;
};

}  // namespace batchtune::onnxruntime
